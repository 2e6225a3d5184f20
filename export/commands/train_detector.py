"""`export train detector`: a bundle whose detector knows your own products."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.bundle import Bundle, load_bundle
from edge.command_line import say, write_json
from edge.defaults import choose_bundle
from edge.errors import UsageError
from edge.files import sha256_of_file
from edge.inference.hardware import Hardware
from export.bundles.replacing import replace_detector
from export.train.course import CURVES, Course
from export.train.detector.comparison import best_threshold, compare
from export.train.detector.judging import load_detector
from export.train.detector.own_photos import OwnPhotos, read_own
from export.train.extra import require_torch

SUMMARY = "learn to box your own products from labelled photos"
EXAMPLE = """  python -m export train detector labels.json --images photos/ --out shop-bundle

labels.json is COCO json; all of its classes are learnt as one. The call writes the bundle, and beside it
shop-bundle.training with the curves and the checkpoint: interrupted, the same call goes on from there."""
EXIT_INPUT = 3
OWN_FAMILY_SIZE = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `export train detector`."""
    parser.add_argument("labels", type=Path, metavar="LABELS.json", help="COCO json with the boxes to learn")
    parser.add_argument("--images", type=Path, metavar="DIR", required=True, help="folder of the pictures")
    parser.add_argument("--test", type=Path, metavar="FILE.json", help="labels to compare on (default: kept aside)")
    parser.add_argument(
        "--keep-aside", type=float, default=0.2, metavar="SHARE", help="kept for the comparison (default: %(default)s)"
    )
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="bundle to improve (default: that of the package)")
    parser.add_argument("--start", type=Path, metavar="MODEL.onnx", help="first weights (default: the bundle's)")
    parser.add_argument("--steps", type=int, default=600, metavar="N", help="batches at most (default: %(default)s)")
    parser.add_argument("--size", type=int, metavar="PX", help="side of the input (default: the bundle's)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all draws (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="of PyTorch (default: all cores)")
    parser.add_argument("--out", type=Path, metavar="DIR", required=True, help="folder of the bundle")
    parser.add_argument("--json", metavar="FILE|-", help="write the result document")


def run(args: argparse.Namespace) -> int:
    """Train, compare, write the bundle; return 0, or 3 if a picture could not be used."""
    _require_usable(args)
    require_torch()
    former = load_bundle(choose_bundle(args.bundle))
    photos = read_own(args.labels, args.test, args.images, args.keep_aside, args.seed)
    for sentence in (*photos.notes, *photos.problems):
        say(f"export train: {sentence}")
    folder = args.out.with_name(args.out.name + ".training")
    model, course = _train(args, former, photos, folder)
    course.draw(folder / CURVES)
    new = load_detector(model)
    threshold = best_threshold(new, photos.stopping)
    judged = replace(new, decoding=replace(new.decoding, score_threshold=threshold))
    comparison = compare(former.open_detector(Hardware(threads=1)), judged, photos.comparing)
    bundle = replace_detector(former, model, threshold, args.out.resolve().name, args.out)
    document = _document(args, course, comparison.document(), bundle, photos, folder)
    if args.json:
        write_json(document, args.json)
    if args.json != "-":
        print(_table(document))
    return EXIT_INPUT if photos.problems else 0


def _require_usable(args: argparse.Namespace) -> None:
    if not 0 < args.keep_aside < 1:
        raise UsageError(f"--keep-aside is {args.keep_aside}, expected a share between 0 and 1")
    if args.steps < 1:
        raise UsageError(f"--steps is {args.steps}, expected at least 1")
    if args.size is not None and (args.size < 64 or args.size % 32):
        raise UsageError(f"--size is {args.size}, expected a multiple of 32 from 64 on")


def _train(args: argparse.Namespace, former: Bundle, photos: OwnPhotos, folder: Path) -> tuple[Path, Course]:
    import torch

    from export.train.detector.fine_tune import Call, fine_tune, usable_start

    if args.threads:
        torch.set_num_threads(args.threads)
    own = former.detector.decoding.family == "fcos"
    size = args.size or (former.detector.preprocessing.size_wh[0] if own else OWN_FAMILY_SIZE)
    start: Path | None = args.start or former.root / former.detector.model.file
    if args.start is None and start is not None and not usable_start(start, size):
        say(f"{start}: holds no weights to start from: training starts from random ones, which takes far longer")
        start = None
    call = Call(
        sha256_of_file(args.labels), sha256_of_file(start) if start else "", size, int(args.steps), int(args.seed)
    )
    return fine_tune(photos, call, start, folder)


def _document(
    args: argparse.Namespace,
    course: Course,
    comparison: dict[str, Any],
    bundle: Bundle,
    photos: OwnPhotos,
    folder: Path,
) -> dict[str, Any]:
    last, best = course.steps()
    return {
        "bundle": {"path": str(args.out), "name": bundle.name, "sha256": bundle.sha256},
        "learnt_from": len(photos.learning),
        "steps": last,
        "best_step": best,
        "curves": str(folder / CURVES),
        "comparison": comparison,
        "skipped": len(photos.problems),
    }


def _table(document: dict[str, Any]) -> str:
    comparison = document["comparison"]
    lines = [
        f"{document['bundle']['path']}: bundle {document['bundle']['name']!r}, learnt from {document['learnt_from']} "
        f"pictures in {document['best_step']} steps; curves in {document['curves']}",
        f"{comparison['pictures']} pictures kept aside, {comparison['boxes']} boxes",
        f"{'':10}{'AP50':>7}{'95 %':>16}{'AR50@10':>9}{'threshold':>11}{'recall':>8}{'precision':>11}",
    ]
    for name in ("former", "new"):
        row = comparison[name]
        low, high = row["ap50_ci95"]
        precision = "-" if row["precision"] is None else f"{row['precision']:.3f}"
        lines.append(
            f"{name:10}{row['ap50']:7.3f}{f'{low:.3f} to {high:.3f}':>16}{row['ar50_at_10']:9.3f}"
            f"{row['threshold']:11.2f}{row['recall']:8.3f}{precision:>11}"
        )
    return "\n".join([*lines, comparison["verdict"]])
