"""What `edge accept`, `edge reject` and `edge correct` have in common: arguments, the call, and what is printed."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from edge.command_line import say, write_json
from edge.defaults import add_home_argument, home_folder
from edge.outbox.deciding import Decision, Done, decide
from edge.output.text_width import printable

EXIT_INPUT = 3
_REMARKS = {
    "new": "",
    "same": " (as decided before)",
    "replaced": " (in place of the decision before, which had not been sent)",
    "further": " (after the decision before, which may have been sent)",
}


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what all three commands have."""
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result as JSON")


def add_consent_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the creator's consent."""
    parser.add_argument(
        "--share-embedding",
        action="store_true",
        help="the creator agrees that the vector of the object leaves this device; no picture ever does (default: no)",
    )


def decide_and_tell(decision: Decision, tag_ids: Sequence[str], args: argparse.Namespace) -> int:
    """Decide, print and write the document; return 0, or 3 if a tag could not be decided on."""
    called = f"edge {args.command}"
    done = decide(home_folder(args.home), decision, tag_ids, time.time())
    for sentence in (*done.notes, *done.problems):
        say(f"{called}: {printable(sentence)}")
    if args.json:
        write_json(_document(done), args.json)
    if args.json != "-":
        _print(done, sys.stdout)
    return EXIT_INPUT if done.problems else 0


def _print(done: Done, out: Any) -> None:
    for draft, decided in zip(done.drafts, done.decided, strict=True):
        event = decided.event
        became = f" -> {event.corrected_to}" if event.corrected_to else ""
        shared = ", with its embedding" if event.embedding is not None else ""
        what = printable(f"{draft.title}{became}")
        print(f"{event.kind} {event.tag_id}  {what}{shared}{_REMARKS[decided.change]}", file=out)
    if done.decided:
        print(f"{done.waiting} in the outbox: `edge sync` sends, `edge outbox` shows", file=out)


def _document(done: Done) -> dict[str, Any]:
    return {
        "decisions": [
            {
                "tag_id": one.event.tag_id,
                "kind": one.event.kind,
                "product_id": one.event.product_id,
                "corrected_to": one.event.corrected_to,
                "embedding_shared": one.event.embedding is not None,
                "event_id": one.event.event_id,
                "change": one.change,
            }
            for one in done.decided
        ],
        "problems": list(done.problems),
        "notes": list(done.notes),
        "waiting": done.waiting,
    }
