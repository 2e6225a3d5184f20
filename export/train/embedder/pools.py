"""What fills the chunks of a training, and how batches are drawn from them: families, real products, cuts.

Pictures are kept a tenth larger than the network's input, since every draw turns and shifts them (`varying`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from edge.errors import InputError
from export.train.embedder.chunks import Chunk, Ints, Pool
from export.train.embedder.cuts import Cut
from export.train.embedder.real import RealProduct, real_pictures
from export.train.embedder.rendered import Pictures, RenderedFamilies, Views

FAMILIES_A_CHUNK = 64
CUTS_A_CHUNK = 1000
PASSES_A_CHUNK = 4


@dataclass(frozen=True)
class RenderedChunks:
    """Families of rendered look-alikes: packshot and two photos of each product; the group is the family."""

    size: int
    backgrounds: Sequence[Pictures] = ()

    def __call__(self, rng: np.random.Generator) -> Chunk:
        """Render one chunk."""
        source = RenderedFamilies(self.size, 10**6, backgrounds=self.backgrounds)
        families = [source.family(rng) for _ in range(FAMILIES_A_CHUNK)]
        names = rng.integers(2**62, size=len(families))
        return Chunk(
            np.concatenate([_stacked(views) for views in families]),
            np.repeat(names, [len(views.packshots) for views in families]),
        )


@dataclass(frozen=True)
class CutChunks:
    """Cuts of pictures from life, one a row, without groups."""

    cut: Cut

    def __call__(self, rng: np.random.Generator) -> Chunk:
        """Cut one chunk."""
        return Chunk(np.stack([self.cut(rng)[None] for _ in range(CUTS_A_CHUNK)]), np.zeros(CUTS_A_CHUNK, np.int64))


@dataclass(frozen=True)
class RealChunks:
    """All products of an album a few times over: packshot, photo and scene; the group is the product's row."""

    products: dict[int, RealProduct]
    backgrounds: Sequence[Pictures]
    size: int

    def __call__(self, rng: np.random.Generator) -> Chunk:
        """Draw one chunk."""
        rows = np.tile(np.array(sorted(self.products), np.int64), PASSES_A_CHUNK)
        products = [self.products[int(row)] for row in rows]
        return Chunk(real_pictures(products, self.backgrounds, self.size, rng), rows)


class Families:
    """A source of products, whole families together."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return `count` products; a family may come twice."""
        group, chosen = self.pool.group[: self.pool.rows], list[Ints]()
        while sum(map(len, chosen)) < count:
            row = int(rng.integers(len(group)))
            near = np.arange(max(0, row - 5), min(len(group), row + 6))
            chosen.append(near[group[near] == group[row]])
        return Views.of(self.pool.take(np.concatenate(chosen)[:count]))


class RealViews:
    """A source of an album's products, none twice in a draw.

    Attributes:
        pool: of `RealChunks`.
        often: rows of the products that make three quarters of a draw.
        rarely: rows of the rest.
    """

    def __init__(self, pool: Pool, often: Ints, rarely: Ints) -> None:
        self.pool = pool
        self._often, self._rarely = often, rarely
        group = pool.group[: pool.rows]
        self._rows = {int(product): np.flatnonzero(group == product) for product in (*often, *rarely)}
        if missing := sum(not len(rows) for rows in self._rows.values()):
            raise InputError(f"{missing} products have no pictures in the pool: make more chunks, or a larger --pool")

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return at most `count` products, fewer where there are fewer."""
        many = rng.permutation(self._often)[: count * 3 // 4 if len(self._rarely) else count]
        few = rng.permutation(self._rarely)[: count - len(many)]
        chosen = [rng.choice(self._rows[int(product)]) for product in (*many, *few)]
        return Views.of(self.pool.take(np.array(chosen, np.int64)))


class Cuts:
    """Pictures from life."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    def draw(self, count: int, rng: np.random.Generator) -> Tensor:
        """Return (count, s, s, 3) uint8 on the pool's device."""
        return self.pool.take(rng.integers(self.pool.rows, size=count))[:, 0]


def _stacked(views: Views) -> Pictures:
    return np.concatenate([views.packshots[:, None], views.photos], axis=1)
