"""Hold the tags of a clip against what the clip is known to show.

A tag belongs to the appearance whose box it overlaps most at the moment when the tag's object was seen best.

    >>> for verdict in verdicts(truth.appearances, found):
    ...     print(verdict.title, verdict.outcome)
    Day Milk Elderflower found
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge.geometry import iou
from edge.output.text_width import fit
from edge.output.wording import count
from edge.tags import Moment, SourceTags, Tag
from export.render.clip import Appearance

SAME_OBJECT_IOU = 0.3
Outcome = Literal["found", "ambiguous", "mistaken", "missed", "rightly untagged", "beside", "nothing there"]


@dataclass(frozen=True)
class Verdict:
    """What became of one appearance, or of a tag where nothing is.

    Attributes:
        title: what is shown; of a tag where nothing is, what was suggested.
        start_s: when it comes into the picture, seconds.
        end_s: when it leaves.
        outcome: "found"; "ambiguous": the right product or a look-alike, not chosen; "mistaken": only other products
            were suggested; "missed"; "rightly untagged": not in the catalogue and not tagged; "beside": another product
            was suggested as well; "nothing there".
        tag: the tag that speaks most clearly for the outcome, None where there is none.
    """

    title: str
    start_s: float
    end_s: float
    outcome: Outcome
    tag: Tag | None


def verdicts(appearances: Sequence[Appearance], found: SourceTags) -> list[Verdict]:
    """Return one verdict for each appearance in order, then one for each further tag of what is not shown there."""
    owners = [_owner(appearances, tag.best) for tag in found.tags]
    judged, wrong = [], []
    for index, appearance in enumerate(appearances):
        tags = [tag for tag, owner in zip(found.tags, owners, strict=True) if owner == index]
        judged.append(_verdict(appearance, tags))
        wrong += [_beside(appearance, tag) for tag in tags if _is_wrong(appearance, tag) and tag is not judged[-1].tag]
    lost = [tag for tag, owner in zip(found.tags, owners, strict=True) if owner is None]
    wrong += [Verdict(t.candidates[0].title, t.start_s, t.end_s, "nothing there", t) for t in lost]
    return judged + wrong


def verdict_lines(judged: Sequence[Verdict]) -> list[str]:
    """Return a table: what is shown and when, what was tagged, how similar, and the outcome."""
    lines = [_line("shown", "seen", "tagged as", "similarity", "outcome")]
    for verdict in judged:
        tag = verdict.tag
        seen = f"{verdict.start_s:4.1f}-{verdict.end_s:4.1f} s"
        named = tag.candidates[0].title if tag else ""
        similarity = f"{tag.candidates[0].similarity:.2f}" if tag else ""
        lines.append(_line(verdict.title, seen, named, similarity, verdict.outcome))
    wrong = sum(verdict.outcome in ("mistaken", "beside", "nothing there") for verdict in judged)
    right = sum(verdict.outcome in ("found", "rightly untagged") for verdict in judged)
    shown = sum(verdict.outcome not in ("beside", "nothing there") for verdict in judged)
    return [*lines, "", f"{count(wrong, 'wrong tag')}; {right} of {shown} right"]


def _line(shown: str, seen: str, named: str, similarity: str, outcome: str) -> str:
    cells = fit(shown, 38), fit(seen, 12), fit(named, 38), fit(similarity, 10, right=True), outcome
    return "  ".join(cells).rstrip()


def _owner(appearances: Sequence[Appearance], best: Moment) -> int | None:
    """Return the appearance that the moment shows, or None."""
    overlaps = [_overlap(appearance, best) for appearance in appearances]
    index = int(np.argmax(overlaps)) if overlaps else 0
    return index if overlaps and overlaps[index] >= SAME_OBJECT_IOU else None


def _overlap(appearance: Appearance, best: Moment) -> float:
    times = np.abs(np.asarray(appearance.timestamp_s) - best.timestamp_s)
    nearest = int(times.argmin()) if len(times) else 0
    if not len(times) or times[nearest] > 0.1:
        return 0.0
    pair = np.array([appearance.xyxy[nearest]], np.float32), np.array([best.xyxy], np.float32)
    return float(iou(*pair)[0, 0])


def _verdict(appearance: Appearance, tags: Sequence[Tag]) -> Verdict:
    right = [tag for tag in tags if tag.candidates[0].product_id == appearance.product_id]
    unsure = [
        tag
        for tag in tags
        if tag.status == "ambiguous" and appearance.product_id in [c.product_id for c in tag.candidates[:2]]
    ]
    best = max([t for t in right if t.status == "match"] or unsure or tags, key=_similarity, default=None)
    return Verdict(appearance.title, appearance.start_s, appearance.end_s, _outcome(appearance, best, unsure), best)


def _is_wrong(appearance: Appearance, tag: Tag) -> bool:
    """Return whether a tag claims another product than the one that is shown."""
    return tag.status == "match" and tag.candidates[0].product_id != appearance.product_id


def _beside(appearance: Appearance, tag: Tag) -> Verdict:
    return Verdict(appearance.title, tag.start_s, tag.end_s, "beside", tag)


def _outcome(appearance: Appearance, best: Tag | None, unsure: Sequence[Tag]) -> Outcome:
    if best is None:
        return "rightly untagged" if appearance.product_id is None else "missed"
    if best in unsure:
        return "ambiguous"
    return "found" if best.candidates[0].product_id == appearance.product_id else "mistaken"


def _similarity(tag: Tag) -> float:
    return tag.candidates[0].similarity
