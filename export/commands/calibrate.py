"""`python -m export calibrate`: thresholds for one catalogue that hold a promised rate of false tags."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edge.bundle import load_bundle
from edge.command_line import progress, say, write_json
from edge.defaults import choose_bundle
from edge.errors import BudgetNotMet, UsageError
from edge.inference.hardware import add_hardware_arguments, hardware_of
from edge.media.sources import PICTURE_SUFFIXES, expand_inputs
from edge.pipeline import Kit
from edge.shard import open_shard
from edge.shard.calibration import CALIBRATION, Calibration, write_calibration
from export.calibration.calibrating import calibrate, looking_always
from export.calibration.choosing import Promise
from export.calibration.feedback import Feedback, read_feedback
from export.calibration.originals import usable_queries
from export.calibration.tables import calibration_table
from export.evaluation.photos import Answered, ask
from export.evaluation.queries import Query, read_queries

EXAMPLE = """  python -m export calibrate --shard shard --queries queries.csv --images photos --max-false-tags 0.05
  python -m export calibrate --shard shard --queries queries.csv --images photos --nothing elsewhere \\
    --feedback tags.csv --max-false-tags 0.02 --json -
  python -m export calibrate --shard shard --max-false-tags 0.05

The thresholds are written beside the catalogue; `edge tag` uses them from then on. Without photos the products are set
against each other, which says less: see docs/calibrate.md."""
EXIT_INPUT = 3
WITHOUT_PHOTOS = (
    "no photos: the products are set against each other, so the promise is about pictures like the catalogue's own, "
    "not about photos"
)
ONE_PICTURE = "every product has one picture, so nothing says how many right tags the thresholds leave"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="models (default: those of the package)")
    parser.add_argument("--shard", type=Path, metavar="DIR", required=True, help="catalogue to calibrate")
    parser.add_argument("--queries", type=Path, metavar="FILE.csv", help="path,product_id: photos with known answers")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder that the paths start from")
    parser.add_argument("--nothing", type=Path, metavar="DIR", help="photos that show nothing from the catalogue")
    parser.add_argument(
        "--left-out",
        action="store_true",
        help="ask each photo of a product also without that product (default: where no photo shows nothing)",
    )
    parser.add_argument(
        "--by", choices=("photo", "product"), default="photo", help="what the promise is about (default: %(default)s)"
    )
    parser.add_argument("--feedback", type=Path, metavar="FILE", help="what `server tags export` wrote")
    parser.add_argument(
        "--max-false-tags", type=float, metavar="X", required=True, help="promised rate, above 0, below 1"
    )
    parser.add_argument("--confidence", type=float, metavar="X", default=0.95, help="of the promise (%(default)s)")
    parser.add_argument("--no-second-look", action="store_true", help="calibrate the embedder alone")
    add_hardware_arguments(parser)
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Calibrate, write the calibration and a table; return 0, or 3 if a photo or row was not usable."""
    promise = Promise(_share(args, "max_false_tags"), _share(args, "confidence"))
    if (args.queries is None) != (args.images is None):
        raise UsageError("--queries and --images belong together: the paths of the one start from the other")
    bundle, shard = load_bundle(choose_bundle(args.bundle)), open_shard(args.shard)
    feedback = read_feedback(args.feedback, shard) if args.feedback else None
    kit = Kit.open(bundle, [shard], hardware=hardware_of(args), second_look=not args.no_second_look)
    if kit.second_look:
        kit = replace(kit, second_look=looking_always(bundle, kit.second_look))
    answered, problems = _asked(kit, args, promise)
    for problem in (*problems, *(feedback.problems if feedback else ())):
        say(f"export calibrate: {problem}")
    calibration = calibrate(kit, answered, promise, feedback, by_product=args.by == "product")
    write_calibration(shard.root, calibration)
    _report(calibration, feedback, args)
    return EXIT_INPUT if problems or (feedback and feedback.problems) else 0


def _share(args: argparse.Namespace, name: str) -> float:
    value: float = getattr(args, name)
    if not 0 < value < 1:
        raise UsageError(
            f"--{name.replace('_', '-')} {value:g}: above 0 and below 1; no number of photos can show more"
        )
    return value


def _asked(kit: Kit, args: argparse.Namespace, promise: Promise) -> tuple[Answered | None, tuple[str, ...]]:
    """Ask about the photos of a call; None where it names none."""
    if args.queries is None and args.nothing is None:
        say(f"export calibrate: {WITHOUT_PHOTOS}")
        return None, ()
    problems: list[str] = []
    queries: list[Query] = []
    if args.queries:
        file = read_queries(args.queries)
        queries += file.queries
        problems += file.problems
    if args.nothing:
        queries += _photos_of_nothing(args.nothing)
    images = args.images or Path()
    usable = usable_queries(queries, images, kit.gallery.shards[0])
    leave_out = args.left_out or all(query.product_id for query in usable.queries)
    answered = ask(kit, progress(usable.queries, "asking", unit="photo"), images, "detector", leave_out)
    if not answered.queries:
        raise BudgetNotMet(
            f"{args.queries or args.nothing}: no photo can be used: at least {promise.needed} of a kind are needed; "
            "without --queries and --nothing the products are set against each other"
        )
    for problem in (*usable.problems, *answered.problems):
        problems.append(f"{args.queries}, {problem}" if problem.startswith("line ") else problem)
    return answered, tuple(problems)


def _photos_of_nothing(folder: Path) -> list[Query]:
    if not folder.is_dir():
        raise UsageError(f"--nothing {folder}: is no folder of photos")
    found = [Path(path) for path in expand_inputs([str(folder)])]
    return [Query(0, str(path.absolute()), "", "") for path in found if path.suffix.lower() in PICTURE_SUFFIXES]


def _report(calibration: Calibration, feedback: Feedback | None, args: argparse.Namespace) -> None:
    if calibration.basis == "products" and calibration.ways[0].kept is None:
        say(f"export calibrate: {ONE_PICTURE}")
    print(calibration_table(calibration), file=sys.stderr if args.json == "-" else sys.stdout)
    if args.json:
        write_json(_document(calibration, feedback, args.shard), args.json)


def _document(calibration: Calibration, feedback: Feedback | None, shard: Path) -> dict[str, Any]:
    heard = {"devices": feedback.devices, "decisions": feedback.decisions} if feedback else None
    return {**asdict(calibration), "feedback": heard, "file": str(shard / CALIBRATION)}
