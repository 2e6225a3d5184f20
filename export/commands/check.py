"""`export check`: hold a quantized file, from whatever tool, against its float original."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from edge.command_line import say, write_json
from edge.errors import BudgetNotMet, UsageError
from export.bundles.memory_trial import require_modest_memory
from export.bundles.reading import ModelReading, read_model
from export.quantize.check import check
from export.quantize.job import MAX_DROP, Chain, Job
from export.quantize.pictures import read_evaluation

EXAMPLE = """  python -m export check yolox_int8.tflite --reference yolox.onnx --images photos
  python -m export check embedder_int8.onnx --reference embedder.onnx --queries queries.csv --images photos --json -"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export check`."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="the quantized .onnx or .tflite file")
    parser.add_argument(
        "--reference", type=Path, metavar="MODEL", required=True, help="its float original, .onnx or .tflite"
    )
    parser.add_argument("--images", type=Path, metavar="DIR", required=True, help="pictures that it was not made with")
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument("--coco", type=Path, metavar="FILE.json", help="labelled boxes of the pictures: AP50")
    labels.add_argument("--queries", type=Path, metavar="FILE.csv", help="path,product_id of the pictures: recall@1")
    parser.add_argument("--with", type=Path, metavar="BUNDLE", dest="bundle", help="the bundle that it will work in")
    parser.add_argument("--shard", type=Path, metavar="DIR", help="a catalogue of that bundle: the whole chain")
    parser.add_argument(
        "--max-drop",
        type=_points,
        default=MAX_DROP,
        metavar="POINTS",
        help="largest loss of AP50 or recall@1 that passes, in points (default: %(default)s)",
    )
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Check one file; return 0, or 3 if a picture could not be used."""
    if args.shard is not None and args.bundle is None:
        raise UsageError("--shard needs --with, the bundle that searches it")
    reference, variant = _read(args.reference), _read(args.model)
    if reference.facts.quantization in ("static", "dynamic"):
        say(f"export check: {args.reference}: the reference is itself quantized ({reference.facts.quantization})")
    evaluation, problems = read_evaluation(args.images, args.coco or args.queries)
    for problem in problems:
        say(f"export check: {problem}")
    chain = Chain(args.bundle, args.shard) if args.bundle else None
    checked = check(Job(reference, (), evaluation, max_drop=args.max_drop, chain=chain), variant)
    print(checked.table(), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json({**checked.document(), "skipped": len(problems)}, args.json)
    if not checked.passed:
        raise BudgetNotMet(checked.verdict)
    say(checked.verdict)
    return 3 if problems else 0


def _read(path: Path) -> ModelReading:
    require_modest_memory(path)
    return read_model(path)


def _points(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of points, 0 to 100")
    return value
