"""Rendered products kept in files, so that all stages of a training learn from one rendering.

A folder of chunks `products-00000.npy`, (n, 3, s, s, 3) uint8 RGB: packshot and two photos of each product. Families
of look-alikes stand together, and `families-00000.npy` (int64) says how many products each has.

Invariants: a chunk depends on the seed and its number only and is written whole or not at all; chunks that exist are
kept, so an interrupted rendering goes on. Chunks are mapped, not read: several trainings share one copy in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.files import whole_file
from export.train.embedder.rendered import Pictures, RenderedFamilies, Views

PRODUCTS_A_CHUNK = 500


def render_pool(folder: Path, size: int, backgrounds: Sequence[Pictures], chunks: int, seed: int = 0) -> None:
    """Render those chunks of a folder that are not there yet.

    Args:
        folder: made where it does not exist.
        size: side of the pictures in pixels.
        backgrounds: pictures from life, see `RenderedFamilies`.
        chunks: how many chunks of about 500 products the folder shall hold.
        seed: of all that is drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(chunks):
        if (folder / f"products-{number:05d}.npy").exists():
            continue
        source = RenderedFamilies(size, 2 * PRODUCTS_A_CHUNK, backgrounds=backgrounds)
        families = _families(source, np.random.default_rng([seed, number]))
        with whole_file(folder / f"families-{number:05d}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, np.array([len(views.packshots) for views in families]))
        with whole_file(folder / f"products-{number:05d}.npy") as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate([_stacked(views) for views in families]))


class RenderedPool:
    """A source of products, whole families together, from a folder of chunks."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("products-*.npy"))
        if not paths:
            raise InputError(f"{folder}: holds no rendered products: render them first (stage rendered)")
        self._families = [family for path in paths for family in _mapped(path)]

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return `count` products of the pool, no family twice unless there are too few."""
        drawn = list[Pictures]()
        while sum(map(len, drawn)) < count:
            drawn.append(self._families[int(rng.integers(len(self._families)))])
        pictures = np.concatenate(drawn)[:count]
        return Views(pictures[:, 0], pictures[:, 1:])


def _families(source: RenderedFamilies, rng: np.random.Generator) -> list[Views]:
    families = list[Views]()
    while sum(len(views.packshots) for views in families) < PRODUCTS_A_CHUNK:
        families.append(source.family(rng))
    return families


def _stacked(views: Views) -> Pictures:
    return np.concatenate([views.packshots[:, None], views.photos], axis=1)


def _mapped(path: Path) -> list[Pictures]:
    try:
        pictures: Pictures = np.load(path, mmap_mode="r")
        sizes: npt.NDArray[np.int64] = np.load(path.with_name(path.name.replace("products", "families")))
        return np.split(pictures, np.cumsum(sizes)[:-1])
    except (OSError, ValueError) as e:
        raise InputError(f"{path}: is not a chunk of rendered products ({e}): remove it and render it again") from e
