"""Learn a user's own products: from the weights of an embedder, until it gets no better.

Role: the core of `export train embedder`. A batch holds the user's products (packshot, photo, a scene drawn around the
packshot) and rendered ones, so that what the embedder knew is not lost. Every so many steps it answers the questions
that tell when to stop; the best file so far is kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx
import torch

from edge.errors import ModelError
from edge.files import whole_file
from export.quantize.byte_weights import with_byte_weights
from export.train.course import CHECKPOINT, Course, Watch, claim, train_until_stuck
from export.train.embedder.comparison import mean_reciprocal_rank, rank
from export.train.embedder.judging import embed_with
from export.train.embedder.network import SIZE, Network
from export.train.embedder.onnx_file import write_onnx
from export.train.embedder.own_products import OwnProducts, OwnSource
from export.train.embedder.rendered import RenderedFamilies
from export.train.embedder.training import Mixture, Recipe, Training
from export.train.embedder.varying import Variety, varied
from export.train.weights import load_weights

EVERY = 25
OWN, RENDERED, POOL = 14, 10, 400
PRODUCTS_FOR_STATISTICS = 20
LEARNING_RATE = 3e-4
SMALL = "small.onnx"


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

    def begin(new: Training) -> None:
        views = source.draw(PRODUCTS_FOR_STATISTICS, np.random.default_rng([call.seed, 0, 0]))
        pictures = np.concatenate([views.packshots, views.photos[:, 0], views.photos[:, 1]])
        plain = varied(torch.from_numpy(pictures), SIZE, Variety())
        load_weights(new.network, start, plain.to(new.device), "embedder")
        new.result.load_state_dict(new.network.state_dict())

    def found(path: Path) -> float:
        return mean_reciprocal_rank(rank(embed_with(path), products, products.stopping))

    def write(now: Training, path: Path) -> None:
        write_onnx(now.result, path)

    watch = Watch(("loss",), "MRR", write, found, from_start=True)
    return train_until_stuck(training, begin, watch, folder, EVERY)


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
