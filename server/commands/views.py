"""`python -m server views export`: vectors that creators agreed to share, for the next catalogue."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections import defaultdict
from pathlib import Path

from edge.command_line import write_json
from edge.contributed import write_contributed
from server.commands.database_options import add_database, opened
from server.commands.options import add_json
from server.database.contributed import contributed_views

EXAMPLE = """  python -m server views export --out views.jsonl --repository shop
  python -m server views export --catalog shop --out views.jsonl --repository shop

Only what was accepted or corrected with `--share-embedding`. `export catalog --views views.jsonl` decides what of it
becomes a view. The pseudonyms are drawn anew for each file: use one file at a time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    what = parser.add_subparsers(dest="what", metavar="export", required=True)
    export = what.add_parser("export", help="write the vectors to a file")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="where to (JSON lines)")
    export.add_argument("--catalog", metavar="NAME", help="of this catalogue")
    add_database(export)
    add_json(export)


def run(args: argparse.Namespace) -> int:
    """Write the file, say what it has; return 0."""
    voices: dict[str, set[str]] = defaultdict(set)
    with opened(args) as engine:
        views = list(contributed_views(engine, secrets.token_bytes(32), args.catalog))
    for view in views:
        voices[view.product_id].add(view.voice)
    written = write_contributed(args.out, views)
    devices = len(set().union(*voices.values()))
    print(
        f"{args.out}: {written} vectors of {devices} devices for {len(voices)} products",
        file=sys.stderr if args.json == "-" else sys.stdout,
    )
    if args.json:
        write_json({"out": str(args.out), "views": written, "devices": devices, "products": len(voices)}, args.json)
    return 0
