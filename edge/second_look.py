"""A second look at the first few answers: what is printed on the product, mark by mark.

An embedder nearly always has the right product among its first five, and cannot always tell it from its sister: the
same carton in another flavour. Marks can: small places whose look survives turning and scaling (SIFT: Lowe 2004,
IJCV 60(2); compared by square root as in Arandjelović and Zisserman 2012, CVPR). A mark of the packshot counts as
found if its nearest mark of the crop is clearly nearer than the second. Two or three are found between any two
pictures; the number beyond that is evidence, added to the similarity by its logarithm: the first few marks say much,
the next hundred little more. Things without print, such as fruit, have few marks in common and so lose little.

Finding marks needs OpenCV, an extra; comparing them needs numpy alone. What a catalogue's packshots have in marks is
found once, where it is built: at most 120 marks of 128 bytes a view.

    >>> query = find_marks(crop, CROP_SIDE, CROP_MARKS)
    >>> similarity + evidence(query, [pack.get(key) for key in keys_of_the_first_five])
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from edge.errors import MissingExtra
from edge.preprocessing import ImageArray

Marks = npt.NDArray[np.uint8]
"""(n, 128) uint8: one row a mark, the square root of its SIFT descriptor, its length about 255."""

MARK_BYTES = 128
CROP_SIDE, CROP_MARKS = 300, 300
VIEW_SIDE, VIEW_MARKS = 198, 120
FAINTEST = 0.02
NEARER = 0.8
BY_CHANCE = 3
WEIGHT = 0.15


def find_marks(image: ImageArray, side: int, most: int) -> Marks:
    """Find the marks of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        side: the picture is scaled so that its longer side has so many pixels.
        most: the clearest so many are kept.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = _opencv()
    height, width = image.shape[:2]
    scale = side / max(height, width)
    wh = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, wh, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    _, found = cv2.SIFT_create(nfeatures=most, contrastThreshold=FAINTEST).detectAndCompute(grey, None)
    return no_marks() if found is None else as_marks(found[:most])


def as_marks(descriptors: Float32s) -> Marks:
    """Turn SIFT descriptors (n, 128), at least 0, into marks."""
    share = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray(np.round(np.sqrt(share) * 255), np.uint8)


def no_marks() -> Marks:
    """Return the marks of a picture that has none: (0, 128)."""
    return np.zeros((0, MARK_BYTES), np.uint8)


def evidence(crop: Marks, views: Sequence[Marks | None]) -> Float32s:
    """Say how much the crop's marks speak for each candidate.

    Args:
        crop: marks of the crop.
        views: marks of each candidate's view; None where the pack has none, which is no evidence.

    Returns:
        float32 (candidates,), at least 0, to be added to their similarities before they are put in order.
    """
    found = np.array([0 if view is None else shared_marks(crop, view) for view in views], np.float32)
    return np.asarray(WEIGHT * np.log1p(np.maximum(found - BY_CHANCE, 0)), np.float32)


def shared_marks(crop: Marks, view: Marks) -> int:
    """Count the marks of the crop that are some mark's of the view, and clearly so."""
    if len(crop) < 2 or not len(view):
        return 0
    similarity = _unit(view) @ _unit(crop).T
    first = similarity.argmax(axis=1)
    row = np.arange(len(view))
    nearest = similarity[row, first]
    similarity[row, first] = -1
    clear = 1 - nearest < NEARER**2 * (1 - similarity.max(axis=1))
    return len(np.unique(first[clear]))


def _unit(marks: Marks) -> Float32s:
    rows = marks.astype(np.float32)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as e:
        raise MissingExtra("OpenCV, which finds the marks for a second look,", "second-look") from e
