"""Find keypoints in a picture, with OpenCV, which is an extra.

OpenCV's type stubs tell a checker nothing, so the module is passed on untyped.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import numpy as np
from PIL import Image

from edge.errors import MissingExtra
from edge.keypoints import NUMBERS, Keypoints
from edge.preprocessing import ImageArray

VIEW_SIDE = 256
CROP_SIDE = 200
CROP_KEYPOINTS = 400
CONTRAST = 0.03
EXTRA = "second-look"


def is_installed() -> bool:
    """Return whether OpenCV is there."""
    return importlib.util.find_spec("cv2") is not None


def find_keypoints(image: ImageArray, side: int, most: int) -> Keypoints:
    """Find the keypoints of a picture, strongest first.

    Args:
        image: (H, W, 3) uint8 RGB.
        side: a picture whose longer side has more pixels is made smaller first.
        most: how many are kept.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = _opencv()
    picture = Image.fromarray(np.ascontiguousarray(image))
    scale = side / max(picture.size)
    if scale < 1:
        smaller = [max(1, round(pixels * scale)) for pixels in picture.size]
        picture = picture.resize((smaller[0], smaller[1]), Image.Resampling.BILINEAR)
    grey = cv2.cvtColor(np.array(picture), cv2.COLOR_RGB2GRAY)
    found, sift = cv2.SIFT_create(nfeatures=most, contrastThreshold=CONTRAST).detectAndCompute(grey, None)
    if not found:
        nothing = np.zeros(0, np.float32)
        return Keypoints(nothing.reshape(0, 2), nothing, nothing, np.zeros((0, NUMBERS), np.int8))
    order = sorted(range(len(found)), key=lambda i: -found[i].response)[:most]
    longer = max(picture.size)
    place = np.array([found[i].pt for i in order], np.float32) / longer
    size = np.array([found[i].size for i in order], np.float32) / longer
    angle = np.deg2rad(np.array([found[i].angle for i in order], np.float32)).astype(np.float32)
    return Keypoints.from_descriptors(place.astype(np.float32), size.astype(np.float32), angle, sift[order])


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as e:
        raise MissingExtra("OpenCV, which the second look finds keypoints with,", EXTRA) from e
