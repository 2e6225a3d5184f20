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

Points = npt.NDArray[np.float64]
AGREEING = 0.85
"""An outline is believed where its bounds and the labelled box overlap by so much."""


@dataclass(frozen=True)
class Turnable:
    """A labelled photo and its objects as points (n, 2) in pixels.

    Attributes:
        sample: the photo.
        outlines: corners of the convex hulls of the objects whose outline is believed.
        unknown: corners of the boxes of the others.
    """

    sample: Sample
    outlines: Sequence[Points]
    unknown: Sequence[Points]


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
        known, unknown = (
            np.array([_bounds(points, matrix, size_wh) for points in some], np.float32).reshape(-1, 4)
            for some in (photo.outlines, photo.unknown)
        )
        return Sample(np.asarray(image, np.uint8), known, unknown, photo.sample.background_weight)


def turnable(samples: Sequence[Sample], outlines: Outlines) -> list[Turnable]:
    """Return the photos with at least one outline that is believed."""
    photos = []
    for sample, masks in zip(samples, outlines, strict=True):
        pairs = list(zip(sample.xyxy, masks, strict=True))
        believed = [_hull(mask) for box, mask in pairs if mask is not None and _agrees(mask, box)]
        others = [_corners(box) for box, mask in pairs if mask is None or not _agrees(mask, box)]
        if believed:
            photos.append(Turnable(sample, believed, others))
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


def _hull(mask: Mask) -> Points:
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    corners = cv2.convexHull(np.concatenate(outlines)).reshape(-1, 2) + 0.5
    return np.concatenate([corners + np.array([dx, dy]) for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)])


def _corners(xyxy: Float32s) -> Points:
    return xyxy.astype(np.float64)[[[0, 1], [2, 1], [2, 3], [0, 3]]]


def _bounds(points: Points, matrix: npt.NDArray[np.float64], size_wh: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return the xyxy of points that were moved, inside the picture."""
    moved = np.clip(points @ matrix[:, :2].T + matrix[:, 2], 0, size_wh)
    return np.concatenate([moved.min(axis=0), moved.max(axis=0)])
