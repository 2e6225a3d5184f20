"""`python -m edge sync`: send what was decided to a server, and bring the catalogues up to date from it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle import load_bundle
from edge.command_line import say, write_json
from edge.defaults import add_home_argument, choose_bundle, home_folder
from edge.errors import MissingExtra, UsageError

EXAMPLE = """  python -m edge sync --server https://shop.example/catalogs --root root.json
  python -m edge sync --dry-run
  python -m edge sync --max-bytes 200000 --category drinks"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--server", metavar="URL", help="where catalogues are published (default: as last time)")
    parser.add_argument("--root", type=Path, metavar="FILE", help="the operator's root.json, for the first sync")
    parser.add_argument("--catalog", action="append", metavar="NAME", help="repeatable (default: as last time, or all)")
    parser.add_argument("--category", help="fetch products of this category first")
    parser.add_argument("--thumbnails", action="store_true", help="bring the small catalogue pictures too")
    parser.add_argument("--keypoints", action="store_true", help="bring what the second look needs too")
    parser.add_argument(
        "--max-bytes", type=_bytes, metavar="N", help="receive and push at most N bytes; the next call goes on"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say which bytes would come and go, install and send nothing"
    )
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    add_home_argument(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Sync, print what came, write the document."""
    try:
        from edge.outbox.push import push_from
        from edge.sync.syncing import Progress, Wishes, pull
        from edge.sync.transport import HttpTransport, LimitReached, Metered
        from edge.sync.trust import read_root
    except ImportError as e:
        raise MissingExtra(e.name or "what `edge sync` needs", "sync") from e
    from edge.sync.settings import Settings, read_settings, write_settings

    home = home_folder(args.home)
    settings = _settings(read_settings(home), args)
    line = Metered(HttpTransport(settings.server), args.max_bytes)
    space_id = load_bundle(choose_bundle(args.bundle)).space_id
    root = read_root(args.root) if args.root else None
    packs = tuple(name for name in ("thumbnails", "keypoints") if getattr(args, name))
    wishes = Wishes(space_id, settings.catalogs, args.category, packs, root, args.dry_run)
    out = sys.stderr if args.json == "-" else sys.stdout
    report = push_from(home, line, args.dry_run)
    _print_push(report, out)
    try:
        outcomes = pull(home, line, wishes, time.time(), lambda s: say(f"edge sync: {s}"), Progress(watch=_watch()))
    except LimitReached:
        say("edge sync: the limit of bytes was reached before it was known what is new: nothing has changed")
        outcomes = []
    if outcomes and not args.dry_run:
        write_settings(home, Settings(settings.server, settings.catalogs))
    _print(outcomes, line, args.dry_run, out)
    if args.json:
        write_json({**_document(outcomes, line, args.dry_run), **_push_document(report)}, args.json)
    return report.error.exit_code if report.error else 0


def _settings(known: Any, args: argparse.Namespace) -> Any:
    from edge.sync.settings import Settings

    server = args.server or known.server
    if not server:
        raise UsageError("no server is known yet: name one with --server https://...")
    return Settings(server, tuple(args.catalog) if args.catalog else known.catalogs)


def _document(outcomes: Sequence[Any], line: Any, dry_run: bool) -> dict[str, Any]:
    """Return the result document; the figures of the first catalogue stand at the top, all of them under `catalogs`."""
    first = outcomes[0] if outcomes else None
    return {
        "from_version": first.from_version if first else None,
        "to_version": first.to_version if first else None,
        "way": first.way if first else "none",
        "bytes_received": line.received,
        "bytes_sent": line.sent,
        "requests": line.requests,
        "dry_run": dry_run,
        "catalogs": [
            {
                "catalog": outcome.catalog,
                "from_version": outcome.from_version,
                "to_version": outcome.to_version,
                "way": outcome.way,
                "complete": outcome.complete,
                "to_come": [{"path": path, "bytes": length} for path, length in outcome.files],
                "note": outcome.note,
            }
            for outcome in outcomes
        ],
    }


def _push_document(report: Any) -> dict[str, Any]:
    """Return what the result document says of the push: in a dry run the very fields that would leave."""
    from edge.events import FIELDS, event_document

    return {
        "events_sent": report.pushed.sent,
        "events_acknowledged": report.pushed.acknowledged,
        "events_refused": report.pushed.refused,
        "events_waiting": report.waiting,
        "push": {
            "server": report.server or None,
            "error": str(report.error) if report.error else None,
            "fields": list(FIELDS),
            "to_go": [
                {"bytes": len(batch.body), "events": [event_document(event) for event in batch.events]}
                for batch in report.batches
            ],
        },
    }


def _print_push(report: Any, out: Any) -> None:
    from edge.events import FIELDS, event_bytes

    for note in report.notes:
        say(f"edge sync: {note}")
    if report.error:
        say(f"edge sync: events were not sent: {report.error}")
    pushed = report.pushed
    if pushed.sent or (report.waiting and report.server and not report.batches):
        refused = f", {pushed.refused} refused (see `edge outbox`)" if pushed.refused else ""
        left = f", {report.waiting} wait" if report.waiting else ""
        print(f"events: {pushed.sent} sent, {pushed.acknowledged} acknowledged{refused}{left}", file=out)
    for batch in report.batches:
        size = f"{len(batch.body):,} bytes would go to {report.server}"
        print(f"events: {len(batch.events)} in {size}, with these fields: {', '.join(FIELDS)}", file=out)
        for event in batch.events:
            print(f"  {event_bytes(event).decode()}", file=out)


def _print(outcomes: Sequence[Any], line: Any, dry_run: bool, out: Any) -> None:
    for outcome in outcomes:
        print(_sentence(outcome, dry_run), file=out)
        if dry_run:
            for path, length in outcome.files:
                print(f"  {length:>9,} bytes  {path}", file=out)
        if outcome.note:
            say(f"edge sync: {outcome.catalog}: {outcome.note}")
    print(f"received {line.received:,} bytes, sent {line.sent:,}, in {line.requests} requests", file=out)


def _sentence(outcome: Any, dry_run: bool) -> str:
    left = sum(length for _, length in outcome.files)
    held = f"version {outcome.to_version}" if outcome.to_version else "nothing yet"
    if dry_run:
        return f"{outcome.catalog}: {held}; {left:,} bytes would come ({outcome.way})"
    if outcome.way == "none":
        return f"{outcome.catalog}: {held} is up to date" if outcome.complete else f"{outcome.catalog}: {held}"
    before = f"from version {outcome.from_version} " if outcome.from_version else ""
    if not outcome.complete:
        return f"{outcome.catalog}: {before}on the way ({outcome.way}), {left:,} bytes are still to come; {held}"
    return f"{outcome.catalog}: {before}to {held} ({outcome.way})"


def _watch() -> Callable[[int, int], None]:
    """Return what shows bytes and the time that is left, on a terminal and only after two seconds."""
    return _Bar().show if sys.stderr.isatty() else lambda done, total: None


@dataclass
class _Bar:
    bar: Any = None

    def show(self, done: int, total: int) -> None:
        if self.bar is None:
            from tqdm import tqdm

            self.bar = tqdm(
                total=total, initial=done, desc="receiving", unit="B", unit_scale=True, delay=2, leave=False
            )
        self.bar.total = total
        self.bar.update(done - self.bar.n)


def _bytes(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of bytes above 0")
    return int(text)
