"""From bytes to the numbers of a model's input: a table of 256 values for each channel, applied the quickest exact way.

The table says what is right. Where the whole table can be had by adding one number to the bytes (quantized inputs,
mostly) or by one subtraction and one division in float32, that is done instead: all 256 levels of every channel were
compared when the object was made, so the results are the same bits.

    >>> values = PixelValues(rule.values(), rule.mean, rule.std)
    >>> tensor = values.of(canvas, planar=True)                       # (3, h, w) float32
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.resizing import ImageArray

Values = npt.NDArray[np.generic]
LEVELS = np.arange(256, dtype=np.uint8)


class PixelValues:
    """What each of the 256 levels becomes in each channel.

    Attributes:
        table: (3, 256), of the type that the input has.
    """

    def __init__(self, table: Values, mean: Sequence[float], std: Sequence[float]) -> None:
        self.table = table
        self._added = _added(table)
        self._affine = _affine(table, mean, std)

    def of(self, canvas: ImageArray, planar: bool) -> Values:
        """Return the values of a picture.

        Args:
            canvas: (h, w, 3) uint8, channels in the order of the table.
            planar: whether the channels go first.

        Returns:
            (3, h, w) or (h, w, 3) in one piece, of the table's type; it may be the memory of `canvas`.
        """
        pixels = canvas.transpose(2, 0, 1) if planar else canvas
        if self._added is not None:
            return self._by_adding(pixels, self._added)
        if self._affine is not None and (planar or _is_uniform(*self._affine)):
            return _by_arithmetic(pixels, *self._affine)
        return self._by_table(pixels, planar)

    def _by_adding(self, pixels: ImageArray, number: int) -> Values:
        shifted = pixels if number == 0 else pixels + np.uint8(number)  # wraps around, as the comparison did
        return np.ascontiguousarray(shifted).view(self.table.dtype)

    def _by_table(self, pixels: ImageArray, planar: bool) -> Values:
        channels = np.ascontiguousarray(pixels) if planar else pixels.transpose(2, 0, 1)
        found = np.empty(pixels.shape, self.table.dtype)
        into = found if planar else found.transpose(2, 0, 1)
        for channel, values in enumerate(self.table):
            into[channel] = values[channels[channel]]
        return found


def _added(table: Values) -> int | None:
    """Return the number that makes the whole table when it is added to the bytes, or None."""
    if table.dtype.itemsize != 1:
        return None
    stored = table.view(np.uint8)
    first = stored[0, 0]
    return int(first) if (stored == LEVELS + first).all() else None


Affine = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]


def _affine(table: Values, mean: Sequence[float], std: Sequence[float]) -> Affine | None:
    """Return mean and std as float32 (3, 1, 1) where computing in float32 gives the table to the last bit."""
    if table.dtype != np.float32:
        return None
    affine = np.array(mean, np.float32).reshape(3, 1, 1), np.array(std, np.float32).reshape(3, 1, 1)
    computed = _by_arithmetic(np.broadcast_to(LEVELS, (3, 1, 256)), *affine)
    return affine if computed.tobytes() == table.tobytes() else None


def _by_arithmetic(pixels: ImageArray, mean: npt.NDArray[np.float32], std: npt.NDArray[np.float32]) -> Values:
    if _is_uniform(mean, std):
        mean, std = mean[0, 0], std[0, 0]
    values = pixels.astype(np.float32, order="C")
    if mean.any():
        values -= mean
    if (std != 1).any():
        values /= std
    return values


def _is_uniform(mean: npt.NDArray[np.float32], std: npt.NDArray[np.float32]) -> bool:
    return bool((mean == mean[0]).all() and (std == std[0]).all())
