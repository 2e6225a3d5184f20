"""Learn a user's own products: from the weights of an embedder, until it gets no better.

Role: the core of `export train embedder`. A batch holds the user's products (packshot, photo, a scene drawn around the
packshot) and rendered ones, so that what the embedder knew is not lost. Every so many steps it answers the questions
that tell when to stop; the best file so far is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor

from edge.errors import ModelError
from edge.files import whole_file
from export.quantize.byte_weights import with_byte_weights
from export.train.course import CHECKPOINT, Course, Watch, claim, train_until_stuck
from export.train.embedder.comparison import mean_reciprocal_rank, rank
from export.train.embedder.judging import embed_with
from export.train.embedder.network import SIZE, Network
from export.train.embedder.onnx_file import write_onnx
from export.train.embedder.own_products import OwnProducts, OwnSource
from export.train.embedder.rendered import RenderedFamilies, Views
from export.train.embedder.training import Mixture, Recipe, Training, weights_between
from export.train.embedder.varying import Variety, varied
from export.train.weights import load_weights

EVERY = 25
OWN, RENDERED, POOL = 14, 10, 400
PRODUCTS_FOR_STATISTICS = 20
LEARNING_RATE = 3e-4
HALF_WAY = 0.5
SMALL, WHOLE = "small.onnx", "whole"


@dataclass(frozen=True)
class Call:
    """What a training was asked for; a second call must ask for the same to go on."""

    items_sha256: str
    photos_sha256: str
    test_sha256: str
    start_sha256: str
    keep_aside: float
    steps: int
    seed: int


def fine_tune(products: OwnProducts, call: Call, start: Path, folder: Path) -> tuple[Path, Course]:
    """Train, or go on with a training that was interrupted.

    Args:
        products: the user's.
        call: what was asked for.
        start: ONNX file of this kit's own embedder with the first weights.
        folder: of this training.

    Returns:
        The best file, and how it went.

    Raises:
        InputError: the folder belongs to another call.
        ModelError: the start is no embedder of the kit's present shape.
        KeyboardInterrupt: after the checkpoint was written.
        OutputError: the disk is full; the checkpoint before is still there.
    """
    claim(folder, asdict(call))
    recipe = Recipe(
        call.steps, OWN + RENDERED, learning_rate=LEARNING_RATE, warm_up=20, averaging=0.98, to_packshot=2.0,
        seed=call.seed,
    )  # fmt: skip
    source = Mixture([(OWN, OwnSource(products)), (RENDERED, RenderedFamilies(SIZE, POOL))])
    training = Training(recipe, source, folder / CHECKPOINT)

    views = source.draw(PRODUCTS_FOR_STATISTICS, np.random.default_rng([call.seed, 0, 0]))
    first = _first_weights(start, views, training.device)

    def begin(new: Training) -> None:
        new.network.load_state_dict(first)
        new.result.load_state_dict(first)

    def written(weights: Mapping[str, Tensor], path: Path) -> float:
        network = Network().to(training.device)
        network.load_state_dict(weights)
        write_onnx(network, path)
        return mean_reciprocal_rank(rank(embed_with(path), products, products.stopping))

    def look(now: Training, path: Path) -> float:
        figure = written(weights_between(first, now.result, HALF_WAY), path)
        if now.step:
            whole = path.with_stem(WHOLE)
            if (other := written(now.result.state_dict(), whole)) > figure:
                figure = other
                whole.replace(path)
            whole.unlink(missing_ok=True)
        return figure

    return train_until_stuck(training, begin, Watch(("loss",), "MRR", look, from_start=True), folder, EVERY)


def _first_weights(start: Path, views: Views, device: torch.device) -> dict[str, Tensor]:
    """Read the weights to begin with; the statistics of the normalisation are those of some products."""
    pictures = np.concatenate([views.packshots, views.photos[:, 0], views.photos[:, 1]])
    network = Network().to(device)
    load_weights(network, start, varied(torch.from_numpy(pictures), SIZE, Variety()).to(device), "embedder")
    return network.state_dict()


def usable_start(path: Path) -> bool:
    """Tell whether a file holds weights that training can start from."""
    if path.suffix != ".onnx":
        return False
    try:
        load_weights(Network(), path, torch.zeros(1, 3, SIZE, SIZE), "embedder")
    except ModelError:
        return False
    return True


def store_small(model: Path, out: Path) -> Path:
    """Write a float model as it ships, its weights stored as int8; return its path.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(out) as temporary:
        onnx.save(with_byte_weights(onnx.load(model)), temporary)
    return out
