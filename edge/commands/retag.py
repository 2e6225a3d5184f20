"""`python -m edge retag`: what a newer catalogue says of what was tagged before, without opening it."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.bundle import Bundle, Matching, load_bundle
from edge.command_line import say, write_json
from edge.defaults import Catalogs, add_home_argument, choose_bundle, home_folder, open_catalogs
from edge.errors import SpaceMismatch, UsageError
from edge.gallery import Gallery
from edge.outbox.choosing import choose
from edge.outbox.draft_tables import Draft
from edge.outbox.drafts import SourceDraft, update
from edge.outbox.retagging import Answer, Catalogue, Retagged, RetaggedObject, RetaggedTag, retag
from edge.outbox.store import look_into_outbox
from edge.output.text_width import printable
from edge.shard import Shard
from edge.shard.calibration import rule_of

EXAMPLE = """  python -m edge retag clip.mp4
  python -m edge retag 4f0c --dry-run
  python -m edge retag --all --json -

DRAFT is the path of a picture or video that was tagged, or the beginning of a tag_id or of a content id."""
EXIT_INPUT, EXIT_SPACE = 3, SpaceMismatch.exit_code
SHOWN = 50
WORDS = {
    "same": "the same",
    "details": "the same product, with another title or price",
    "ambiguous": "now ambiguous",
    "clear": "now clear",
    "product": "another product",
    "no_match": "like no product any more",
    "gone": "no longer in the catalogue",
    "found": "now in the catalogue",
    "unmatched": "still like no product",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("drafts", nargs="*", metavar="DRAFT", help="what to ask again")
    parser.add_argument("--all", action="store_true", help="everything that was kept")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models whose thresholds count (default: packaged)")
    parser.add_argument(
        "--shard",
        type=Path,
        action="append",
        metavar="DIR",
        help="catalogue to ask, repeatable (default: what was last synced, else the demo catalogue)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Ask again, update the drafts; return 0, 3 if a draft is not known, or 4 if no catalogue is of its space."""
    if args.all == bool(args.drafts):
        raise UsageError("name drafts, or give --all")
    home, bundle = home_folder(args.home), load_bundle(choose_bundle(args.bundle))
    catalogs = open_catalogs(args.shard, home, bundle.space_id)
    gallery = Gallery(catalogs.shards, bundle.space_id, bundle.name)
    start = time.perf_counter()
    chosen = choose(home, args.drafts, args.all)
    sources, strangers = _of_space(chosen.sources, bundle.space_id)
    decided = _decided(home, sources)
    again = retag(sources, Catalogue(gallery, _thresholds(bundle, gallery.shards)), decided)
    if not args.dry_run:
        _update(home, again)
    milliseconds = (time.perf_counter() - start) * 1000
    problems = (*chosen.problems, *(_no_vector(draft) for draft in again.without_vector))
    for sentence in (*catalogs.notes, *problems, *strangers):
        say(f"edge retag: {printable(sentence)}")
    if args.json:
        write_json(_document(catalogs, sources, again, (*problems, *strangers), milliseconds), args.json)
    if args.json != "-":
        _print(sources, again, args.dry_run, milliseconds)
    return EXIT_SPACE if strangers else EXIT_INPUT if problems else 0


def _thresholds(bundle: Bundle, shards: Sequence[Shard]) -> Callable[[Shard, bool], Matching]:
    """Return the thresholds by which a tag of a shard is judged, with and without a second look."""
    rule = rule_of(bundle.second_look, (shard.calibration for shard in shards))

    def of(shard: Shard, looked_again: bool) -> Matching:
        return shard.matching(bundle.matching, rule if looked_again else None)

    return of


def _of_space(sources: Iterable[SourceDraft], space_id: str) -> tuple[list[SourceDraft], list[str]]:
    """Return what can be asked, and a sentence for each source with drafts of a space that no catalogue is of."""
    asked, strangers = [], []
    for source in sources:
        spaces = [tag.space_id for tag in source.tags] + [one.space_id for one in source.objects]
        if set(spaces) - {space_id}:
            named = ", ".join(sorted({space[:12] for space in spaces if space != space_id}))
            count = sum(space != space_id for space in spaces)
            strangers.append(
                f"{source.path or source.content_id[:16]}: {count} of its vectors are of embedding space {named}, "
                f"which no catalogue here is of any more (they are of {space_id[:12]}): tag it again"
            )
        tags = tuple(tag for tag in source.tags if tag.space_id == space_id)
        objects = tuple(one for one in source.objects if one.space_id == space_id)
        asked.append(replace(source, tags=tags, objects=objects))
    return asked, strangers


def _decided(home: Path, sources: Sequence[SourceDraft]) -> dict[str, str]:
    with look_into_outbox(home) as outbox:
        tag_ids = [tag.tag_id for source in sources for tag in source.tags]
        return {} if outbox is None else outbox.decided_on(tag_ids)


def _update(home: Path, again: Retagged) -> None:
    tags = [one.now for one in again.tags if one.now is not None and one.now != one.was]
    found = [(one.was, one.now) for one in again.objects if one.now is not None]
    if tags or found:
        update(home, tags, found)


def _no_vector(draft: Draft) -> str:
    return f"no vector of tag {draft.tag_id} ({draft.title}) was kept: tag the source again"


def _print(sources: Sequence[SourceDraft], again: Retagged, dry_run: bool, milliseconds: float) -> None:
    if not sources:
        return
    path_of = {source.content_id: source.path for source in sources}
    changed = [one for one in again.all if one.change not in ("same", "unmatched")]
    for one in changed[:SHOWN]:
        print(printable(f"{_line(one)}  [{path_of[one.was.content_id]}]"), file=sys.stdout)
    if len(changed) > SHOWN:
        print(f"and {len(changed) - SHOWN} more: --json FILE has them all")
    counts = Counter[str](one.change for one in again.all)
    told = ", ".join(f"{counts[change]} {words}" for change, words in WORDS.items() if counts[change])
    kept = "; nothing was changed (--dry-run)" if dry_run and changed else ""
    print(f"{told or 'nothing was kept of it'}{kept} ({milliseconds:.0f} ms)")


def _line(one: RetaggedTag | RetaggedObject) -> str:
    named = one.now.tag_id if one.now is not None else one.was.tag_id if isinstance(one.was, Draft) else "-" * 16
    was = one.was.title if isinstance(one.was, Draft) else "like no product"
    first = one.answer.candidates[0].record.title if one.answer.status != "unmatched" else ""
    became = f" -> {first}" if first and first != was else ""
    decided = f" ({one.decided}, which stays)" if isinstance(one, RetaggedTag) and one.decided else ""
    return f"{named}  {was}{became}: {WORDS[one.change]}{decided}"


def _document(
    catalogs: Catalogs, sources: Sequence[SourceDraft], again: Retagged, problems: Sequence[str], milliseconds: float
) -> dict[str, Any]:
    path_of = {source.content_id: source.path for source in sources}
    return {
        "shards": [
            {"catalog": shard.catalog, "version": shard.version, "items": shard.products, "sha256": shard.sha256}
            for shard in catalogs.shards
        ],
        "tags": [{**_entry(one, path_of), "decided": one.decided, "was": _was(one.was)} for one in again.tags],
        "objects": [_entry(one, path_of) for one in again.objects],
        "changes": dict(Counter(one.change for one in again.all)),
        "problems": list(problems),
        "milliseconds": round(milliseconds, 3),
    }


def _entry(one: RetaggedTag | RetaggedObject, path_of: dict[str, str]) -> dict[str, Any]:
    tag_id = one.now.tag_id if one.now is not None else one.was.tag_id if isinstance(one.was, Draft) else None
    return {
        "tag_id": tag_id,
        "path": path_of[one.was.content_id],
        "start_s": one.was.start_s,
        "end_s": one.was.end_s,
        "change": one.change,
        "now": _now(one.answer),
        "updated": one.now is not None and one.now != one.was,
    }


def _was(draft: Draft) -> dict[str, Any]:
    return {
        "status": draft.status,
        "product_id": draft.product_id,
        "title": draft.title,
        "price": draft.price,
        "currency": draft.currency,
        "similarity": draft.similarity,
        "margin": draft.margin,
        "catalog": draft.catalog,
        "catalog_version": draft.catalog_version,
    }


def _now(answer: Answer) -> dict[str, Any]:
    """Return what the catalogue says, like `_was`; of an object that is like no product, the nearest one."""
    if not answer.candidates:
        return {"status": answer.status, "product_id": None}
    first = answer.candidates[0]
    return {
        "status": answer.status,
        "product_id": first.record.product_id,
        "title": first.record.title,
        "price": first.record.price,
        "currency": first.record.currency,
        "similarity": round(first.similarity, 4),
        "margin": round(answer.margin, 4),
        "catalog": first.shard.catalog,
        "catalog_version": first.shard.version,
    }
