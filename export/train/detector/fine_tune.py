"""Learn a user's own products: from the weights of a detector, or from nothing, until it gets no better.

Role: the core of `export train detector`. What is learnt from is the user's photos, their cut-outs pasted anew, and
rendered scenes, so that what the detector knew is not lost. Every so many steps it is measured on the photos that tell
when to stop; the best file so far is kept.

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from edge.errors import ModelError
from export.evaluation.coco import measure
from export.train.course import CHECKPOINT, Course, Watch, claim, train_until_stuck
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
from export.train.weights import load_weights

EVERY = 50
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
    claim(folder, asdict(call))
    rate, warm_up = (FROM_NOTHING, 100) if start is None else (FROM_WEIGHTS, 40)
    recipe = Recipe(call.size, call.steps, learning_rate=rate, warm_up=warm_up, averaging=0.99, seed=call.seed)
    training = Training(recipe, _ingredients(photos.learning, call.size), folder / CHECKPOINT)

    def begin(new: Training) -> None:
        if start is not None:
            _take_weights(new, start)

    def ap50(now: Training, path: Path) -> float:
        write_onnx(now.averaged, path, call.size)
        return measure(judge(load_detector(path), photos.stopping)).ap50

    watch = Watch(("score", "box"), "AP50", ap50)
    return train_until_stuck(training, begin, watch, folder, EVERY)


def _take_weights(training: Training, start: Path) -> None:
    rng = np.random.default_rng(training.recipe.seed)
    images = np.stack([training.sample(rng).image for _ in range(PICTURES_FOR_STATISTICS)])
    pictures = torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(255).to(training.device)
    load_weights(training.network, start, pictures, "detector")
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
        load_weights(Network(), path, torch.zeros(1, 3, size, size), "detector")
    except ModelError:
        return False
    return True
