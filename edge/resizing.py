"""Pictures to another size: with Pillow's widened triangle filter, or from two by two pixels only.

`antialias=True` is the kit's rule: each new pixel is the weighted mean of all the pixels that it covers.
`antialias=False` reads two pixels in each direction however much it shrinks, as `tf.image.resize`, `cv2.resize` and
MediaPipe do: for models that were trained so, and for those who would rather have the time. Both align the outer edges
of the pictures.

    >>> small = resize(image, (300, 300), antialias=False)      # (300, 300, 3) uint8
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

ImageArray = npt.NDArray[np.uint8]
STEPS = 256
"""A weight is a whole number of these parts: a weighted sum of two bytes then fits into 16 bits."""


class _Neighbours(NamedTuple):
    """The two source pixels of each new pixel along one side, and their weights in parts of `STEPS`."""

    near: npt.NDArray[np.intp]
    far: npt.NDArray[np.intp]
    near_weight: npt.NDArray[np.uint16]
    far_weight: npt.NDArray[np.uint16]


def resize(image: ImageArray, size_wh: tuple[int, int], antialias: bool = True) -> ImageArray:
    """Resize a picture.

    Args:
        image: (H, W, 3) uint8, H and W at least 1.
        size_wh: width and height to have, at least 1.
        antialias: whether pixels between those that are read count when it shrinks.

    Returns:
        (h, w, 3) uint8; `image` itself where it has that size.
    """
    if (image.shape[1], image.shape[0]) == size_wh:
        return image
    if antialias:
        return np.asarray(Image.fromarray(image).resize(size_wh, Image.Resampling.BILINEAR))
    return _two_by_two(image, size_wh)


def _two_by_two(image: ImageArray, size_wh: tuple[int, int]) -> ImageArray:
    """Blend rows, then columns: whole rows are copied in one go, and single pixels picked only from blended ones."""
    width, height = size_wh
    down, across = _neighbours(image.shape[0], height), _neighbours(image.shape[1], width)
    near, far = (image[rows].reshape(height, -1).astype(np.uint16) for rows in (down.near, down.far))
    blended = _blend(near, far, down.near_weight[:, None], down.far_weight[:, None]).reshape(height, -1, 3)
    near, far = (blended.take(columns, axis=1).reshape(height, -1).astype(np.uint16) for columns in across[:2])
    return _blend(near, far, *(np.repeat(weight, 3) for weight in across[2:])).reshape(height, width, 3)


def _blend(
    near: npt.NDArray[np.uint16],
    far: npt.NDArray[np.uint16],
    near_weight: npt.NDArray[np.uint16],
    far_weight: npt.NDArray[np.uint16],
) -> ImageArray:
    """Return the weighted mean, rounded half up; computed in the place of `near`, since fresh memory costs more."""
    near *= near_weight
    far *= far_weight
    near += far
    near += STEPS // 2
    near //= STEPS
    return near.astype(np.uint8)


@lru_cache(maxsize=64)
def _neighbours(length: int, into: int) -> _Neighbours:
    place = np.clip((np.arange(into) + 0.5) * length / into - 0.5, 0, length - 1)
    near = place.astype(np.intp)
    far_weight = np.rint((place - near) * STEPS).astype(np.uint16)
    return _Neighbours(near, np.minimum(near + 1, length - 1), np.uint16(STEPS) - far_weight, far_weight)
