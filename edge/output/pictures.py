"""Small pictures as data URIs, so that a report is one file that needs nothing else.

Catalogue pictures come back in many tags: each is held once and drawn by reference.
"""

from __future__ import annotations

import base64
import hashlib
import io
from dataclasses import dataclass, field

from PIL import Image

from edge.preprocessing import ImageArray
from edge.shard import Shard

QUALITY = 80
MEDIA_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp", b"\x89PNG": "image/png"}


def crop_uri(crop: ImageArray) -> str:
    """Return a crop, (h, w, 3) uint8 RGB, as a WebP data URI of a few kilobytes."""
    buffer = io.BytesIO()
    Image.fromarray(crop).save(buffer, "WEBP", quality=QUALITY)
    return _data_uri("image/webp", buffer.getvalue())


@dataclass
class CataloguePictures:
    """The catalogue pictures that a report shows: for each a short id and its data URI, each held once."""

    uris: dict[str, str] = field(default_factory=dict)

    def add(self, shard: Shard, product_id: str) -> str | None:
        """Return the id of a product's picture, None where the shard has no thumbnail of it."""
        row = shard.find(product_id)
        content = None if row is None else shard.thumbnail(row)
        media_type = _media_type(content) if content else None
        if content is None or media_type is None:
            return None
        name = "picture-" + hashlib.sha256(content).hexdigest()[:12]
        if name not in self.uris:
            self.uris[name] = _data_uri(media_type, content)
        return name


def _media_type(content: bytes) -> str | None:
    return next((kind for start, kind in MEDIA_TYPES.items() if content.startswith(start)), None)


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
