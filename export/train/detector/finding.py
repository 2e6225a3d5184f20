"""Boxes for photos whose product is known: its catalogue picture is found in the photo by local features.

Role: labels without a labeller. A photo that is known to show a product, and that product's packshot, are matched by
root-SIFT (Lowe 2004; Arandjelovic and Zisserman 2012) with the ratio test; an affine map that enough matches agree on
carries the outline of the packshot into the photo. Photos without such a map get no box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from export.render.opencv import cv2
from export.train.detector.cutting import off_white
from export.train.detector.samples import ImageArray
from export.train.detector.scenes import Cutout

RATIO, LEAST_AGREEING, REACH_PX = 0.8, 9, 6.0
ENLARGED_TO = 640
ROOM = np.array([0.2, 2.0])


@dataclass(frozen=True)
class Found:
    """Where a packshot lies in a photo: `outline` (n, 2) in its pixels, its box clipped to it, agreeing matches."""

    outline: Float32s
    xyxy: Float32s
    agreeing: int


def find_product(packshot: ImageArray, photo: ImageArray) -> Found | None:
    """Find a product's packshot in a photo.

    Args:
        packshot: (H, W, 3) uint8 RGB on white.
        photo: (H, W, 3) uint8 RGB.

    Returns:
        Where it lies, or None where too few local features agree or the map is implausible.
    """
    product = off_white(packshot)
    if product is None:
        return None
    (points_a, features_a), (points_b, features_b) = _features(_on_grey(product)), _features(photo)
    pairs = _pairs(features_a, features_b)
    if len(pairs) < LEAST_AGREEING:
        return None
    reach = REACH_PX * max(photo.shape[:2]) / ENLARGED_TO
    view, agrees = cv2.estimateAffine2D(
        points_a[pairs[:, 0]], points_b[pairs[:, 1]], ransacReprojThreshold=reach, maxIters=4000, confidence=0.999
    )
    agreeing = 0 if agrees is None else int(agrees.sum())
    if agreeing < LEAST_AGREEING or not _plausible(view):
        return None
    front = _front(product[:, :, 3], points_a[pairs[agrees.ravel() > 0, 0]])
    outlines, _ = cv2.findContours(front, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(outlines, key=cv2.contourArea).reshape(-1, 2) @ view[:, :2].T + view[:, 2]
    limit = np.array(photo.shape[1::-1])
    box = np.concatenate([outline.min(axis=0).clip(0, limit), outline.max(axis=0).clip(0, limit)])
    return Found(outline.astype(np.float32), box.astype(np.float32), agreeing)


def _front(alpha: npt.NDArray[np.uint8], agreeing: Float32s) -> npt.NDArray[np.uint8]:
    """Cut the outline of a packshot to the side that its matched features lie on.

    A carton shows two sides on its packshot; the map that holds for one sends the other astray.
    """
    low, high = agreeing.min(axis=0), agreeing.max(axis=0)
    room = (high - low) * ROOM
    (x0, y0), (x1, y1) = np.maximum(low - room, 0).astype(int), np.ceil(high + room).astype(int)
    outlines, _ = cv2.findContours(alpha, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.fillConvexPoly(np.zeros_like(alpha), cv2.convexHull(np.concatenate(outlines)), 255)
    front = np.zeros_like(alpha)
    front[y0:y1, x0:x1] = np.asarray(hull, np.uint8)[y0:y1, x0:x1]
    return front


def _features(image: ImageArray) -> tuple[Float32s, Float32s]:
    """Return key points in pixels of the image and their root-SIFT vectors."""
    scale = ENLARGED_TO / max(image.shape[:2])
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    points, vectors = cv2.SIFT_create(contrastThreshold=0.02).detectAndCompute(grey, None)
    if vectors is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    rooted = np.sqrt(vectors / np.maximum(vectors.sum(axis=1, keepdims=True), 1e-6))
    return np.array([p.pt for p in points], np.float32) / np.float32(scale), rooted.astype(np.float32)


def _pairs(a: Float32s, b: Float32s) -> npt.NDArray[np.intp]:
    """Return (n, 2) rows of a and b that match clearly better than the second best."""
    if len(a) == 0 or len(b) < 2:
        return np.zeros((0, 2), np.intp)
    similarity = a @ b.T
    best = np.argpartition(-similarity, 1, axis=1)[:, :2]
    top = np.take_along_axis(similarity, best, 1)
    order = np.argsort(-top, axis=1)
    best, top = np.take_along_axis(best, order, 1), np.take_along_axis(top, order, 1)
    distance = np.sqrt(np.maximum(2 - 2 * top, 0))
    rows = np.flatnonzero(distance[:, 0] < RATIO * distance[:, 1])
    return np.stack([rows, best[rows, 0]], axis=1)


def _plausible(view: npt.NDArray[np.float64] | None) -> bool:
    """Tell whether a map neither mirrors nor flattens a product nor makes it tiny or huge."""
    if view is None:
        return False
    long, short = np.linalg.svd(view[:, :2], compute_uv=False)
    return bool(np.linalg.det(view[:, :2]) > 0 and short > 0.35 * long and 0.25 < long < 5)


def _on_grey(cutout: Cutout) -> ImageArray:
    alpha = cutout[:, :, 3:].astype(np.float32) / 255
    return (cutout[:, :, :3] * alpha + 114 * (1 - alpha)).astype(np.uint8)
