"""`python -m server tags export`: what devices decided, for other programs."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from edge.command_line import write_json
from server.commands.database_options import add_database, opened
from server.commands.options import add_json
from server.database.event_store import Period, exported
from server.exporting import write_csv, write_parquet

EXAMPLE = """  python -m server tags export --format csv --out tags.csv --repository shop
  python -m server tags export --since 2026-11-01 --until 2026-12-01 --catalog shop --out november.csv --repository shop
  python -m server tags export --format parquet --out tags.parquet --repository shop

One row an event, in the order in which they came. Times without an offset are UTC; --until itself is left out."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = parser.add_subparsers(dest="what", metavar="export", required=True)
    export = what.add_parser("export", help="write the events to a file")
    export.add_argument("--format", choices=("csv", "parquet"), default="csv", help="(default: csv)")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to")
    export.add_argument("--since", type=_time, metavar="TIME", help="made at this time or later, by the device's clock")
    export.add_argument("--until", type=_time, metavar="TIME", help="made before this time")
    export.add_argument("--catalog", metavar="NAME", help="of this catalogue")
    add_database(export)
    add_json(export)


def run(args: argparse.Namespace) -> int:
    """Write the file, say how many rows it has; return 0."""
    write = {"csv": write_csv, "parquet": write_parquet}[args.format]
    with opened(args) as engine:
        rows = write(exported(engine, Period(args.since, args.until, args.catalog)), args.out)
    print(f"{args.out}: {rows} events", file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({"out": str(args.out), "format": args.format, "events": rows}, args.json)
    return 0


def _time(text: str) -> float:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as e:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 2026-11-01 or 2026-11-01T08:00:00+01:00") from e
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
