"""Chance changes to a labelled picture: where it lies in the square input, and how the light and the camera were.

Both functions are pure: the same state of `rng` gives the same result. Text may be mirrored, which does not matter
to a detector; boxes are never rotated but by quarter turns, since the label of a tilted object would no longer be
tight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.detections import Float32s
from edge.geometry import area, clip_xyxy
from export.render.opencv import cv2
from export.train.detector.samples import ImageArray, Sample

PAD_VALUE = 114
LEAST_VISIBLE = 0.35


@dataclass(frozen=True)
class Variety:
    """How far chance may go.

    Attributes:
        zoom: smallest and largest size of the picture against its letterboxed size.
        quarter_turn: chance of a turn by 90, 180 or 270 degrees.
        stretch: largest change of the aspect, as a factor.
    """

    zoom: tuple[float, float] = (0.6, 1.7)
    quarter_turn: float = 0.0
    stretch: float = 1.15


def place(sample: Sample, rng: np.random.Generator, size: int, variety: Variety) -> Sample:
    """Put a picture into a square at a chance size, place and orientation.

    Args:
        sample: any picture with its boxes.
        rng: source of chance.
        size: side of the square in pixels.
        variety: how far chance may go.

    Returns:
        A sample of size x size; boxes that are mostly cut off become ignored regions.
    """
    turned = _turn(sample, rng, variety.quarter_turn)
    height, width = turned.image.shape[:2]
    zoom = np.exp(rng.uniform(*np.log(variety.zoom))) * size / max(height, width)
    stretch = np.exp(rng.uniform(-1, 1) * np.log(variety.stretch) / 2)
    scaled = max(8, round(width * zoom * stretch)), max(8, round(height * zoom / stretch))
    shrinks = scaled[0] < width and scaled[1] < height
    image = cv2.resize(turned.image, scaled, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    offset = rng.random(2) * (size - np.array(scaled))
    left, top = (int(value) for value in np.round(offset))
    canvas = np.full((size, size, 3), PAD_VALUE, np.uint8)
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + scaled[0], size), min(top + scaled[1], size)
    canvas[y0:y1, x0:x1] = image[y0 - top : y1 - top, x0 - left : x1 - left]
    factor = np.tile(np.array(scaled, np.float32) / (width, height), 2)
    shift = np.tile(np.array([left, top], np.float32), 2)

    def moved(xyxy: Float32s) -> Float32s:
        return np.asarray(xyxy * factor + shift, np.float32)

    kept, lost = _cut(moved(turned.xyxy), size)
    ignored = clip_xyxy(moved(turned.ignored_xyxy), (size, size))
    return Sample(canvas, kept, np.concatenate([ignored, lost]), turned.background_weight)


def relight(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Change exposure, contrast, white balance, saturation, focus and noise of a picture by chance.

    Args:
        image: (H, W, 3) uint8 RGB.
        rng: source of chance.

    Returns:
        A new picture of the same size.
    """
    levels = np.arange(256, dtype=np.float32) / 255
    gains = rng.uniform(0.65, 1.35) * rng.uniform(0.9, 1.1, 3)
    curve = np.clip(np.power(levels, np.exp(rng.uniform(-0.4, 0.4)))[:, None] * gains, 0, 1)
    result = cv2.LUT(image, (curve * 255).astype(np.uint8)[None])
    if rng.random() < 0.5:
        grey = cv2.cvtColor(cv2.cvtColor(result, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        keep = float(rng.uniform(0.2, 1.5))
        result = cv2.addWeighted(result, keep, grey, 1 - keep, 0)
    if rng.random() < 0.2:
        result = _blur(result, rng)
    if rng.random() < 0.15:
        noise = rng.normal(0, rng.uniform(3, 14), (*result.shape[:2], 1)).astype(np.int16)
        result = np.clip(result + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.1:
        _, coded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 80))])
        result = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    return np.asarray(result, np.uint8)


def _blur(image: ImageArray, rng: np.random.Generator) -> ImageArray:
    """Blur out of focus, or along a straight motion."""
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.5, 2.2))), np.uint8)
    length = int(rng.integers(3, 12))
    kernel = np.zeros((length, length), np.float32)
    ends = rng.integers(0, length, (2, 2)).tolist()
    cv2.line(kernel, tuple(ends[0]), tuple(ends[1]), 1.0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()), np.uint8)


def _turn(sample: Sample, rng: np.random.Generator, quarter_turn: float) -> Sample:
    """Mirror by a coin, and turn by quarters now and then."""
    image, boxes, ignored = sample.image, sample.xyxy, sample.ignored_xyxy
    if rng.random() < 0.5:
        width = image.shape[1]
        image, boxes, ignored = cv2.flip(image, 1), _mirror(boxes, width), _mirror(ignored, width)
    for _ in range(int(rng.integers(1, 4)) if rng.random() < quarter_turn else 0):
        width = image.shape[1]
        image, boxes, ignored = np.rot90(image), _rot90(boxes, width), _rot90(ignored, width)
    return Sample(np.ascontiguousarray(image), boxes, ignored, sample.background_weight)


def _mirror(xyxy: Float32s, width: int) -> Float32s:
    return np.stack([width - xyxy[:, 2], xyxy[:, 1], width - xyxy[:, 0], xyxy[:, 3]], 1).astype(np.float32)


def _rot90(xyxy: Float32s, width: int) -> Float32s:
    """Follow `np.rot90` (counter-clockwise) of a picture that was `width` wide."""
    return np.stack([xyxy[:, 1], width - xyxy[:, 2], xyxy[:, 3], width - xyxy[:, 0]], 1).astype(np.float32)


def _cut(xyxy: Float32s, size: int) -> tuple[Float32s, Float32s]:
    """Clip boxes to the square, and part those that still show enough from those that do not."""
    clipped = clip_xyxy(xyxy, (size, size))
    visible = area(clipped) / np.maximum(area(xyxy), 1e-6)
    enough = (visible >= LEAST_VISIBLE) & (clipped[:, 2:] - clipped[:, :2] >= 6).all(axis=1)
    return clipped[enough], clipped[~enough & (area(clipped) > 0)]
