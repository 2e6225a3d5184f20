"""The thumbnail pack: small catalogue pictures that travel apart from the shard and are opened only when shown.

>>> shard.thumbnails.get(key)
b'RIFF...'
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge.shard.pack import Pack, PackKind, open_pack, write_pack

THUMBNAILS = "thumbnails"
MAX_THUMBNAIL_BYTES = 3000
THUMBNAIL_PACK = PackKind(THUMBNAILS, "thumbnail", "pictures", schema=1)


def open_thumbnails(root: Path) -> Pack:
    """Open a pack of WebP files by key of view; see `open_pack`."""
    return open_pack(root, THUMBNAIL_PACK)


def write_thumbnails(root: Path, pictures: Mapping[int, bytes]) -> None:
    """Write a pack into a new folder; `pictures` are WebP files by key of view."""
    write_pack(root, THUMBNAIL_PACK, pictures)
