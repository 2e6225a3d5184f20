"""Composed pictures: cut-outs of products pasted on backgrounds, with tilt, overlap, shadow, light and hands.

Role: endless labelled variety from few labels. The box of a pasted product is that of its visible pixels; what is
mostly covered becomes an ignored region. Pasting cut-outs to train detectors follows Dwibedi et al. 2017, Cut, Paste
and Learn, arXiv 1708.01642.

Invariants: a cut-out is (h, w, 4) uint8 RGB with straight alpha; a scene is a square `Sample`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from export.render.hand import holding_hand
from export.render.opencv import cv2
from export.train.detector.augment import Variety, place
from export.train.detector.samples import ImageArray, Sample, Source

Cutout = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.uint8]
LEAST_VISIBLE, SMALLEST_SIDE = 0.3, 8


class CutoutSource(Protocol):
    """Where cut-outs come from."""

    def draw(self, rng: np.random.Generator) -> Cutout:
        """Return one cut-out, (h, w, 4) uint8."""
        ...


@dataclass(frozen=True)
class CutoutAlbum:
    """A source that draws one of its cut-outs."""

    cutouts: Sequence[Cutout]

    def draw(self, rng: np.random.Generator) -> Cutout:
        """Return a cut-out, each with the same chance."""
        return self.cutouts[int(rng.integers(len(self.cutouts)))]


@dataclass(frozen=True)
class Scenes:
    """A source of composed pictures.

    Attributes:
        cutouts: what is pasted.
        backgrounds: what it is pasted on; their own boxes are kept where they stay visible.
        size: side of the square in pixels.
        most: products pasted at most.
        scale: smallest and largest long side of a product against the square.
        upright: chance that a product stands within 25 degrees of upright; else any angle.
        cluster: chance that a product is laid beside or over the one before.
        hand: chance that a hand holds the last product.
    """

    cutouts: CutoutSource
    backgrounds: Source
    size: int
    most: int = 4
    scale: tuple[float, float] = (0.14, 0.95)
    upright: float = 0.6
    cluster: float = 0.35
    hand: float = 0.3
    variety: Variety = field(default_factory=lambda: Variety(zoom=(1.0, 2.2), quarter_turn=0.2))

    def draw(self, rng: np.random.Generator) -> Sample:
        """Compose one scene."""
        ground = place(self.backgrounds.draw(rng), rng, self.size, self.variety)
        image = ground.image.copy()
        pasted: list[Pasted] = []
        for _ in range(int(rng.integers(1, self.most + 1))):
            pasted.append(self._paste(image, pasted, rng))
        if rng.random() < self.hand:
            fingers = _hold(image, pasted[-1].xyxy, rng)
            pasted = [item.covered_by(fingers) for item in pasted]
        return composed(ground, image, pasted)

    def _paste(self, image: ImageArray, pasted: list[Pasted], rng: np.random.Generator) -> Pasted:
        """Paste one product into `image`, and take what it covers from the masks of those before."""
        near = pasted[-1] if pasted and rng.random() < self.cluster else None
        long_side = self.size * np.exp(rng.uniform(*np.log(self.scale)))
        if near is not None:
            long_side = np.max(near.xyxy[2:] - near.xyxy[:2]) * rng.uniform(0.8, 1.2)
        angle = rng.uniform(-25, 25) if rng.random() < self.upright else rng.uniform(-180, 180)
        patch = tilt(self.cutouts.draw(rng), rng, float(np.clip(long_side, 12, self.size * 1.2)), angle)
        centre = rng.uniform(0.08, 0.92, 2) * self.size
        if near is not None:
            centre = (near.xyxy[:2] + near.xyxy[2:]) / 2 + rng.uniform(-0.8, 0.8, 2) * long_side
        patch[:, :, :3] = shade(patch[:, :, :3], rng)
        mask, total = lay(image, patch, centre, rng)
        pasted[:] = [item.covered_by(mask) for item in pasted]
        return Pasted(mask, total, bounds(mask))


class Pasted(NamedTuple):
    """A pasted product: visible `mask` (size, size) of 0 and 255, `total` pixels it has, bounds when it was laid."""

    mask: Mask
    total: int
    xyxy: Float32s

    def covered_by(self, cover: Mask) -> Pasted:
        """Return it with what lies under `cover` no longer visible."""
        return self._replace(mask=np.where(cover > 0, np.uint8(0), self.mask))


def tilt(cutout: Cutout, rng: np.random.Generator, long_side: float, angle: float) -> Cutout:
    """Scale, turn and view a cut-out from a chance side.

    Args:
        cutout: (h, w, 4).
        rng: source of chance.
        long_side: of the cut-out before it is turned, in pixels.
        angle: in degrees.

    Returns:
        A patch that just holds the result.
    """
    height, width = cutout.shape[:2]
    scale = long_side / max(height, width)
    if scale < 0.7:
        smaller = max(2, round(width * scale)), max(2, round(height * scale))
        cutout = cv2.resize(cutout, smaller, interpolation=cv2.INTER_AREA)
        height, width = cutout.shape[:2]
        scale = 1.0
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale
    depth = rng.uniform(0, 0.16) * min(height, width) * scale
    target = (corners - corners[2] / 2) @ matrix.T + rng.uniform(-depth, depth, (4, 2))
    target -= target.min(axis=0)
    size_wh = np.maximum(np.ceil(target.max(axis=0)).astype(int) + 1, 2)
    view = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    return np.asarray(cv2.warpPerspective(cutout, view, size_wh.tolist(), flags=cv2.INTER_LINEAR), np.uint8)


def shade(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Light a patch by a chance gradient, sometimes with a glare."""
    height, width = image.shape[:2]
    ramp_x = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    ramp_y = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    slope = rng.uniform(-0.3, 0.3, 2)
    light = rng.uniform(0.6, 1.15) * (1 + slope[0] * ramp_x + slope[1] * ramp_y)
    lit = image * light
    if rng.random() < 0.15:
        spot = np.exp(
            -((ramp_x - rng.uniform(-1, 1)) ** 2 * 12 + (ramp_y - rng.uniform(-1, 1)) ** 2 * rng.uniform(0, 8))
        )
        lit = lit + 150 * spot
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def lay(
    image: ImageArray, patch: Cutout, centre: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Mask, int]:
    """Blend a patch into a square picture in place, sometimes over a soft shadow.

    Returns:
        The mask of its pixels in the picture (0 and 255), and how many pixels it has, those outside included.
    """
    size = image.shape[0]
    left, top = (int(value) for value in np.round(centre - np.array(patch.shape[1::-1]) / 2))
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + patch.shape[1], size), min(top + patch.shape[0], size)
    mask = np.zeros((size, size), np.uint8)
    total = int((patch[:, :, 3] > 127).sum())
    if x1 <= x0 or y1 <= y0:
        return mask, total
    seen = patch[y0 - top : y1 - top, x0 - left : x1 - left]
    mask[y0:y1, x0:x1] = seen[:, :, 3]
    if rng.random() < 0.5:
        shift = np.array([[1, 0, rng.uniform(-12, 12)], [0, 1, rng.uniform(-4, 12)]], np.float32)
        blurred = cv2.blur(cv2.warpAffine(mask, shift, (size, size)), (15, 15))
        np.multiply(
            image, 1 - rng.uniform(0.2, 0.6) * blurred[:, :, None] / np.float32(255), out=image, casting="unsafe"
        )
    alpha = cv2.blur(seen[:, :, 3], (3, 3))[:, :, None].astype(np.float32) / 255
    under = image[y0:y1, x0:x1]
    image[y0:y1, x0:x1] = (under + (seen[:, :, :3].astype(np.float32) - under) * alpha).astype(np.uint8)
    return np.where(mask > 127, np.uint8(255), np.uint8(0)), total


def _hold(image: ImageArray, xyxy: Float32s, rng: np.random.Generator) -> Mask:
    """Draw the fingers of a hand over a box in place, and return the mask of their pixels."""
    x0, y0, x1, y1 = (float(value) for value in xyxy)
    _, fingers = holding_hand((x0, y0, x1, y1), (image.shape[1], image.shape[0]), rng)
    alpha = fingers[:, :, 3:].astype(np.float32) / 255
    image[:] = (image + (fingers[:, :, :3].astype(np.float32) - image) * alpha).astype(np.uint8)
    return np.where(fingers[:, :, 3] > 127, np.uint8(255), np.uint8(0))


def bounds(mask: Mask) -> Float32s:
    """Return the tight xyxy of a mask, zeros where it is empty."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if columns.size == 0:
        return np.zeros(4, np.float32)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def composed(ground: Sample, image: ImageArray, pasted: Sequence[Pasted]) -> Sample:
    """Label a finished scene: what was pasted, and what of the background's own boxes still shows."""
    boxes, ignored = _visible(pasted)
    uncovered = np.array([_still_seen(box, pasted) for box in ground.xyxy], bool)
    return Sample(
        image,
        np.concatenate([boxes, ground.xyxy[uncovered]]).astype(np.float32),
        np.concatenate([ignored, ground.xyxy[~uncovered], ground.ignored_xyxy]).astype(np.float32),
        ground.background_weight,
    )


def _visible(pasted: Sequence[Pasted]) -> tuple[Float32s, Float32s]:
    """Part the pasted products into boxes that show enough and regions that do not."""
    xyxy = np.array([bounds(item.mask) for item in pasted], np.float32).reshape(-1, 4)
    shown = np.array([np.count_nonzero(item.mask) / max(item.total, 1) for item in pasted])
    sides = xyxy[:, 2:] - xyxy[:, :2]
    enough = (shown >= LEAST_VISIBLE) & (sides >= SMALLEST_SIDE).all(axis=1)
    return xyxy[enough], xyxy[~enough & (sides > 0).all(axis=1)]


def _still_seen(xyxy: Float32s, pasted: Sequence[Pasted]) -> bool:
    """Tell whether a box of the background still shows most of itself."""
    x0, y0, x1, y1 = (int(value) for value in xyxy)
    covered = sum((np.count_nonzero(item.mask[y0:y1, x0:x1]) for item in pasted), 0)
    return bool(covered < 0.3 * max((x1 - x0) * (y1 - y0), 1))
