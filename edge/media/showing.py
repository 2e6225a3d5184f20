"""From a decoded video frame to the picture that a player would show: colours, pixel aspect, rotation, size.

Pixels that are not square are made square as browsers do it: the shorter side is stretched, never the other shrunk, so
that a box refers to the same pixels in both. Colours follow the stream's own tags; without a tag BT.709 is taken from
720 rows on and BT.601 below, as players do. High dynamic range is not tone-mapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from PIL import Image

from edge.media.orientation import Turn, reduction
from edge.media.pictures import FULL_SIZE_PIXELS
from edge.preprocessing import ImageArray

if TYPE_CHECKING:
    from av import VideoFrame

# Matrix coefficients of ITU-T H.273, table 4, to swscale's names.
_COLORSPACES = {1: "ITU709", 9: "BT2020", 10: "BT2020", 5: "ITU601", 6: "ITU601", 7: "SMPTE240M", 4: "FCC"}
_UNTAGGED_HD_ROWS = 720
_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray"})
"""Formats whose first plane holds one byte of brightness for each pixel."""
GREY_SIDE = 64


@dataclass(frozen=True)
class Showing:
    """How the frames of one stream become pictures.

    Attributes:
        square_wh: width and height once pixels are square, before turning.
        read_wh: the size that is converted to: `square_wh`, or less for frames above `FULL_SIZE_PIXELS`.
        turn: how the picture is then laid.
    """

    square_wh: tuple[int, int]
    read_wh: tuple[int, int]
    turn: Turn

    @classmethod
    def of(cls, frame: VideoFrame, pixel_aspect: Fraction | None) -> Showing:
        """Tell it from a stream's first frame and its sample aspect ratio (width of a pixel over its height)."""
        width, height = square_size(frame.width, frame.height, pixel_aspect)
        factor = reduction(width, height, FULL_SIZE_PIXELS)
        return cls((width, height), (-(-width // factor), -(-height // factor)), _turn_of(frame))

    @property
    def resolution_wh(self) -> tuple[int, int]:
        """Width and height as they are shown."""
        return self.turn.size(self.square_wh)

    @property
    def longer_side(self) -> int:
        """Pixels of the longer side of a whole picture."""
        return max(self.read_wh)

    def picture(self, frame: VideoFrame, least_side: int | None = None) -> ImageArray:
        """Convert a frame to (H, W, 3) uint8 RGB; frames of another size than the first are brought to its size.

        Args:
            frame: a decoded frame.
            least_side: pixels that suffice for the longer side: a picture of at least twice as many is divided by a
                whole number, its pixels means of those that they cover.
        """
        width, height = self.read_wh
        divisor = max(1, self.longer_side // least_side) if least_side else 1
        width, height = -(-width // divisor), -(-height // divisor)
        rgb = frame.reformat(
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=_colorspace_of(frame),
            dst_colorspace="DEFAULT",
            interpolation="AREA" if width < frame.width else "BILINEAR",
        )
        return self.turn.applied(cast(ImageArray, rgb.to_ndarray()))


def small_grey(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """Return a frame in small and grey, as it is stored: uint8 (h, w), the longer side 64 cells.

    Of a large frame not every pixel is read: some 16 for each cell.
    """
    scale = GREY_SIDE / max(frame.width, frame.height)
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    if frame.format.name not in _LUMA_FIRST:
        return cast(ImageArray, frame.reformat(*size, format="gray", interpolation="AREA").to_ndarray())
    plane = frame.planes[0]
    whole = Image.frombuffer("L", (frame.width, frame.height), bytes(plane), "raw", "L", plane.line_size, 1)
    fine = whole.resize((size[0] * 4, size[1] * 4), Image.Resampling.NEAREST)
    return np.asarray(fine.reduce(4))


def square_size(width: int, height: int, pixel_aspect: Fraction | None) -> tuple[int, int]:
    """Return the size of a picture once its pixels are square; an absurd aspect (beyond 1:10) is taken as 1."""
    if not pixel_aspect or not Fraction(1, 10) <= pixel_aspect <= 10:
        return width, height
    if pixel_aspect >= 1:
        return round(width * pixel_aspect), height
    return width, round(height / pixel_aspect)


def _turn_of(frame: VideoFrame) -> Turn:
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    return Turn.from_display_matrix(np.frombuffer(bytes(matrix), np.int32).tolist()) if matrix else Turn()


def _colorspace_of(frame: VideoFrame) -> str:
    untagged = "ITU709" if frame.height >= _UNTAGGED_HD_ROWS else "ITU601"
    return _COLORSPACES.get(int(frame.colorspace), untagged)
