"""A person's decision: tag_id -> draft -> event -> outbox, one call per arrow.

>>> done = decide(home, Decision("accepted"), ["4f0c"], time.time())
>>> done.decided[0].change
'new'
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from edge.errors import InputError, TagletError
from edge.events import Event, Kind, Status
from edge.outbox.draft_tables import Draft
from edge.outbox.drafts import find
from edge.outbox.store import Decided, open_outbox
from edge.shard import Shard, open_shard

SHORTEST_PREFIX = 4
WHOLE_ID = 16


@dataclass(frozen=True)
class Decision:
    """What is decided on a tag.

    Attributes:
        kind: "accepted", "rejected" or "corrected".
        corrected_to: the product that it is instead; only where it is corrected.
        share_embedding: the creator agrees that the vector of the crop leaves the device.
    """

    kind: Kind
    corrected_to: str | None = None
    share_embedding: bool = False


@dataclass(frozen=True)
class Done:
    """What became of a call.

    Attributes:
        drafts: the tags that were decided on.
        decided: likewise.
        problems: a sentence for each tag that could not be.
        waiting: events in the outbox now.
        notes: sentences that a person should read.
    """

    drafts: tuple[Draft, ...]
    decided: tuple[Decided, ...]
    problems: tuple[str, ...]
    waiting: int
    notes: tuple[str, ...] = ()


def decide(home: Path, decision: Decision, tag_ids: Sequence[str], now_s: float) -> Done:
    """Decide on tags: those that are found in one transaction, the others with a sentence each.

    Args:
        home: where the device keeps its state.
        decision: the same for all of them.
        tag_ids: of tags, or unambiguous beginnings of at least four digits.
        now_s: this device's clock, seconds since 1970; kept as it is, right or wrong.

    Raises:
        OutputError: the outbox cannot be written: nothing was decided.
    """
    drafts, problems = _drafts_of(home, decision, tag_ids)
    events = [event_of(draft, decision, now_s, os.urandom(16).hex()) for draft in drafts.values()]
    if not events:
        return Done((), (), tuple(problems), 0)
    with open_outbox(home) as outbox:
        decided = outbox.decide(events)
        waiting = outbox.counts().waiting
        return Done(tuple(drafts.values()), tuple(decided), tuple(problems), waiting, outbox.notes)


def event_of(draft: Draft, decision: Decision, now_s: float, event_id: str) -> Event:
    """Return the event that tells of a decision: of the draft only what the format names.

    Raises:
        InputError: the catalogue's product_id is one that no event can hold.
    """
    return Event(
        event_id=event_id,
        kind=decision.kind,
        made_at_s=round(max(0.0, now_s), 3),
        tag_id=draft.tag_id,
        catalog=draft.catalog,
        catalog_version=draft.catalog_version,
        shard_sha256=draft.shard_sha256,
        space_id=draft.space_id,
        product_id=draft.product_id,
        corrected_to=decision.corrected_to,
        similarity=draft.similarity,
        margin=draft.margin,
        status=cast("Status", draft.status),
        embedding=draft.vector if decision.share_embedding else None,
    )


def draft_of(home: Path, given: str) -> Draft:
    """Return the one draft whose tag_id begins so.

    Raises:
        InputError: there is none, or there are several.
    """
    prefix = _prefix(given)
    return _only(prefix, find(home, [prefix])[0])


def _drafts_of(home: Path, decision: Decision, tag_ids: Sequence[str]) -> tuple[dict[str, Draft], list[str]]:
    """Return what is found by tag_id, and a sentence for each that is not."""
    drafts: dict[str, Draft] = {}
    prefixes, problems = [], []
    for given in tag_ids:
        try:
            prefixes.append(_prefix(given))
        except InputError as e:
            problems.append(str(e))
    for prefix, found in zip(prefixes, find(home, prefixes), strict=True):
        try:
            draft = _only(prefix, found)
            _require_vector(draft, decision)
            drafts[draft.tag_id] = draft
        except InputError as e:
            problems.append(str(e))
    return drafts, problems


def _prefix(given: str) -> str:
    prefix = given.strip().lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORTEST_PREFIX},{WHOLE_ID}}}", prefix):
        raise InputError(
            f"{given[:40]!r} is no tag_id: it is {WHOLE_ID} hexadecimal digits, or the first {SHORTEST_PREFIX} or more"
        )
    return prefix


def _only(prefix: str, found: Sequence[Draft]) -> Draft:
    if not found:
        raise InputError(
            f"no tag {prefix} is known here: tag the picture or video again, or see `edge outbox --drafts`"
        )
    if len(found) > 1:
        named = ", ".join(f"{draft.tag_id} ({draft.title})" for draft in found[:2])
        raise InputError(f"{prefix} begins several tag_ids, such as {named}: give more digits")
    return found[0]


def product_for(draft: Draft, wanted: str, shards: Iterable[Shard]) -> str:
    """Return a product that a tag may be corrected to.

    Args:
        draft: the tag.
        wanted: its product_id.
        shards: the catalogues of this device; the one that the tag is of is looked into too, if it is still there.

    Raises:
        InputError: no catalogue has it, which names those that are nearly so, or it is what was suggested.
    """
    if wanted == draft.product_id:
        raise InputError(f"{wanted} is what was suggested for tag {draft.tag_id}: `edge accept` says that it is right")
    shards = [*shards, *_shard_of(draft)]
    if any(shard.find(wanted) is not None for shard in shards):
        return wanted
    near = near_products(wanted, shards)
    hint = f"did you mean {', '.join(near)}?" if near else "its product_id stands in the catalogue"
    raise InputError(f"no catalogue on this device has a product {wanted[:80]!r}: {hint}")


def near_products(wanted: str, shards: Iterable[Shard], n: int = 3) -> list[str]:
    """Return product_ids that are nearly what was asked for, or whose title is, each as "id (title)"."""
    titles = {
        product_id: title
        for shard in shards
        for product_id, title in zip(shard.texts("product_id"), shard.texts("title"), strict=True)
    }
    spoken: dict[str, str] = {}
    for product_id, title in titles.items():
        spoken.setdefault(product_id.casefold(), product_id)
        spoken.setdefault(title.casefold(), product_id)
    words = wanted.casefold().split()
    near = difflib.get_close_matches(wanted.casefold(), spoken, n=2 * n, cutoff=0.6)
    near += [text for text in spoken if words and all(word in text for word in words)]
    ids = list(dict.fromkeys(spoken[text] for text in near))[:n]
    return [f"{product_id} ({titles[product_id]})" for product_id in ids]


def _shard_of(draft: Draft) -> list[Shard]:
    try:
        return [open_shard(Path(draft.shard_path))]
    except TagletError:
        return []


def _require_vector(draft: Draft, decision: Decision) -> None:
    if decision.share_embedding and draft.vector is None:
        raise InputError(f"no embedding of tag {draft.tag_id} was kept: tag it again, or decide without sharing it")
