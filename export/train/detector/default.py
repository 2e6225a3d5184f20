"""The whole way to the kit's own detector, from folders of photos to an ONNX file and its figures.

python -m export.train.detector.default detector.onnx --data DATA --teacher yolox_nano.onnx --steps 5000 --seed 0

Beside the float file, `detector.small.onnx` holds the weights as int8: the form that ships. Interrupted, the same call
goes on from `detector.checkpoint`. `--keep-aside 0` learns from everything: nothing is left to measure. `--rendered`
uses neither photos nor a teacher.

`--choose` is for choosing among recipes: the photos that are kept aside are left out, and as many others measure, so
that the ones kept aside have no part in the choice.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from edge.command_line import say
from edge.errors import InputError, TagletError, UsageError
from edge.files import write_whole
from export.evaluation.coco import ImageMatch, at_threshold, interval, measure
from export.render.opencv import cv2
from export.train.detector.found_labels import bottle_samples, carton_samples
from export.train.detector.judging import boxes_per_frame, judge, load_detector
from export.train.detector.outlines import outlines_of
from export.train.detector.photos import Photos, as_background, frames, read_photos
from export.train.extra import require_torch

if TYPE_CHECKING:
    from export.train.detector.training import Ingredient, Training

THRESHOLDS = (0.3, 0.35, 0.4, 0.45, 0.5)
KEPT_ASIDE = 0.25
EVERY, PACES = 50, 6
RECIPES = ("scenes", "groups", "turned")


def train_default(args: argparse.Namespace) -> dict[str, Any]:
    """Train as the arguments say, write the ONNX file, return its figures."""
    require_torch()
    import onnx
    import torch

    from export.quantize.byte_weights import with_byte_weights
    from export.train.detector.onnx_file import write_onnx
    from export.train.detector.recipes import rendered_only
    from export.train.detector.teacher import Teacher
    from export.train.detector.training import Recipe, Training

    torch.set_num_threads(args.threads)
    cv2.setNumThreads(0)  # its threads do not survive in the processes that draw batches
    out: Path = args.out
    photos = None if args.rendered else _photos(args)
    teacher = None if args.rendered else Teacher(_given(args, "teacher"), args.threads)
    ingredients = rendered_only(args.size) if photos is None else _ingredients(args, photos)
    recipe = Recipe(size=args.size, steps=args.steps, learning_rate=args.learning_rate, seed=args.seed)
    training = Training(recipe, ingredients, out.with_suffix(".checkpoint"), teacher=teacher, workers=args.workers)
    if training.resume():
        say(f"going on after step {training.step} of {args.steps}")
    elif args.start is not None:
        training.start_from(args.start)
    _run(training, args.within)
    figures: dict[str, Any] = {"steps": training.step, "onnx_difference": write_onnx(training.averaged, out, args.size)}
    small = out.with_suffix(".small.onnx")
    onnx.save(with_byte_weights(onnx.load(out)), small)
    if photos is not None and not args.unmeasured:
        figures |= {path.name: measure_kept(path, photos) for path in (out, small)}
    write_whole(out.with_suffix(".json"), json.dumps(figures, indent=2) + "\n")
    return figures


def _run(training: Training, within: float | None) -> None:
    """Train; where the steps would take longer than `within` seconds, take fewer, so that the rate falls to its end."""
    begun, first, wanted, paces = time.monotonic(), training.step, training.steps, list[float]()

    def report(now: Training, losses: dict[str, float]) -> None:
        say(_line(now.step, now.steps, losses))
        paces.append(losses["seconds"] / EVERY)
        if within is not None and now.step < now.steps:
            left = max(0.0, within - (time.monotonic() - begun))
            fitting = now.step + max(1, int(left / median(paces[-PACES:])))
            now.recipe = replace(now.recipe, steps=min(wanted, fitting))

    training.run(report, EVERY)
    say(f"{training.step - first} steps in {time.monotonic() - begun:.0f} s")


def _photos(args: argparse.Namespace) -> Photos:
    return read_photos(_given(args, "data"), args.keep_aside, args.keep_products, args.seed, args.choose)


def _ingredients(args: argparse.Namespace, photos: Photos) -> list[Ingredient]:
    from export.train.detector.recipes import Found, groups, photos_and_rendered, turned, with_rendered

    found = Found(
        carton_samples(photos.groceries, _memory(args, "cartons.json")),
        bottle_samples(args.teacher, frames(args.data / "videos" / "bottle-detection.mp4", 24)),
        as_background(photos.groceries),
        outlines_of(photos.learnt, _memory(args, "outlines.npz")),
    )
    ingredients = photos_and_rendered(photos, found, args.size)
    if args.recipe in ("groups", "turned"):
        ingredients += groups(photos, found, args.size)
    if args.recipe == "turned":
        ingredients += turned(photos, found)
    return with_rendered(ingredients, args.rendered_share, args.size)


def _memory(args: argparse.Namespace, name: str) -> Path:
    """Return where what was found is kept: in the folder named for it, or beside the file to write."""
    out: Path = args.out
    return out.with_suffix(f".{name}") if args.found is None else args.found / name


def measure_kept(model: Path, photos: Photos) -> dict[str, Any]:
    """Measure a detector file on what was kept aside; sets of which nothing was kept are left out."""
    detector = load_detector(model)
    figures: dict[str, Any] = {
        name: _set_figures(judge(detector, samples)) for name, samples in photos.kept.items() if samples
    }
    people = {str(t): boxes_per_frame(detector, photos.kept_people, t) for t in THRESHOLDS}
    return figures | {"boxes_per_frame_of_people": people}


def _set_figures(matches: list[ImageMatch]) -> dict[str, Any]:
    whole = measure(matches)
    points = {t: at_threshold(matches, t) for t in THRESHOLDS}
    return {
        "pictures": whole.images,
        "boxes": whole.boxes,
        "ap50": whole.ap50,
        "ap50_ci95": interval(matches, "ap50"),
        "ar50_at_10": whole.ar50_at_10,
        "ar50_at_10_ci95": interval(matches, "ar50_at_10"),
        "recall_and_precision_at": {str(t): [point.recall, point.precision] for t, point in points.items()},
    }


def _given(args: argparse.Namespace, name: str) -> Path:
    value: Path | None = getattr(args, name)
    if value is None:
        raise UsageError(f"--{name} is missing: name it, or train with --rendered only")
    if not value.exists():
        raise InputError(f"{value}: does not exist")
    return value


def _line(step: int, steps: int, losses: dict[str, float]) -> str:
    parts = ", ".join(f"{name} {value:.3f}" for name, value in losses.items() if name != "seconds")
    return f"step {step} of {steps}: {parts} ({losses['seconds']:.0f} s)"


def arguments_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m export.train.detector.default",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("out", type=Path, help="ONNX file to write; checkpoint and figures are written beside it")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of photos, see export.train.detector.photos")
    parser.add_argument("--teacher", type=Path, metavar="MODEL", help="a YOLOX file of the 80 COCO classes")
    parser.add_argument("--start", type=Path, metavar="CHECKPOINT", help="first weights (default: random)")
    parser.add_argument("--rendered", action="store_true", help="learn from rendered pictures only")
    parser.add_argument(
        "--keep-aside", type=float, default=KEPT_ASIDE, metavar="SHARE", help="of labelled photos (%(default)s)"
    )
    parser.add_argument("--keep-products", type=float, default=0, metavar="SHARE", help="of grocery products (0)")
    parser.add_argument("--rendered-share", type=float, default=0, metavar="SHARE", help="wholly rendered pictures (0)")
    parser.add_argument("--choose", action="store_true", help="measure on photos neither learnt nor kept aside")
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default=RECIPES[0],
        help="each has what those before it have (default: %(default)s)",
    )
    parser.add_argument("--unmeasured", action="store_true", help="leave out the figures, for a training to start from")
    parser.add_argument("--found", type=Path, metavar="DIR", help="keep found boxes and outlines there, not beside OUT")
    parser.add_argument("--learning-rate", type=float, default=2e-3, metavar="X", help="peak (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=5000, help="batches of 16 pictures (default: %(default)s)")
    parser.add_argument("--size", type=int, default=256, help="side of the input in pixels (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws and of the first weights")
    parser.add_argument("--within", type=float, metavar="SECONDS", help="take fewer steps where they would take longer")
    parser.add_argument("--threads", type=int, default=1, help="threads of PyTorch (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="processes that draw batches ahead (default: none)")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, train, and say what was written."""
    args = arguments_parser().parse_args(arguments)
    try:
        figures = train_default(args)
    except TagletError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; the checkpoint is kept: the same call goes on from it")
        return 130
    print(f"{args.out}: written; PyTorch and ONNX differ by at most {figures['onnx_difference']:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
