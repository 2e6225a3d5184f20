"""Rendered products and places as sources: the training world of `export.render`, never its demo world."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from export.render.background import clutter, fabric, shelf, table
from export.render.packshot import render_cutout
from export.render.products import Packaging, training_product
from export.train.detector.mixing import kept_or_new
from export.train.detector.samples import Sample
from export.train.detector.scenes import Cutout

SHELF_WEIGHT = 0.3


@dataclass
class RenderedCutouts:
    """A source of rendered products.

    Rendering takes longer than pasting, so a pool is kept and only some of the draws render anew. The pool lives in
    memory: a training that is resumed fills a new one.

    Attributes:
        pool_size: cut-outs kept at most.
        fresh: chance that a draw renders a new product once the pool is full.
        packagings: of the products; none stands for every kind.
    """

    pool_size: int = 160
    fresh: float = 0.06
    packagings: tuple[Packaging, ...] = ()
    _pool: list[Cutout] = field(default_factory=list, repr=False)

    def draw(self, rng: np.random.Generator) -> Cutout:
        """Return a cut-out, (h, w, 4) uint8."""
        return kept_or_new(self._pool, self.pool_size, self.fresh, self._render, rng)

    def _render(self, rng: np.random.Generator) -> Cutout:
        packaging = self.packagings[int(rng.integers(len(self.packagings)))] if self.packagings else None
        return render_cutout(training_product(rng, packaging), rng, int(rng.integers(70, 260)))


@dataclass(frozen=True)
class RenderedBackgrounds:
    """A source of drawn places, `size` pixels square, without labelled products.

    Goods on a shelf are products nobody labelled: a false alarm on them weighs less.
    """

    size: int
    goods: RenderedCutouts

    def draw(self, rng: np.random.Generator) -> Sample:
        """Draw a table, cloth, clutter or a shelf."""
        wh, kind = (self.size, self.size), rng.random()
        if kind < 0.25:
            return Sample(shelf(wh, rng, [self.goods.draw(rng) for _ in range(4)]), background_weight=SHELF_WEIGHT)
        return Sample((table if kind < 0.55 else fabric if kind < 0.75 else clutter)(wh, rng))
