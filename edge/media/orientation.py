"""How a stored picture is turned to be shown: EXIF orientation and the display matrix of a video, as one value.

All eight ways of laying a picture are: swap rows and columns or not, then mirror left-right or not, then mirror
top-bottom or not.

    >>> Turn.from_exif(6).applied(image)        # a phone held upright: a quarter turn clockwise
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.preprocessing import ImageArray


@dataclass(frozen=True)
class Turn:
    """One of the eight ways to lay a picture: first transpose, then mirror the columns, then the rows."""

    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @classmethod
    def from_exif(cls, orientation: object) -> Turn:
        """Return the turn of an EXIF orientation (1..8; anything else is read as 1).

        Source: EXIF 2.32 (CIPA DC-008), tag 0x0112.
        """
        return _EXIF.get(orientation, cls()) if isinstance(orientation, int) else cls()

    @classmethod
    def from_display_matrix(cls, matrix: Sequence[int]) -> Turn:
        """Return the turn nearest to a display matrix.

        Args:
            matrix: nine integers a b u c d v x y w in fixed point, where a stored point (x, y) is shown at
                (a x + c y, b x + d y). Source: ISO/IEC 14496-12, 6.2.2 and the track header box.

        Returns:
            Turns that are not a multiple of 90 degrees become the nearest one that is.
        """
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def applied(self, image: ImageArray) -> ImageArray:
        """Return a picture as it is shown, (H, W, 3) or (W, H, 3), contiguous in memory."""
        turned = image.swapaxes(0, 1) if self.transpose else image
        turned = turned[:, ::-1] if self.mirror_x else turned
        turned = turned[::-1] if self.mirror_y else turned
        return np.ascontiguousarray(turned)

    def size(self, wh: tuple[int, int]) -> tuple[int, int]:
        """Return the shown width and height of a stored width and height."""
        return (wh[1], wh[0]) if self.transpose else wh


_EXIF = {
    2: Turn(mirror_x=True),
    3: Turn(mirror_x=True, mirror_y=True),
    4: Turn(mirror_y=True),
    5: Turn(transpose=True),
    6: Turn(transpose=True, mirror_x=True),
    7: Turn(transpose=True, mirror_x=True, mirror_y=True),
    8: Turn(transpose=True, mirror_y=True),
}


def reduction(width: int, height: int, at_most_pixels: int) -> int:
    """Return the smallest power of two that divides both sides so that the picture has at most so many pixels."""
    factor = 1
    while -(-width // factor) * -(-height // factor) > at_most_pixels:
        factor *= 2
    return factor
