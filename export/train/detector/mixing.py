"""Sources made of sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from export.train.detector.samples import Sample, Source
from export.train.detector.scenes import Cutout, CutoutSource


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


def _choose(weights: Sequence[float], rng: np.random.Generator) -> int:
    total = np.array(weights, np.float64)
    return int(rng.choice(len(total), p=total / total.sum()))
