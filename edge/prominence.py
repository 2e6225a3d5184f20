"""What a photo is about: its main object, and what is only a part of another object.

Whoever takes a photo of a product puts it into the middle, and near. So the objects of a photo are ordered by
prominence, and the first of them is its main object; ML Kit's single-object mode keeps "the most prominent object"
likewise (developers.google.com/ml-kit/vision/object-detection). The rule, for a box of confidence c that covers the
share a of the picture and whose centre lies d off the middle, in shares of the picture's sides:

    prominence = c * a^(1/4) * exp(-(d / 0.15)^2 / 2)

A main object in the middle is also seen together with its surroundings, as a person aims at it: they hold what a tight
box cuts off, and the neighbours on a shelf, which often are the same product. Frames of a video have no main object: a
camera that pans puts anything into the middle.

    >>> found = by_prominence(detector.detect(image), (width, height))
    >>> is_aimed_at(found.xyxy[0], (width, height))
    True
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.detections import Detections, Float32s
from edge.geometry import area, iou, share_inside

MIDDLE_SHARE = 0.7
SIZE_EXPONENT = 0.25
OFF_MIDDLE = 0.15
AIMED_AT_IOU = 0.3
PART_SHARE = 0.8


def prominence(detections: Detections, resolution_wh: tuple[int, int]) -> Float32s:
    """Return the (n,) prominences, 0..1, of what was found in a picture of this width and height in pixels."""
    centre = (detections.xyxy[:, :2] + detections.xyxy[:, 2:]) / 2
    wh = np.array(resolution_wh, np.float64)
    off = centre / wh - 0.5
    nearness = np.exp(-(off * off).sum(axis=1) / (2 * OFF_MIDDLE**2))
    size = (area(detections.xyxy) / wh.prod()) ** SIZE_EXPONENT
    return np.asarray(detections.confidence * size * nearness, np.float32)


def by_prominence(detections: Detections, resolution_wh: tuple[int, int]) -> Detections:
    """Return the detections with the main object first; equal ones keep their order."""
    return detections[np.argsort(-prominence(detections, resolution_wh), kind="stable")]


def middle_box(resolution_wh: tuple[int, int], share: float = MIDDLE_SHARE) -> Float32s:
    """Return float32 (1, 4): the box of this share of each side in the middle of a picture."""
    width, height = resolution_wh
    low, high = (1 - share) / 2, (1 + share) / 2
    return np.array([[low * width, low * height, high * width, high * height]], np.float32)


def is_aimed_at(xyxy: Float32s, resolution_wh: tuple[int, int]) -> bool:
    """Return whether a box (4,) and the middle of the picture are much the same place."""
    return bool(iou(xyxy[None], middle_box(resolution_wh))[0, 0] >= AIMED_AT_IOU)


def surroundings(xyxy: Float32s, resolution_wh: tuple[int, int]) -> Float32s:
    """Return float32 (1, 4): a window around a box (4,), moved into the picture, as large as the middle or the box."""
    wh = np.array(resolution_wh, np.float32)
    side = np.minimum(np.maximum(xyxy[2:] - xyxy[:2], MIDDLE_SHARE * wh), wh)
    near = np.clip((xyxy[:2] + xyxy[2:] - side) / 2, 0, wh - side)
    return np.asarray(np.concatenate([near, near + side])[None], np.float32)


def parts(
    xyxy: Float32s, product: npt.NDArray[np.integer], similarity: npt.NDArray[np.floating]
) -> npt.NDArray[np.bool_]:
    """Tell which answers are only about a part of another object: a cap, a label, a picture printed on a carton.

    Args:
        xyxy: (n, 4) boxes of one photo.
        product: (n,) what each is taken for; any number that tells products apart.
        similarity: (n,) how like that product it is.

    Returns:
        (n,) true where a box lies within that of another product which is more similar.
    """
    within = share_inside(xyxy, xyxy) >= PART_SHARE
    outdone = (product[:, None] != product[None]) & (similarity[:, None] < similarity[None])
    return np.asarray((within & outdone).any(axis=1))
