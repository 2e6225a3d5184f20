"""Packs: a few kilobytes for each view that travel apart from the shard and are opened only when they are needed.

A pack is a folder with a manifest and four columns: keys of views, ascending; a SHA-256 for each entry; offsets; the
entries themselves, end to end. Keys and hashes are checked when the pack is opened; each entry is checked against its
own SHA-256 when it is read, so that opening a large pack costs next to nothing. `edge.shard.thumbnails` and
`edge.shard.keypoints` say what their entries hold.

    >>> pack = open_pack(Path("shard/thumbnails"), THUMBNAIL_PACK)
    >>> pack.get(key)
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


@dataclass(frozen=True)
class PackKind:
    """What a pack holds.

    Attributes:
        folder: its folder inside the shard's; the manifest is this name with `.json`.
        entry: what one entry is called in a sentence.
        entries: name of the column that holds the entries.
        schema: version of what an entry holds.
    """

    folder: str
    entry: str
    entries: str
    schema: int

    @property
    def manifest(self) -> str:
        """File name of the manifest."""
        return f"{self.folder}.json"

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Name and dtype of the columns, in their order."""
        return [("keys", "<u8"), ("sha256", "|u1"), ("offsets", "<u4"), (self.entries, "|u1")]


@dataclass(frozen=True, repr=False)
class Pack:
    """An opened pack.

    Attributes:
        root: its folder.
        kind: what it holds.
        sha256: identity in hex, over its keys and its entries' hashes.
        columns: read-only arrays: keys, sha256, offsets, and the entries.
    """

    root: Path
    kind: PackKind
    sha256: str
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["keys"])

    def get(self, key: int) -> bytes | None:
        """Return one entry, or None where the pack has none.

        Raises:
            ArtefactRefused: the entry is not the one that its hash promises.
        """
        row = int(np.searchsorted(self.columns["keys"], np.uint64(key)))
        if row == len(self) or int(self.columns["keys"][row]) != key:
            return None
        start, end = (int(o) for o in self.columns["offsets"][row : row + 2])
        entry: bytes = self.columns[self.kind.entries][start:end].tobytes()
        if hashlib.sha256(entry).digest() != self.columns["sha256"][row].tobytes():
            raise ArtefactRefused(f"{self.root}: {self.kind.entry} {key:016x} is altered: fetch the pack again")
        return entry


def open_pack(root: Path, kind: PackKind) -> Pack:
    """Check the keys, hashes and lengths of a pack and map it.

    Raises:
        ArtefactRefused: its manifest is missing or malformed, of another schema, or a column is not what it says.
    """
    path = root / kind.manifest
    what = f"{kind.entry} pack"
    value = read_manifest(path, what, kind.schema)
    listed = value.get("columns")
    columns = [Column.from_json(c, str(path)) for c in listed] if isinstance(listed, list) else []
    if [(c.name, c.dtype) for c in columns] != kind.columns or [c.shape for c in columns] != _shapes(columns):
        raise ArtefactRefused(f"{path}: the columns are not those of a {what}")
    if value.get("sha256") != _identity(columns, kind):
        raise ArtefactRefused(f"{path}: altered, its sha256 is not that of its columns")
    mapped = {c.name: map_column(root, c, hashed=c.name != kind.entries) for c in columns}
    keys: npt.NDArray[np.uint64] = mapped["keys"]
    if not (keys[1:] > keys[:-1]).all():
        raise ArtefactRefused(f"{path}: the keys do not ascend")
    require_partition(mapped["offsets"], len(mapped[kind.entries]), str(path))
    return Pack(root, kind, str(value["sha256"]), mapped)


def write_pack(root: Path, kind: PackKind, entries: Mapping[int, bytes]) -> None:
    """Write a pack into a new folder; `entries` are bytes by key of view."""
    root.mkdir()
    keys = sorted(entries)
    ends = np.cumsum([0, *(len(entries[key]) for key in keys)], dtype=np.uint64)
    if ends[-1] >= 2**32:
        raise ValueError(f"{kind.folder} of {int(ends[-1])} bytes do not fit one pack (4 GiB)")
    hashes = b"".join(hashlib.sha256(entries[key]).digest() for key in keys)
    arrays: dict[str, npt.NDArray[Any]] = {
        "keys": np.array(keys, np.uint64),
        "sha256": np.frombuffer(hashes, np.uint8).reshape(-1, 32),
        "offsets": ends.astype(np.uint32),
        kind.entries: np.frombuffer(b"".join(entries[key] for key in keys), np.uint8),
    }
    columns = [write_column(root, name, arrays[name]) for name, _ in kind.columns]
    manifest = {"schema": kind.schema, "sha256": _identity(columns, kind), "columns": [c.to_json() for c in columns]}
    (root / kind.manifest).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _identity(columns: list[Column], kind: PackKind) -> str:
    content = [{"name": c.name, "sha256": c.sha256} for c in columns if c.name in ("keys", "sha256")]
    return hashlib.sha256(canonical_json({"schema": kind.schema, "columns": content})).hexdigest()


def _shapes(columns: list[Column]) -> list[tuple[int, ...]]:
    n = columns[0].shape[0]
    return [(n,), (n, 32), (n + 1,), (columns[3].bytes,)]
