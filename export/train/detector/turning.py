"""Labelled photos turned by any angle, with boxes that stay tight because the outlines of the objects are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from edge.geometry import iou
from export.render.opencv import cv2
from export.train.detector.outlines import Outlines
from export.train.detector.samples import Sample
from export.train.detector.scenes import Mask, bounds

AGREEING = 0.85
"""An outline is believed where its bounds and the labelled box overlap by so much."""


@dataclass(frozen=True)
class Turnable:
    """A labelled photo and the believed outlines (H, W) of its objects, None where there is none."""

    sample: Sample
    outlines: Sequence[Mask | None]


@dataclass(frozen=True)
class TurnedPhotos:
    """A source that turns one of its photos by a chance angle; an object without an outline becomes an ignored region.

    Attributes:
        photos: at least one.
        degrees: largest angle to either side.
    """

    photos: Sequence[Turnable]
    degrees: float = 180.0

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a turned photo, large enough to hold the whole; what is beyond its edges repeats them."""
        photo = self.photos[int(rng.integers(len(self.photos)))]
        height, width = photo.sample.image.shape[:2]
        matrix, size_wh = _turn(width, height, float(rng.uniform(-self.degrees, self.degrees)))
        image = cv2.warpAffine(photo.sample.image, matrix, size_wh, borderMode=cv2.BORDER_REPLICATE)
        known = [_turned_bounds(mask, matrix, size_wh) for mask in photo.outlines if mask is not None]
        unknown = [
            _turned_corners(box, matrix, size_wh)
            for box, mask in zip(photo.sample.xyxy, photo.outlines, strict=True)
            if mask is None
        ]
        boxes, ignored = (np.array(rows, np.float32).reshape(-1, 4) for rows in (known, unknown))
        return Sample(np.asarray(image, np.uint8), boxes, ignored, photo.sample.background_weight)


def turnable(samples: Sequence[Sample], outlines: Outlines) -> list[Turnable]:
    """Return the photos with at least one outline that is believed."""
    photos = []
    for sample, masks in zip(samples, outlines, strict=True):
        pairs = zip(sample.xyxy, masks, strict=True)
        believed = [mask if mask is not None and _agrees(mask, box) else None for box, mask in pairs]
        if any(mask is not None for mask in believed):
            photos.append(Turnable(sample, believed))
    return photos


def _agrees(mask: Mask, box: Float32s) -> bool:
    return bool(iou(bounds(mask)[None], box[None])[0, 0] >= AGREEING)


def _turn(width: int, height: int, degrees: float) -> tuple[npt.NDArray[np.float64], tuple[int, int]]:
    """Return the 2x3 map that turns a picture about its middle into one that holds it, and the size of that one."""
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0), np.float64)
    cosine, sine = np.abs(matrix[0, :2])
    size_wh = round(width * cosine + height * sine), round(width * sine + height * cosine)
    matrix[:, 2] += (np.array(size_wh) - (width, height)) / 2
    return matrix, size_wh


def _turned_bounds(mask: Mask, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int]) -> Float32s:
    return bounds(np.asarray(cv2.warpAffine(mask, matrix, size_wh, flags=cv2.INTER_NEAREST), np.uint8))


def _turned_corners(xyxy: Float32s, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int]) -> Float32s:
    x0, y0, x1, y1 = xyxy.tolist()
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ matrix.T
    inside = np.clip(corners, 0, size_wh)
    return np.concatenate([inside.min(axis=0), inside.max(axis=0)]).astype(np.float32)
