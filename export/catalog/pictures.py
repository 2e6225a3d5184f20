"""Catalogue pictures: reading them, and making the small ones that travel as thumbnails."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edge.errors import MediaError
from edge.preprocessing import ImageArray

MAX_PIXELS = 60_000_000
_SIDES = (192, 160, 128, 96, 64, 48, 32)
_QUALITIES = (80, 65, 50, 35, 20)


def read_picture(path: Path) -> ImageArray:
    """Read a picture as (H, W, 3) uint8 RGB, turned as its EXIF orientation says.

    Raises:
        MediaError: the file is missing, empty, cut, not a picture, or larger than `MAX_PIXELS`.
    """
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise MediaError(f"{path}: {picture.width}x{picture.height} pixels, at most {MAX_PIXELS} can be read")
            shown = ImageOps.exif_transpose(picture)
            return np.asarray(shown.convert("RGB"))
    except FileNotFoundError as e:
        raise MediaError(f"{path}: no such picture") from e
    except UnidentifiedImageError as e:
        raise MediaError(f"{path}: is not a picture that can be read") from e
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as e:
        raise MediaError(f"{path}: cannot be read as a picture ({e})") from e


def make_thumbnail(image: ImageArray, max_bytes: int) -> bytes | None:
    """Shrink a picture into a WebP file of at most `max_bytes`: the largest side first, then the best quality.

    Returns:
        The file, or None where even the smallest is too long.
    """
    picture = Image.fromarray(image)
    for side in _SIDES:
        small = ImageOps.contain(picture, (side, side), Image.Resampling.LANCZOS)
        for quality in _QUALITIES:
            encoded = io.BytesIO()
            small.save(encoded, "WEBP", quality=quality, method=4)
            if encoded.tell() <= max_bytes:
                return encoded.getvalue()
    return None
