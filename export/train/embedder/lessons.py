"""Lessons: pictures with what the teacher saw in them, kept in files, so that the teacher looks once.

A folder of chunks `lesson-00000.npz` (`pictures` (n, s, s, 3) uint8, `map0` to `map4` int8) and the teacher's main
directions in `basis.npz`. A third of the pictures are rendered products, the rest are cut out of pictures from life.

Invariants: a chunk is written whole or not at all and depends on the seed and its number only; chunks that exist are
kept, so an interrupted preparation goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from edge.errors import InputError
from edge.files import whole_file
from export.render.opencv import cv2
from export.render.photo import spoil
from export.train.embedder.rendered import Pictures, RenderedFamilies
from export.train.embedder.teacher import CHANNELS, STEPS_TO_ONE, Basis, Teacher

PRODUCTS = 160
CUTS = 480
TO_FIT = 240
TOGETHER = 8
LARGE_SIDE = 600
SPOILT = 0.35
BASIS = "basis.npz"
Draw = Callable[[np.random.Generator], Pictures]


@dataclass(frozen=True)
class Chunk:
    """Pictures (n, s, s, 3) uint8 and five maps (n, h, w, c) int8."""

    pictures: Pictures
    maps: tuple[npt.NDArray[np.int8], ...]


class Lessons:
    """All chunks of a folder, in memory."""

    def __init__(self, folder: Path) -> None:
        self.chunks = [_read(path) for path in sorted(folder.glob("lesson-*.npz"))]
        if not self.chunks:
            raise InputError(f"{folder}: holds no lessons: prepare them first (stage lessons)")

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Pictures, list[Tensor]]:
        """Return about `count` pictures and five maps (n, c, h, w) float32."""
        pictures, maps = [], []
        for _ in range(max(1, count // TOGETHER)):
            chunk = self.chunks[int(rng.integers(len(self.chunks)))]
            chosen = np.sort(rng.permutation(len(chunk.pictures))[:TOGETHER])
            pictures.append(chunk.pictures[chosen])
            maps.append([level[chosen] for level in chunk.maps])
        levels = (torch.from_numpy(np.concatenate(level)) for level in zip(*maps, strict=True))
        return np.concatenate(pictures), [level.float().div_(STEPS_TO_ONE).permute(0, 3, 1, 2) for level in levels]


def prepare(folder: Path, teacher: Teacher, cut: Draw, size: int, chunks: int, seed: int = 0) -> None:
    """Write the lessons of a folder that are not there yet.

    Args:
        folder: made where it does not exist.
        teacher: who looks at the pictures.
        cut: draws one picture from life, (teacher.size, teacher.size, 3).
        size: side of the student's pictures.
        chunks: how many chunks of 960 pictures the folder shall hold.
        seed: of all that is drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(chunks):
        path = folder / f"lesson-{number:05d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([seed, number])
        small, large = _pictures(teacher.size, cut, size, rng)
        maps = teacher.lesson(large, _bases(folder / BASIS, teacher, large, rng), size)
        with whole_file(path) as temporary:
            np.savez(temporary, pictures=small, **{f"map{i}": level for i, level in enumerate(maps)})  # type: ignore[arg-type]


def cuts_from(groups: Sequence[tuple[float, Sequence[Pictures]]], size: int) -> Draw:
    """Make a draw from groups of pictures, each with its weight: a cut, mirrored or spoilt half of the time."""
    weights = np.array([weight for weight, _ in groups])

    def draw(rng: np.random.Generator) -> Pictures:
        pictures = groups[int(rng.choice(len(groups), p=weights / weights.sum()))][1]
        part = cut_anywhere(pictures[int(rng.integers(len(pictures)))], rng)
        way = cv2.INTER_AREA if part.shape[1] > size else cv2.INTER_LINEAR
        part = cv2.resize(part, (size, size), interpolation=way)
        if rng.random() < 0.5:
            part = np.ascontiguousarray(part[:, ::-1])
        return spoil(part, rng, SPOILT) if rng.random() < 0.5 else part

    return draw


def cut_anywhere(image: Pictures, rng: np.random.Generator) -> Pictures:
    """Cut a part as large as an object may be: of a large picture 110 to 420 pixels, of others 30 to 100 percent."""
    height, width = image.shape[:2]
    if min(height, width) > LARGE_SIDE:
        tall = rng.uniform(110, 420)
        wide = tall * rng.uniform(0.55, 1.2)
    else:
        share, aspect = np.sqrt(rng.uniform(0.3, 1)), np.exp(rng.uniform(-0.3, 0.3))
        wide, tall = width * share * aspect, height * share / aspect
    w, h = int(min(width, wide)), int(min(height, tall))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return image[y : y + h, x : x + w]


def _pictures(large_size: int, cut: Draw, size: int, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
    views = RenderedFamilies(size=size, pool_size=PRODUCTS).draw(PRODUCTS, rng)
    rendered = np.concatenate([views.packshots[:, None], views.photos], axis=1).reshape(-1, size, size, 3)
    cuts = [cut(rng) for _ in range(CUTS)]
    small = np.concatenate(
        [rendered, np.stack([cv2.resize(c, (size, size), interpolation=cv2.INTER_AREA) for c in cuts])]
    )
    return small, np.concatenate(
        [np.stack([cv2.resize(r, (large_size, large_size)) for r in rendered]), np.stack(cuts)]
    )


def _bases(path: Path, teacher: Teacher, pictures: Pictures, rng: np.random.Generator) -> list[Basis]:
    """Read the teacher's main directions, or find them on the pictures at hand and keep them."""
    if not path.exists():
        bases = teacher.fit(pictures[rng.permutation(len(pictures))[:TO_FIT]])
        arrays = {f"mean{i}": b.mean for i, b in enumerate(bases)} | {
            f"axes{i}": b.directions for i, b in enumerate(bases)
        }
        with whole_file(path) as temporary:
            np.savez(temporary, **arrays)  # type: ignore[arg-type]
    with np.load(path) as kept:
        return [Basis(kept[f"mean{i}"], kept[f"axes{i}"]) for i in range(len(CHANNELS))]


def _read(path: Path) -> Chunk:
    try:
        with np.load(path) as kept:
            return Chunk(kept["pictures"], tuple(kept[f"map{i}"] for i in range(len(CHANNELS))))
    except (OSError, ValueError, KeyError) as e:
        raise InputError(f"{path}: is not a lesson ({e}): remove it and prepare it again") from e
