"""Columns on disk: `.npy` files that are checked whole before a byte of them is believed.

The header is never parsed. It is fixed by dtype and shape, so a reader makes the header that must stand there and
compares: the file is that header, then exactly the bytes that the SHA-256 promises. The layout is numpy's `.npy`
format 1.0 (numpy NEP 1), little-endian, C order; `numpy.load` and a browser's typed arrays read it.

    >>> column = write_column(Path("shard"), "in_stock", np.zeros(3, np.uint8))
    >>> map_column(Path("shard"), column)
    array([0, 0, 0], dtype=uint8)
"""

from __future__ import annotations

import hashlib
import math
import mmap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused

Array = npt.NDArray[Any]
Columns = Mapping[str, Array]
_ALIGNMENT = 64
_MAGIC = b"\x93NUMPY\x01\x00"
_DTYPES = ("|i1", "|u1", "<u4", "<u8")


@dataclass(frozen=True)
class Column:
    """One column as a manifest names it.

    Attributes:
        name: what the column holds.
        file: its file inside the folder, always `name` + ".npy".
        dtype: numpy's type string, one of "|i1", "|u1", "<u4", "<u8".
        shape: lengths of its dimensions.
        bytes: length of the values, without the file's header.
        sha256: SHA-256 in hex of the values, without the file's header.
    """

    name: str
    file: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    sha256: str

    @classmethod
    def describe(cls, name: str, array: Array) -> Column:
        """Describe values that are in memory; see `as_stored` for their order."""
        digest = hashlib.sha256(array.data).hexdigest() if array.size else hashlib.sha256().hexdigest()
        return cls(name, f"{name}.npy", array.dtype.str, array.shape, array.nbytes, digest)

    @classmethod
    def from_json(cls, value: Any, where: str) -> Column:
        """Read one entry of a manifest; `where` names the manifest for the error message.

        Raises:
            ArtefactRefused: the entry does not describe a column that this version reads.
        """
        try:
            column = cls(**{**value, "shape": tuple(value["shape"])})
            ok = column._is_consistent()
        except (TypeError, KeyError, AttributeError) as e:
            raise ArtefactRefused(f"{where}: malformed column {str(value)[:80]!r}") from e
        if not ok:
            raise ArtefactRefused(f"{where}: column {str(column.name)[:80]!r} contradicts itself")
        return column

    def to_json(self) -> dict[str, Any]:
        """Return the entry as plain JSON values."""
        return {**asdict(self), "shape": list(self.shape)}

    def _is_consistent(self) -> bool:
        lengths_fit = all(type(n) is int and 0 <= n < 2**40 for n in (*self.shape, self.bytes))
        return (
            lengths_fit
            and 1 <= len(self.shape) <= 2
            and self.file == f"{self.name}.npy"
            and self.dtype in _DTYPES
            and self.bytes == math.prod(self.shape) * int(self.dtype[2:])
            and isinstance(self.sha256, str)
        )


def as_stored(array: Array) -> Array:
    """Return values little-endian and in C order."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the header that a column's file begins with; its length is a multiple of 64 bytes."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape!r}, }}".encode("ascii")
    padding = -(len(_MAGIC) + 2 + len(text) + 1) % _ALIGNMENT
    text += b" " * padding + b"\n"
    return _MAGIC + len(text).to_bytes(2, "little") + text


def write_column(folder: Path, name: str, array: Array) -> Column:
    """Write one column and return its description."""
    stored = as_stored(array)
    column = Column.describe(name, stored)
    with (folder / column.file).open("wb") as file:
        file.write(npy_header(column.dtype, column.shape))
        if stored.size:
            file.write(stored.data)
    return column


def map_column(folder: Path, column: Column, hashed: bool = True) -> Array:
    """Map one column read-only into memory, once its length, header and SHA-256 have been checked.

    Args:
        folder: where the file lies.
        column: what it must be.
        hashed: whether the values must have the column's SHA-256; False where each value has a hash of its own.

    Raises:
        ArtefactRefused: the file is missing or is not what `column` says.
    """
    path, header = folder / column.file, npy_header(column.dtype, column.shape)
    mapped = _map_exactly(path, len(header) + column.bytes)
    if mapped[: len(header)] != header:
        raise ArtefactRefused(f"{path}: the header is not that of {column.dtype} {column.shape}: {_AGAIN}")
    if hashed and hashlib.sha256(memoryview(mapped)[len(header) :]).hexdigest() != column.sha256:
        raise ArtefactRefused(f"{path}: altered, its SHA-256 is not the one in the manifest: {_AGAIN}")
    count = math.prod(column.shape)
    if count == 0:
        return np.zeros(column.shape, column.dtype)
    return np.frombuffer(mapped, column.dtype, count, len(header)).reshape(column.shape)


_AGAIN = "fetch or build it again"


def _map_exactly(path: Path, length: int) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            found = file.seek(0, 2)
            if found != length:
                raise ArtefactRefused(f"{path}: {found} bytes, expected {length}: {_AGAIN}")
            return mmap.mmap(file.fileno(), length, access=mmap.ACCESS_READ)
    except OSError as e:
        raise ArtefactRefused(f"{path}: cannot be read ({e.strerror or e}): {_AGAIN}") from e
