"""The thumbnail pack: small catalogue pictures that travel apart from the shard and are opened only when shown.

The pack is a folder with `thumbnails.json` and four columns. Keys and hashes are checked when the pack is opened;
each picture is checked against its own SHA-256 when it is read, so that opening a large pack costs next to nothing.

    >>> shard.thumbnails.get(key)
    b'RIFF...'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused
from edge.files import canonical_json
from edge.shard.columns import Column, Columns, map_column, write_column
from edge.shard.description import read_manifest
from edge.shard.strings import require_partition

THUMBNAILS = "thumbnails"
THUMBNAILS_SCHEMA = 1
MAX_THUMBNAIL_BYTES = 3000
_MANIFEST = "thumbnails.json"
_EXPECTED = (("keys", "<u8"), ("sha256", "|u1"), ("offsets", "<u4"), ("pictures", "|u1"))


@dataclass(frozen=True, repr=False)
class Thumbnails:
    """An opened pack.

    Attributes:
        root: its folder.
        sha256: identity in hex, over its keys and its pictures' hashes.
        columns: read-only arrays: keys, sha256, offsets, pictures.
    """

    root: Path
    sha256: str
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["keys"])

    def get(self, key: int) -> bytes | None:
        """Return one picture as the bytes of a WebP file, or None where the pack has none.

        Raises:
            ArtefactRefused: the picture is not the one that its hash promises.
        """
        row = int(np.searchsorted(self.columns["keys"], np.uint64(key)))
        if row == len(self) or int(self.columns["keys"][row]) != key:
            return None
        start, end = (int(o) for o in self.columns["offsets"][row : row + 2])
        picture: bytes = self.columns["pictures"][start:end].tobytes()
        if hashlib.sha256(picture).digest() != self.columns["sha256"][row].tobytes():
            raise ArtefactRefused(f"{self.root}: thumbnail {key:016x} is altered: fetch the pack again")
        return picture


def open_thumbnails(root: Path) -> Thumbnails:
    """Check the keys, hashes and lengths of a pack and map it.

    Raises:
        ArtefactRefused: its manifest is missing or malformed, of another schema, or a column is not what it says.
    """
    path = root / _MANIFEST
    value = read_manifest(path, "thumbnail pack", THUMBNAILS_SCHEMA)
    listed = value.get("columns")
    columns = [Column.from_json(c, str(path)) for c in listed] if isinstance(listed, list) else []
    if [(c.name, c.dtype) for c in columns] != list(_EXPECTED) or [c.shape for c in columns] != _shapes(columns):
        raise ArtefactRefused(f"{path}: the columns are not those of a thumbnail pack")
    if value.get("sha256") != _identity(columns):
        raise ArtefactRefused(f"{path}: altered, its sha256 is not that of its columns")
    mapped = {c.name: map_column(root, c, hashed=c.name != "pictures") for c in columns}
    keys: npt.NDArray[np.uint64] = mapped["keys"]
    if not (keys[1:] > keys[:-1]).all():
        raise ArtefactRefused(f"{path}: the keys do not ascend")
    require_partition(mapped["offsets"], len(mapped["pictures"]), str(path))
    return Thumbnails(root, str(value["sha256"]), mapped)


def write_thumbnails(root: Path, pictures: Mapping[int, bytes]) -> None:
    """Write a pack into a new folder; `pictures` are WebP files by key of view."""
    root.mkdir()
    keys = sorted(pictures)
    ends = np.cumsum([0, *(len(pictures[key]) for key in keys)], dtype=np.uint64)
    if ends[-1] >= 2**32:
        raise ValueError(f"thumbnails of {int(ends[-1])} bytes do not fit one pack (4 GiB)")
    hashes = b"".join(hashlib.sha256(pictures[key]).digest() for key in keys)
    arrays: dict[str, npt.NDArray[Any]] = {
        "keys": np.array(keys, np.uint64),
        "sha256": np.frombuffer(hashes, np.uint8).reshape(-1, 32),
        "offsets": ends.astype(np.uint32),
        "pictures": np.frombuffer(b"".join(pictures[key] for key in keys), np.uint8),
    }
    columns = [write_column(root, name, arrays[name]) for name, _ in _EXPECTED]
    manifest = {"schema": THUMBNAILS_SCHEMA, "sha256": _identity(columns), "columns": [c.to_json() for c in columns]}
    (root / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _identity(columns: list[Column]) -> str:
    content = [{"name": c.name, "sha256": c.sha256} for c in columns if c.name in ("keys", "sha256")]
    return hashlib.sha256(canonical_json({"schema": THUMBNAILS_SCHEMA, "columns": content})).hexdigest()


def _shapes(columns: list[Column]) -> list[tuple[int, ...]]:
    n = columns[0].shape[0]
    return [(n,), (n, 32), (n + 1,), (columns[3].bytes,)]
