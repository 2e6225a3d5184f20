"""The mark pack: what a second look compares, beside the thumbnails and as optional as they are.

A folder with `marks.json` and three columns: `keys` of views, `offsets` into the rows of `marks`. Everything is
checked when the pack is opened. A view takes at most 120 marks, so at most 15,360 bytes and 12 for its place.

    >>> open_marks(root).get(key)
    array([[ 12,   0, ...]], dtype=uint8)
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
from edge.second_look import MARK_BYTES, VIEW_MARKS, Marks, no_marks
from edge.shard.columns import Column, Columns, map_column, write_column
from edge.shard.description import read_manifest
from edge.shard.strings import require_partition

MARKS = "marks"
MARKS_SCHEMA = 1
_MANIFEST = "marks.json"
_EXPECTED = (("keys", "<u8"), ("offsets", "<u4"), ("marks", "|u1"))


@dataclass(frozen=True, repr=False)
class MarkPack:
    """An opened pack.

    Attributes:
        root: its folder.
        sha256: identity in hex, over all columns.
        columns: read-only arrays: keys, offsets, marks.
    """

    root: Path
    sha256: str
    columns: Columns

    def __len__(self) -> int:
        return len(self.columns["keys"])

    def get(self, key: int) -> Marks | None:
        """Return the marks of a view, or None where the pack has none."""
        row = int(np.searchsorted(self.columns["keys"], np.uint64(key)))
        if row == len(self) or int(self.columns["keys"][row]) != key:
            return None
        start, end = (int(offset) for offset in self.columns["offsets"][row : row + 2])
        return np.asarray(self.columns["marks"][start:end])


def open_marks(root: Path) -> MarkPack:
    """Check a pack and map it.

    Raises:
        ArtefactRefused: its manifest is missing or malformed, of another schema, or a column is not what it says.
    """
    path = root / _MANIFEST
    value = read_manifest(path, "mark pack", MARKS_SCHEMA)
    listed = value.get("columns")
    columns = [Column.from_json(c, str(path)) for c in listed] if isinstance(listed, list) else []
    if [(c.name, c.dtype) for c in columns] != list(_EXPECTED) or [c.shape for c in columns] != _shapes(columns):
        raise ArtefactRefused(f"{path}: the columns are not those of a mark pack")
    if value.get("sha256") != _identity(columns):
        raise ArtefactRefused(f"{path}: altered, its sha256 is not that of its columns")
    mapped = {column.name: map_column(root, column) for column in columns}
    keys: npt.NDArray[np.uint64] = mapped["keys"]
    if not (keys[1:] > keys[:-1]).all():
        raise ArtefactRefused(f"{path}: the keys do not ascend")
    require_partition(mapped["offsets"], len(mapped["marks"]), str(path))
    return MarkPack(root, str(value["sha256"]), mapped)


def write_marks(root: Path, marks: Mapping[int, Marks]) -> None:
    """Write a pack into a new folder.

    Args:
        root: made here.
        marks: by key of view, at most 120 rows each.
    """
    longest = max((len(rows) for rows in marks.values()), default=0)
    if longest > VIEW_MARKS:
        raise ValueError(f"a view has {longest} marks, at most {VIEW_MARKS} are kept")
    root.mkdir()
    keys = sorted(marks)
    arrays: dict[str, npt.NDArray[Any]] = {
        "keys": np.array(keys, np.uint64),
        "offsets": np.cumsum([0, *(len(marks[key]) for key in keys)]).astype(np.uint32),
        "marks": np.concatenate([no_marks(), *(marks[key] for key in keys)]),
    }
    columns = [write_column(root, name, arrays[name]) for name, _ in _EXPECTED]
    manifest = {"schema": MARKS_SCHEMA, "sha256": _identity(columns), "columns": [c.to_json() for c in columns]}
    (root / _MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _identity(columns: list[Column]) -> str:
    content = [{"name": c.name, "sha256": c.sha256} for c in columns]
    return hashlib.sha256(canonical_json({"schema": MARKS_SCHEMA, "columns": content})).hexdigest()


def _shapes(columns: list[Column]) -> list[tuple[int, ...]]:
    n = columns[0].shape[0]
    return [(n,), (n + 1,), (columns[2].bytes // MARK_BYTES, MARK_BYTES)]
