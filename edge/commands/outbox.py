"""`python -m edge outbox`: what waits to be sent, what was refused, and which tags can be decided on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.command_line import say, write_json
from edge.defaults import add_home_argument, home_folder
from edge.events import FIELDS, event_bytes, event_document
from edge.outbox.draft_tables import Draft
from edge.outbox.drafts import newest
from edge.outbox.enrolment import read_enrolment
from edge.outbox.rows import Kept
from edge.outbox.store import look_into_outbox, open_outbox
from edge.output.text_width import printable

EXAMPLE = """  python -m edge outbox --json -
  python -m edge outbox --drafts 20"""

SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "--drafts", type=_number, nargs="?", const=20, default=0, metavar="N", help="show the newest N tags too (20)"
    )
    parser.add_argument("--retry", action="store_true", help="let what the server refused be sent once more")
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what is there."""
    home = home_folder(args.home)
    if args.retry:
        with open_outbox(home) as outbox:
            say(f"edge outbox: {outbox.retry_refused()} events wait again")
    waiting, refused, notes = _events(home)
    drafts = newest(home, args.drafts) if args.drafts else []
    for note in notes:
        say(f"edge outbox: {note}")
    if args.json:
        write_json(_document(home, waiting, refused, drafts), args.json)
    if args.json != "-":
        _print(home, waiting, refused)
        _print_drafts(drafts)
    return 0


def _events(home: Path) -> tuple[list[Kept], list[Kept], tuple[str, ...]]:
    with look_into_outbox(home) as outbox:
        return ([], [], ()) if outbox is None else (outbox.waiting()[0], outbox.refused(), outbox.notes)


def _print(home: Path, waiting: Sequence[Kept], refused: Sequence[Kept]) -> None:
    enrolment = read_enrolment(home)
    goes = (
        f"`edge sync` sends them to {enrolment.server}" if enrolment else "this device is not enrolled: they stay here"
    )
    print(f"{len(waiting)} events wait" + (f"; {goes}" if waiting else ""))
    for kept in waiting[:SHOWN]:
        print(f"  {len(event_bytes(kept.event)):>5,} bytes  {event_bytes(kept.event).decode()}")
    if len(waiting) > SHOWN:
        print(f"  … and {len(waiting) - SHOWN} more: `--json -` has them all")
    if waiting:
        print(f"fields: {', '.join(FIELDS)}")
        packed = _packed_bytes(home, waiting)
        size = f", {packed:,} packed" if packed is not None else ""
        print(f"{sum(len(event_bytes(kept.event)) for kept in waiting):,} bytes of events{size}")
    if refused:
        print(f"{len(refused)} events were refused by the server and are kept here")
    for kept in refused:
        print(f"  {kept.event.kind} {kept.event.tag_id}  {printable(f'{kept.event.product_id}: {kept.reason}')}")


def _print_drafts(drafts: Sequence[tuple[Draft, str]]) -> None:
    for draft, path in drafts:
        when = f"  {draft.start_s:.1f}-{draft.end_s:.1f} s" if draft.end_s else ""
        print(f"{draft.tag_id}  {draft.similarity:.2f} {draft.status:<9}  {printable(f'{draft.title}  {path}')}{when}")


def _document(
    home: Path, waiting: Sequence[Kept], refused: Sequence[Kept], drafts: Sequence[tuple[Draft, str]]
) -> dict[str, Any]:
    enrolment = read_enrolment(home)
    return {
        "server": enrolment.server if enrolment else None,
        "fields": list(FIELDS),
        "waiting": [_entry(kept) for kept in waiting],
        "refused": [{**_entry(kept), "reason": kept.reason} for kept in refused],
        "bytes": sum(len(event_bytes(kept.event)) for kept in waiting),
        "packed_bytes": _packed_bytes(home, waiting),
        "drafts": [
            {"tag_id": draft.tag_id, "product_id": draft.product_id, "title": draft.title, "status": draft.status,
             "similarity": draft.similarity, "start_s": draft.start_s, "end_s": draft.end_s, "path": path}
            for draft, path in drafts
        ],
    }  # fmt: skip


def _entry(kept: Kept) -> dict[str, Any]:
    return {"event": event_document(kept.event), "bytes": len(event_bytes(kept.event)), "attempts": kept.attempts}


def _packed_bytes(home: Path, waiting: Sequence[Kept]) -> int | None:
    """Return the bytes of all bodies that would leave; None without the extra `sync`, which packs them."""
    with suppress(ImportError):
        from edge.outbox.push import in_batches

        enrolment = read_enrolment(home)
        device_id = enrolment.device_id if enrolment else "0" * 32
        return sum(len(batch.body) for batch in in_batches([kept.event for kept in waiting], device_id))
    return None


def _number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)
