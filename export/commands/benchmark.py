"""`export benchmark`: how fast, how large and how good bundles are on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.bundle import load_bundle
from edge.command_line import INTERRUPTED, say, write_json
from edge.defaults import default_bundle
from edge.errors import InputError, UsageError
from edge.golden import golden_folder
from edge.inference.hardware import add_hardware_arguments, hardware_of, whole_number
from edge.machine import runtimes
from edge.media.sources import PICTURE_SUFFIXES

EXAMPLE = """  python -m export benchmark bundle bundle-int8 --threads 1 --plot benchmark.png
  python -m export benchmark bundle bundle-int8 --coco labels.json --images photos --json benchmark.json"""
PICTURES = 8
PLOTS = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export benchmark`."""
    parser.add_argument(
        "bundles", type=Path, nargs="*", metavar="BUNDLE", help="folders of bundles (default: that of the package)"
    )
    parser.add_argument(
        "--images",
        type=Path,
        metavar="DIR",
        help=f"the first {PICTURES} are looked at (default: the golden pictures)",
    )
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument("--coco", type=Path, metavar="FILE.json", help="labelled boxes of --images: AP50")
    labels.add_argument("--queries", type=Path, metavar="FILE.csv", help="path,product_id of --images: recall and tags")
    parser.add_argument("--shard", type=Path, metavar="DIR", help="catalogue to search (with --queries)")
    add_hardware_arguments(parser)
    parser.add_argument("--rounds", type=whole_number, default=3, metavar="N", help="turns of each (%(default)s)")
    parser.add_argument("--runs", type=whole_number, default=5, metavar="N", help="looks at each picture (%(default)s)")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the figures (extra `export`)")
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Measure, print tables, write document and plot; return 0, or 3 if something could not be measured."""
    from export.benchmark.cases import cases_of
    from export.benchmark.measuring import Settings, measure
    from export.benchmark.plot import require_matplotlib, write_plot
    from export.benchmark.table import document, tables

    _require_sense(args)
    if args.plot:
        require_matplotlib()
    bundles = [load_bundle(root) for root in args.bundles or [default_bundle()]]
    cases, problems = cases_of(bundles, runtimes())
    if not cases:
        raise InputError("; ".join(problems))
    for problem in problems:
        say(f"export benchmark: {problem}")
    settings = Settings(_pictures(args), max(1, args.rounds), max(1, args.runs), hardware_of(args), _accuracy(args))
    measured = measure(cases, settings)
    for note in dict.fromkeys(note for row in measured.rows for note in row.notes):
        say(f"export benchmark: {note}")
    print(tables(measured), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(document(measured, settings, problems), args.json)
    if args.plot and measured.rows:
        write_plot(measured.rows, args.plot)
    if measured.interrupted:
        say(f"export benchmark: interrupted; {measured.rounds} of {settings.rounds} rounds were finished")
        return INTERRUPTED
    return 3 if problems else 0


def _require_sense(args: argparse.Namespace) -> None:
    if (args.coco or args.queries) and args.images is None:
        raise UsageError("--coco and --queries need --images, the folder that their paths start from")
    if args.queries and args.shard is None:
        raise UsageError("--queries needs --shard, the catalogue that the photos are searched in")
    if args.plot and args.plot.suffix not in PLOTS:
        raise UsageError(f"--plot is {args.plot}: a plot is a .png, .svg or .pdf file")
    if args.shard and not args.queries:
        raise UsageError("--shard needs --queries, the photos to search with")


def _pictures(args: argparse.Namespace) -> tuple[str, ...]:
    folder = args.images or golden_folder()
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    if not found:
        raise InputError(f"{folder}: holds no picture to look at")
    return tuple(str(path) for path in found[:PICTURES])


def _accuracy(args: argparse.Namespace) -> dict[str, str]:
    given = {name: getattr(args, name) for name in ("coco", "queries", "shard", "images")}
    return {name: str(path) for name, path in given.items() if path} if args.coco or args.queries else {}
