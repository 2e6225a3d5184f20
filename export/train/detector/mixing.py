"""Sources made of sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from export.train.detector.samples import Sample, Source
from export.train.detector.scenes import Cutout, CutoutSource

T = TypeVar("T")


@dataclass(frozen=True)
class MixedSource:
    """Draws from one of several sources; weights need not sum to one."""

    parts: Sequence[tuple[float, Source]]

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a sample of one part."""
        return self.parts[_choose([weight for weight, _ in self.parts], rng)][1].draw(rng)


@dataclass(frozen=True)
class MixedCutouts:
    """Draws from one of several sources of cut-outs; weights need not sum to one."""

    parts: Sequence[tuple[float, CutoutSource]]

    def draw(self, rng: np.random.Generator) -> Cutout:
        """Return a cut-out of one part."""
        return self.parts[_choose([weight for weight, _ in self.parts], rng)][1].draw(rng)


@dataclass(frozen=True)
class Weighed:
    """A source whose pictures hold unlabelled products: false alarms weigh `background_weight` of what they would."""

    source: Source
    background_weight: float

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a sample with a lower weight."""
        sample = self.source.draw(rng)
        return replace(sample, background_weight=sample.background_weight * self.background_weight)


@dataclass
class Kept:
    """A source whose pictures are drawn several times: to compose one takes longer than to change its light and place.

    The pool lives in memory: a training that is resumed, and every process that draws batches, fills its own.

    Attributes:
        source: what is kept.
        pool_size: pictures kept at most.
        fresh: chance that a draw asks for a new picture once the pool is full.
    """

    source: Source
    pool_size: int = 160
    fresh: float = 0.35
    _pool: list[Sample] = field(default_factory=list, repr=False)

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a new picture or a kept one."""
        return kept_or_new(self._pool, self.pool_size, self.fresh, self.source.draw, rng)


def kept_or_new(
    pool: list[T], size: int, fresh: float, make: Callable[[np.random.Generator], T], rng: np.random.Generator
) -> T:
    """Return one of a pool: a new one while it fills, later with the chance `fresh`, in the place of a kept one.

    Args:
        pool: changed in place.
        size: how many are kept.
        fresh: 0..1.
        make: makes a new one.
        rng: source of chance.
    """
    if len(pool) < size:
        pool.append(make(rng))
        return pool[-1]
    place = int(rng.integers(size))
    if rng.random() < fresh:
        pool[place] = make(rng)
    return pool[place]


def _choose(weights: Sequence[float], rng: np.random.Generator) -> int:
    total = np.array(weights, np.float64)
    return int(rng.choice(len(total), p=total / total.sum()))
