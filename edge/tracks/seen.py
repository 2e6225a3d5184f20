"""What is known of one detection in one look: its box and the numbers that association and quality need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from edge.preprocessing import ImageArray
from edge.tags import Box

SIDE = 64
"""A crop is brought to 64 x 64 values before it is measured."""
PATCH = 8
"""A patch is 8 x 8 numbers."""
BORDER_SHARE = 0.005
"""A box that comes nearer to the border than this share of the picture's side is cut by it."""
CUT_FACTOR = 0.25
FULL_SIDE = 160.0
"""Pixels of the shorter side of a box beyond which more pixels do not help."""

Patch = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """One detection.

    Attributes:
        xyxy: box in pixels of the source as it is shown.
        confidence: the detector's, 0..1.
        sharpness: mean step between neighbouring pixels, 0..255; see `measure`.
        patch: float64 (64,), how light its 8 x 8 places are, 0..255, row by row; None where it was not measured.
    """

    xyxy: Box
    confidence: float
    sharpness: float = 0.0
    patch: Patch | None = None


def measure(crop: ImageArray) -> tuple[float, Patch]:
    """Return sharpness and patch of a crop.

    Of the crop's green values, which carry most of its brightness, 64 x 64 means are taken. Its sharpness is the mean
    absolute step from one of them to its right and to its lower neighbour, which blur takes away.

    Args:
        crop: (h, w, 3) uint8 RGB.
    """
    green = Image.fromarray(np.ascontiguousarray(crop[:, :, 1])).resize((SIDE, SIDE), Image.Resampling.BOX)
    grey = np.asarray(green, np.int16)
    across, down = np.abs(np.diff(grey, axis=1)).mean(), np.abs(np.diff(grey, axis=0)).mean()
    step = SIDE // PATCH
    patch = grey.reshape(PATCH, step, PATCH, step).mean(axis=(1, 3)).reshape(-1)
    return float(across + down) / 2, patch


def likeness(a: Patch | None, b: Patch | None) -> float:
    """Return the correlation of two patches, -1..1; 1 where one is missing or has no contrast."""
    if a is None or b is None:
        return 1.0
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / length if length > 0 else 1.0


def is_cut(xyxy: Box, resolution_wh: tuple[int, int]) -> bool:
    """Return whether the border of the picture may hide a part of the object."""
    width, height = resolution_wh
    near_x, near_y = BORDER_SHARE * width, BORDER_SHARE * height
    x0, y0, x1, y1 = xyxy
    return x0 < near_x or y0 < near_y or x1 > width - near_x or y1 > height - near_y


def quality(seen: Seen, resolution_wh: tuple[int, int]) -> float:
    """Return how well an object is seen; only values of one track are compared."""
    x0, y0, x1, y1 = seen.xyxy
    size = min(1.0, min(x1 - x0, y1 - y0) / FULL_SIDE)
    whole = CUT_FACTOR if is_cut(seen.xyxy, resolution_wh) else 1.0
    return seen.confidence * size * seen.sharpness * whole
