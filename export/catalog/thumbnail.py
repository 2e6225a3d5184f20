"""Small catalogue pictures, which travel apart from the shard."""

from __future__ import annotations

import io

from PIL import Image, ImageOps

from edge.preprocessing import ImageArray

_SIDES = (192, 160, 128, 96, 64, 48, 32)
_QUALITIES = (80, 65, 50, 35, 20)


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
