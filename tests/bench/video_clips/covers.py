"""What hides products: the hand that holds one, a sleeve or a board that passes in front of everything.

Each is painted onto the picture, and where it was painted is returned.

>>> arm = Arm.of(script, "left", centre, height, aspect)
>>> covered = arm.behind(image)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from edge.preprocessing import ImageArray
from tests.bench.video_clips.script import Cover, Script, Side

Mask = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
SKINS = ((226, 178, 150), (198, 146, 112), (141, 94, 66), (92, 60, 44))
SLEEVES = ((60, 70, 96), (120, 46, 50), (70, 92, 70), (190, 186, 176))
BOARD = (176, 142, 100)


@dataclass(frozen=True)
class Arm:
    """A hand at a product: `root` is where the arm leaves the frame, `palm` where the hand is, pixels."""

    root: tuple[float, float]
    palm: tuple[float, float]
    toward: tuple[float, float]
    thick: float
    skin: tuple[int, int, int]
    sleeve: tuple[int, int, int]

    @classmethod
    def of(cls, script: Script, side: Side, centre: Floats, height: float, aspect: float) -> Arm:
        rng = np.random.default_rng([script.seed, 802])
        skin, sleeve = SKINS[int(rng.integers(4))], SLEEVES[int(rng.integers(4))]
        wide, tall = script.resolution_wh
        half = height * min(aspect, 1.2) * 0.42
        at = {"left": (-half, 0.12 * height), "right": (half, 0.12 * height), "below": (0.0, 0.42 * height)}[side]
        palm = centre[0] + at[0], centre[1] + at[1]
        out = {"left": -0.35 * wide, "right": 0.35 * wide, "below": 0.12 * wide}[side]
        toward = {"left": (1.0, 0.0), "right": (-1.0, 0.0), "below": (0.25, -1.0)}[side]
        root = palm[0] + out, max(palm[1] + 0.6 * tall, tall * 1.15)
        return cls(root, palm, toward, min(height * 0.2, 0.17 * tall), skin, sleeve)

    def behind(self, image: ImageArray) -> Mask:
        """Paint forearm and palm, which the product will cover, and return where."""
        mask = np.zeros(image.shape[:2], np.uint8)
        wrist = tuple(p + 0.35 * (r - p) for p, r in zip(self.palm, self.root, strict=True))
        _stroke(image, mask, self.root, wrist, self.thick * 1.5, self.sleeve)
        _stroke(image, mask, wrist, self.palm, self.thick, self.skin)
        return mask

    def front(self, image: ImageArray) -> Mask:
        """Paint the fingers, which lie over the product, and return where."""
        mask = np.zeros(image.shape[:2], np.uint8)
        x, y = self.toward
        for finger in range(4):
            off = (finger - 1.5) * self.thick * 0.36
            start = self.palm[0] - y * off, self.palm[1] + x * off
            length = self.thick * (0.95 - 0.12 * abs(finger - 1.3))
            shade = tuple(int(v * (0.9 + 0.05 * finger)) for v in self.skin)
            _stroke(image, mask, start, (start[0] + x * length, start[1] + y * length), self.thick * 0.32, shade)
        return mask


def _stroke(
    image: ImageArray,
    mask: Mask,
    start: tuple[float, ...],
    end: tuple[float, ...],
    thick: float,
    colour: tuple[int, ...],
) -> None:
    """Draw a round-ended bar, darker along one edge, onto the picture and the mask."""
    ends = [tuple(int(np.clip(v, -4000, 4000) * 16) for v in point) for point in (start, end)]
    for picture, value in ((mask, 255), (image, tuple(int(v * 0.75) for v in colour))):
        cv2.line(picture, ends[0], ends[1], value, max(1, round(thick)), cv2.LINE_AA, 4)
    inner = [(x - int(thick * 1.6), y - int(thick * 1.6)) for x, y in ends]
    cv2.line(image, inner[0], inner[1], colour, max(1, round(thick * 0.72)), cv2.LINE_AA, 4)


def paint_cover(image: ImageArray, script: Script, cover: Cover, time_s: float) -> Mask:
    """Paint what passes in front of everything, where it is at a time, and return where that is."""
    wide, tall = script.resolution_wh
    share = (time_s - cover.start_s) / (cover.end_s - cover.start_s)
    x, y = ((a + share * (b - a)) * side for a, b, side in zip(cover.from_xy, cover.to_xy, (wide, tall), strict=True))
    rng = np.random.default_rng([script.seed, 803])
    colour = SLEEVES[int(rng.integers(4))]
    mask = np.zeros(image.shape[:2], np.uint8)
    size = cover.size * tall
    if cover.kind == "sleeve":
        _stroke(image, mask, (x, y), (x + 0.2 * wide, tall * 1.3), size, colour)
    else:
        corners = np.array([[-0.5, -0.6], [0.5, -0.56], [0.54, 0.6], [-0.48, 0.57]]) * size + (x, y)
        outline = np.round(corners * 16).astype(np.int32)
        cv2.fillConvexPoly(image, outline, BOARD, cv2.LINE_AA, 4)
        cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_AA, 4)
    return mask
