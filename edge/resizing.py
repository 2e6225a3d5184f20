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
STEP_BITS = 8
STEPS = 1 << STEP_BITS
"""A weight is a whole number of these parts: a weighted sum of two bytes then fits into 16 bits."""
VALUES_AT_ONCE = 1 << 17
"""As many 16-bit values as leave room for others in the processor's second cache."""


class _Neighbours(NamedTuple):
    """The two source values of each new value along one side, and their weights in parts of `STEPS`."""

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
    """Blend whole rows, then pick columns of the blended ones, value by value: cheaper than pixels of three bytes.

    A few rows at a time, so that what one step writes is still in the processor's cache for the next.
    """
    width, height = size_wh
    down, across = _neighbours(image.shape[0], height, 1), _neighbours(image.shape[1], width, 3)
    source = image.reshape(len(image), -1)
    resized = np.empty((height, width * 3), np.uint8)
    at_once = max(1, VALUES_AT_ONCE // source.shape[1])
    for start in range(0, height, at_once):
        part = slice(start, start + at_once)
        near, far = source[down.near[part]].astype(np.uint16), source[down.far[part]].astype(np.uint16)
        rows = _blend(near, far, down.near_weight[part, None], down.far_weight[part, None])
        near, far = rows.take(across.near, axis=1), rows.take(across.far, axis=1)
        resized[part] = _blend(near, far, across.near_weight, across.far_weight)
    return resized.reshape(height, width, 3)


def _blend(
    near: npt.NDArray[np.uint16],
    far: npt.NDArray[np.uint16],
    near_weight: npt.NDArray[np.uint16],
    far_weight: npt.NDArray[np.uint16],
) -> npt.NDArray[np.uint16]:
    """Return the weighted mean, rounded half up; computed in the place of `near`, since fresh memory costs more."""
    near *= near_weight
    far *= far_weight
    near += far
    near += STEPS // 2
    near >>= STEP_BITS
    return near


@lru_cache(maxsize=64)
def _neighbours(length: int, into: int, channels: int) -> _Neighbours:
    """Return the neighbours along a side of `length` pixels with so many values each."""
    place = np.clip((np.arange(into) + 0.5) * length / into - 0.5, 0, length - 1)
    near = place.astype(np.intp)
    far = np.minimum(near + 1, length - 1)
    far_weight = np.repeat(np.rint((place - near) * STEPS), channels).astype(np.uint16)
    values = np.arange(channels)
    near, far = ((pixels[:, None] * channels + values).ravel() for pixels in (near, far))
    return _Neighbours(near, far, np.uint16(STEPS) - far_weight, far_weight)
