"""Still pictures: JPEG, PNG, WebP, BMP and GIF (the first picture of an animation), told by content, not by name.

Whatever the file holds (greyscale, palette, CMYK, 16 bits, alpha, an EXIF orientation) becomes 8-bit RGB as it is
shown; 16 bits are scaled, transparent parts lie on white. Colour profiles are not applied.

Memory is bounded. A picture above its format's limit in `LARGEST_PIXELS` is refused by its header, before anything
is decoded. One above `FULL_SIZE_PIXELS` is read at a half, a quarter or an eighth of its width and height (JPEG:
while decoding; others: in bands, after decoding); `resolution_wh` stays the size of the original, and the pipeline
scales boxes from the read picture to it. Measured peaks for 50 megapixels: JPEG 96 MiB (progressive 192), PNG and BMP
244, GIF 95, WebP 767, whose decoder holds the picture four times.

    >>> with PictureSource("photo.jpg") as source:
    ...     (frame,) = source.frames(every_s=0)
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast

import numpy as np
from PIL import Image, ImageFile

from edge.errors import MediaError
from edge.media.content import content_id, first_bytes, picture_format, unread_picture_format
from edge.media.frame import Frame
from edge.media.orientation import Turn, reduction
from edge.preprocessing import ImageArray

FULL_SIZE_PIXELS = 16_000_000
"""Up to so many pixels a picture is read at full size."""

LARGEST_PIXELS = {"JPEG": 220_000_000, "PNG": 120_000_000, "BMP": 120_000_000, "GIF": 120_000_000, "WEBP": 60_000_000}
"""More pixels than this are refused: above the largest phone cameras (200 and 108 megapixels), below a bomb."""

_PLUGINS = {
    "JPEG": ("JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PngImagePlugin", "PngImageFile"),
    "BMP": ("BmpImagePlugin", "BmpImageFile"),
    "GIF": ("GifImagePlugin", "GifImageFile"),
    "WEBP": ("WebPImagePlugin", "WebPImageFile"),
}
_BAND_ROWS = 256
_ORIENTATION_TAG = 0x0112


class PictureSource:
    """A picture as a source of one frame; see `edge.media.frame.Source`.

    The header is read when it is opened, the pixels when `frames` is read.

    Raises:
        MediaError: the file cannot be read, is no picture of a known format, or declares too many pixels; and, when
            `frames` is read, its content is damaged or cut.
    """

    kind: Literal["image", "video"] = "image"
    duration_s: float | None = None
    partial = False
    error: str | None = None

    def __init__(self, path: str) -> None:
        self.path = path
        self.frames_decoded = 0
        self._format = _known_format(path)
        with _opened(path, self._format) as picture:
            self._turn = _turn_of(picture)
            self.resolution_wh = self._turn.size(picture.size)
        self.content_id = content_id(Path(path))

    def frames(self, every_s: float = 0.0) -> Iterator[Frame]:
        """Yield the one frame of a picture; `every_s` says nothing here."""
        with _opened(self.path, self._format) as picture:
            image = self._turn.applied(_pixels(picture))
        self.frames_decoded = 1
        yield Frame(0, 0.0, image)

    def __enter__(self) -> PictureSource:
        return self

    def __exit__(self, *exc: object) -> None:
        """Nothing stays open between calls."""


def read_picture(path: str) -> ImageArray:
    """Return a picture as it is shown, (H, W, 3) uint8 RGB, reduced if it is above `FULL_SIZE_PIXELS`.

    Raises:
        MediaError: see `PictureSource`.
    """
    with PictureSource(path) as source:
        return next(source.frames()).image


def _known_format(path: str) -> str:
    head = first_bytes(Path(path))
    found = picture_format(head)
    if found is None:
        what = f"a {name} file" if (name := unread_picture_format(head)) else "not a picture"
        raise MediaError(f"{path}: is {what}: JPEG, PNG, WebP, BMP and GIF are read")
    return found


@contextmanager
def _opened(path: str, picture_format: str) -> Iterator[Image.Image]:
    """Open a picture with the one plugin of its format; what Pillow raises on bad content becomes a MediaError."""
    module, name = _PLUGINS[picture_format]
    plugin: type[ImageFile.ImageFile] = getattr(importlib.import_module(f"PIL.{module}"), name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd but readable metadata
            with plugin(path) as picture:
                _refuse_bomb(path, picture_format, picture.size)
                yield picture
    except MediaError:
        raise
    except FileNotFoundError as e:
        raise MediaError(f"{path}: no such file: check the name") from e
    except Exception as e:  # damaged headers make Pillow raise nearly anything: SyntaxError, struct.error, KeyError...
        raise MediaError(
            f"{path}: this {picture_format} picture is damaged or cut ({_reason(e)}): copy or export it again"
        ) from e


def _reason(e: Exception) -> str:
    return (str(e).strip() or type(e).__name__).splitlines()[0][:120]


def _refuse_bomb(path: str, picture_format: str, size: tuple[int, int]) -> None:
    pixels, limit = size[0] * size[1], LARGEST_PIXELS[picture_format]
    if pixels > limit:
        raise MediaError(
            f"{path}: declares {size[0]} x {size[1]} pixels, more than the {limit // 1_000_000} megapixels that are "
            f"read from a {picture_format} picture: save it smaller"
        )
    if pixels == 0:
        raise MediaError(f"{path}: declares {size[0]} x {size[1]} pixels, so there is nothing to see: export it again")


def _turn_of(picture: Image.Image) -> Turn:
    """Read the orientation from the header; what a PNG says after its pixels does not count.

    PngImageFile's own getexif would decode the whole picture to look there.
    """
    try:
        return Turn.from_exif(Image.Image.getexif(picture).get(_ORIENTATION_TAG))
    except Exception:  # broken EXIF is no reason to lose the picture: it is shown as it is stored, as viewers do
        return Turn()


def _pixels(picture: Image.Image) -> ImageArray:
    """Decode to (H, W, 3) uint8 RGB, not yet turned, at most `FULL_SIZE_PIXELS` large."""
    factor = reduction(*picture.size, FULL_SIZE_PIXELS)
    if factor > 1:
        picture.draft(picture.mode, (picture.width // factor, picture.height // factor))
        factor = reduction(*picture.size, FULL_SIZE_PIXELS)  # 1 for JPEG, whose decoder has done it
    picture.load()
    width, height = picture.size
    image = np.empty((-(-height // factor), -(-width // factor), 3), np.uint8)
    for top in range(0, height, _BAND_ROWS):
        band = _as_rgb(picture.crop((0, top, width, min(top + _BAND_ROWS, height))))
        band = band.reduce(factor) if factor > 1 else band
        image[top // factor : top // factor + band.height] = np.asarray(band)
    return image


def _as_rgb(picture: Image.Image) -> Image.Image:
    """Convert any mode that the five formats can have to 8-bit RGB, transparent parts on white."""
    if picture.mode.startswith("I"):
        picture = _as_8_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture.convert("RGB")


def _as_8_bits(picture: Image.Image) -> Image.Image:
    """Scale 16-bit greyscale (modes I;16, I;16B and, from older Pillow, I) from 0..65535 to 0..255."""
    values = np.asarray(picture).astype(np.uint32)
    scaled = (np.minimum(values, 65535) * 255 + 32767) // 65535
    return Image.fromarray(cast(ImageArray, scaled.astype(np.uint8)))
