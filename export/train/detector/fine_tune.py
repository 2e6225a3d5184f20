"""Learn a user's own products: from the weights of a detector, or from nothing, until it gets no better.

Role: the core of `export train detector`. What is learnt from is the user's photos, their cut-outs pasted anew, and
rendered scenes, so that what the detector knew is not lost. Every so many steps it is measured on the photos that tell
when to stop; the best file so far is kept.

Invariants: the folder of the training holds everything that a second call needs to go on where the first one stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from edge.command_line import say
from edge.errors import InputError, ModelError
from edge.files import read_json_object, write_whole
from export.evaluation.coco import measure
from export.train.detector.augment import Variety
from export.train.detector.cutting import out_of_box
from export.train.detector.judging import judge, load_detector
from export.train.detector.mixing import MixedCutouts, MixedSource
from export.train.detector.onnx_file import write_onnx
from export.train.detector.own_photos import OwnPhotos
from export.train.detector.recipes import AS_COMPOSED
from export.train.detector.rendered import RenderedBackgrounds, RenderedCutouts
from export.train.detector.samples import Album, Sample
from export.train.detector.scenes import Cutout, CutoutAlbum, CutoutSource, Scenes
from export.train.detector.training import Ingredient, Recipe, Training
from export.train.detector.weights import load_weights

EVERY, PATIENCE = 50, 4
BEST, NOW, COURSE, CHECKPOINT, CALL = "best.onnx", "now.onnx", "course.json", "run.checkpoint", "call.json"
FROM_WEIGHTS, FROM_NOTHING = 8e-4, 2e-3
PICTURES_FOR_STATISTICS = 16


@dataclass(frozen=True)
class Call:
    """What a training was asked for; a second call must ask for the same to go on."""

    labels_sha256: str
    start_sha256: str
    size: int
    steps: int
    seed: int


@dataclass
class Course:
    """How a training went: one row (step, score loss, box loss, AP50) every so many steps."""

    rows: list[tuple[int, float, float, float]]

    def best(self) -> float:
        """Return the best AP50 so far, -1 before the first."""
        return max((row[3] for row in self.rows), default=-1.0)

    def stuck(self) -> bool:
        """Tell whether the last rows were all worse than the best before them."""
        if len(self.rows) <= PATIENCE:
            return False
        return max(row[3] for row in self.rows[-PATIENCE:]) <= max(row[3] for row in self.rows[:-PATIENCE])


def fine_tune(photos: OwnPhotos, call: Call, start: Path | None, folder: Path) -> tuple[Path, Course]:
    """Train, or go on with a training that was interrupted.

    Args:
        photos: the user's.
        call: what was asked for.
        start: ONNX file of this kit's own detector with the first weights; None starts from random ones.
        folder: of this training.

    Returns:
        The best file, and how it went.

    Raises:
        InputError: the folder belongs to another call.
        KeyboardInterrupt: after the checkpoint was written.
    """
    _claim(folder, call)
    weighed = start is not None
    rate, warm_up = (FROM_WEIGHTS, 40) if weighed else (FROM_NOTHING, 100)
    recipe = Recipe(call.size, call.steps, learning_rate=rate, warm_up=warm_up, averaging=0.99, seed=call.seed)
    training = Training(recipe, _ingredients(photos.learning, call.size), folder / CHECKPOINT)
    course = _read_course(folder)
    if training.resume():
        say(f"going on after step {training.step} of {call.steps}")
    elif start is not None:
        _take_weights(training, start)

    def report(now: Training, losses: dict[str, float]) -> bool:
        write_onnx(now.averaged, folder / NOW, call.size)
        ap50 = measure(judge(load_detector(folder / NOW), photos.stopping)).ap50
        if ap50 > course.best():
            (folder / NOW).replace(folder / BEST)
        course.rows.append((now.step, float(losses["score"]), float(losses["box"]), float(ap50)))
        write_whole(folder / COURSE, json.dumps({"rows": course.rows}) + "\n")
        say(f"step {now.step} of {call.steps}: AP50 {ap50:.3f}, score {losses['score']:.3f}, box {losses['box']:.3f}")
        return course.stuck()

    if not course.stuck():
        training.run(report, EVERY)
    return folder / BEST, course


def _claim(folder: Path, call: Call) -> None:
    """Write what was asked for, or check that the folder holds a training of the same call."""
    path = folder / CALL
    if not path.exists():
        write_whole(path, json.dumps(asdict(call), indent=2) + "\n")
    elif (found := read_json_object(path, "training")) != asdict(call):
        other = sorted(key for key, value in asdict(call).items() if found.get(key) != value)
        raise InputError(
            f"{folder}: holds a training of another call (different: {', '.join(other)}): remove it or choose "
            "another --out"
        )


def _read_course(folder: Path) -> Course:
    path = folder / COURSE
    rows = read_json_object(path, "training")["rows"] if path.exists() else []
    return Course([(int(step), score, box, ap50) for step, score, box, ap50 in rows])


def _take_weights(training: Training, start: Path) -> None:
    rng = np.random.default_rng(training.recipe.seed)
    images = np.stack([training.sample(rng).image for _ in range(PICTURES_FOR_STATISTICS)])
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).to(training.device)
    load_weights(training.network, start, pictures)
    training.averaged.load_state_dict(training.network.state_dict())


def _ingredients(learning: Sequence[Sample], size: int) -> list[Ingredient]:
    """Mix the user's photos, scenes of their cut-outs, and rendered scenes."""
    rendered = RenderedCutouts()
    own: list[tuple[float, CutoutSource]] = [(0.6, CutoutAlbum(cuts))] if (cuts := _cut_all(learning)) else []
    cutouts = MixedCutouts([*own, (0.4, rendered)])
    places = MixedSource([(0.6, RenderedBackgrounds(size, rendered)), (0.4, Album(learning))])
    return [
        Ingredient(Album(learning), 0.55, Variety(quarter_turn=0.1)),
        Ingredient(Scenes(cutouts, places, size), 0.3, AS_COMPOSED),
        Ingredient(Scenes(cutouts, places, size, most=1, scale=(0.4, 1.1), upright=0.8, hand=0.6), 0.15, AS_COMPOSED),
    ]


def _cut_all(samples: Sequence[Sample]) -> list[Cutout]:
    cuts = (out_of_box(sample, row) for sample in samples for row in range(len(sample.xyxy)))
    return [cut for cut in cuts if cut is not None]


def usable_start(path: Path, size: int) -> bool:
    """Tell whether a file holds weights that a training can start from."""
    from export.train.detector.network import Network

    try:
        load_weights(Network(), path, torch.zeros(1, 3, size, size))
    except ModelError:
        return False
    return True
