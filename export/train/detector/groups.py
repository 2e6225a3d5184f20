"""Groups of products that touch: laid side by side, thrown on a heap or stood in a row, at any angle.

Role: where things lie against one another, a detector has to learn where one ends and the next begins. A product is
slid away from its neighbour until they overlap by no more than a chance share, so that most just touch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from export.train.detector.augment import Variety, place
from export.train.detector.samples import Sample, Source
from export.train.detector.scenes import (
    Cutout,
    CutoutSource,
    Pasted,
    bounds,
    composed,
    lay,
    shade,
    tilt,
)

Point = npt.NDArray[np.float64]
SIDE_BY_SIDE, STANDING = 0.45, 0.2
SLIDE_STEP, PIXELS_A_PROBE = 0.02, 4


class _Pose(NamedTuple):
    """How the next product lies: `angle` in degrees, and the unit vector in which it is slid from its neighbour."""

    angle: float
    away: Point


@dataclass(frozen=True)
class Groups:
    """A source of pictures of groups.

    Attributes:
        cutouts: what is pasted.
        backgrounds: what it is pasted on; their own boxes are kept where they stay visible.
        size: side of the square in pixels.
        count: fewest and most products.
        scale: smallest and largest long side of a product against the square, for a group of two.
        same: chance that all products of a group are the same.
        overlap: largest share of a product that lies on those before it.
    """

    cutouts: CutoutSource
    backgrounds: Source
    size: int
    count: tuple[int, int] = (2, 6)
    scale: tuple[float, float] = (0.3, 1.0)
    same: float = 0.45
    overlap: float = 0.22
    variety: Variety = field(default_factory=lambda: Variety(zoom=(1.0, 2.2), quarter_turn=0.2))

    def draw(self, rng: np.random.Generator) -> Sample:
        """Compose one group."""
        ground = place(self.backgrounds.draw(rng), rng, self.size, self.variety)
        image, pasted = ground.image.copy(), list[Pasted]()
        cutouts, long_side = self._members(rng)
        poses = _poses(len(cutouts), rng)
        for cutout, pose in zip(cutouts, poses, strict=True):
            patch = tilt(cutout, rng, float(long_side * rng.uniform(0.85, 1.18)), pose.angle)
            patch[:, :, :3] = shade(patch[:, :, :3], rng)
            centre = rng.uniform(0.25, 0.75, 2) * self.size
            if pasted:
                neighbour = pasted[-1 if rng.random() < 0.7 else int(rng.integers(len(pasted)))]
                allowed = max(0.0, rng.uniform(-0.1, self.overlap))
                aside = pose.away[::-1] * (-1, 1) * rng.uniform(-0.2, 0.2) * long_side
                start = (neighbour.xyxy[:2] + neighbour.xyxy[2:]) / 2 + aside
                centre = _slid(patch, pasted, start, pose.away, allowed)
            mask, total = lay(image, patch, centre, rng)
            pasted = [item.covered_by(mask) for item in pasted]
            if mask.any():
                pasted.append(Pasted(mask, total, bounds(mask)))
        return composed(ground, image, pasted)

    def _members(self, rng: np.random.Generator) -> tuple[list[Cutout], float]:
        """Draw what makes up the group, and the long side of its products in pixels."""
        count = int(rng.integers(self.count[0], self.count[1] + 1))
        long_side = self.size * np.exp(rng.uniform(*np.log(self.scale))) / np.sqrt(count / 2)
        if rng.random() < self.same:
            return [self.cutouts.draw(rng)] * count, float(long_side)
        return [self.cutouts.draw(rng) for _ in range(count)], float(long_side)


def _poses(count: int, rng: np.random.Generator) -> list[_Pose]:
    """Draw how the products of a group lie: side by side at one angle, upright in a row, or each as it fell."""
    kind = rng.random()
    if kind >= SIDE_BY_SIDE + STANDING:
        return [_Pose(float(rng.uniform(-180, 180)), _direction(rng.uniform(-180, 180))) for _ in range(count)]
    angle, turned = (rng.uniform(-180, 180), 0.3) if kind < SIDE_BY_SIDE else (rng.uniform(-8, 8), 0.0)
    away = _direction(angle + 180 * (rng.random() < 0.5))
    return [_Pose(float(angle + rng.normal(0, 9) + 180 * (rng.random() < turned)), away) for _ in range(count)]


def _direction(degrees: float) -> Point:
    return np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))])


def _slid(patch: Cutout, pasted: Sequence[Pasted], start: Point, away: Point, allowed: float) -> Point:
    """Slide a patch from a point until no more than a share of it lies on what was pasted."""
    taken = np.bitwise_or.reduce([item.mask for item in pasted]) > 0
    coarse, shape = taken[::PIXELS_A_PROBE, ::PIXELS_A_PROBE], patch[::PIXELS_A_PROBE, ::PIXELS_A_PROBE, 3] > 127
    step = max(2.0, SLIDE_STEP * len(taken))
    for distance in np.arange(0, 2 * len(taken), step):
        centre = np.asarray(start + away * distance, np.float64)
        if _shared(coarse, shape, centre / PIXELS_A_PROBE) <= allowed * max(int(shape.sum()), 1):
            return centre
    return centre


def _shared(taken: npt.NDArray[np.bool_], shape: npt.NDArray[np.bool_], centre: Point) -> int:
    """Count the cells of a shape, centred at a point, that are taken."""
    left, top = (int(v) for v in np.round(centre - np.array(shape.shape[::-1]) / 2))
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + shape.shape[1], taken.shape[1]), min(top + shape.shape[0], taken.shape[0])
    if x1 <= x0 or y1 <= y0:
        return 0
    return int(np.count_nonzero(taken[y0:y1, x0:x1] & shape[y0 - top : y1 - top, x0 - left : x1 - left]))
