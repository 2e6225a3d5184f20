"""How a delta travels: one zstd frame around a short header and the columns, end to end.

A reader knows how long the content will be before it opens the frame (a signed index says so) and never makes room for
more. Numbers of four bytes travel as steps from the one before: rows and offsets ascend, so the steps are small.

    >>> file = packed(delta)
    >>> unpacked(file.data, file.unpacked_bytes, "delta") == delta
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.errors import ArtefactRefused, MissingExtra
from edge.files import canonical_json
from edge.shard.columns import Array
from edge.shard.delta import Delta, delta_dtypes, with_nothing_else
from edge.shard.description import MAX_NDIM, SPACE_PATTERN

SCHEMA = 1
MAGIC = b"\x89TAGLET\n"
LEVEL = 19
MAX_WINDOW_BYTES = 1 << 23
MAX_HEADER_BYTES = 1 << 14
_ALIGNMENT = 8
_KEYS = {"schema", "base", "target", "space_id", "ndim", "columns"}


@dataclass(frozen=True, repr=False)
class Packed:
    """A delta as a file.

    Attributes:
        data: the zstd frame.
        unpacked_bytes: length of what is in it; a reader needs it to open the frame.
    """

    data: bytes
    unpacked_bytes: int


def packed(delta: Delta, level: int = LEVEL) -> Packed:
    """Return a delta as one zstd frame (RFC 8878) of level 1..22; every level can be read."""
    content = _content(delta)
    return Packed(compressed(content, level), len(content))


def compressed(content: bytes, level: int = LEVEL) -> bytes:
    """Return content as one zstd frame that states its length, with a window of at most 8 MiB."""
    zstandard = _zstandard()
    window_log = min(23, max(10, (len(content) - 1).bit_length()))
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, source_size=len(content), window_log=window_log, write_checksum=0
    )
    frame: bytes = zstandard.ZstdCompressor(compression_params=parameters).compress(content)
    return frame


def stated_length(frame: bytes) -> int | None:
    """Return how long the content of a zstd frame is, as it says itself; None: it does not, or is no frame."""
    zstandard = _zstandard()
    try:
        length: int = zstandard.get_frame_parameters(frame).content_size
    except zstandard.ZstdError:
        return None
    return length if length < zstandard.CONTENTSIZE_ERROR else None


def unpacked(data: bytes, unpacked_bytes: int, where: str) -> Delta:
    """Open a file whose length and hash have been checked.

    Args:
        data: the file.
        unpacked_bytes: how long its content must be.
        where: names the file in error messages.

    Raises:
        ArtefactRefused: it is no such frame, its content is of another length or malformed, or of a newer schema.
    """
    content = decompressed(data, unpacked_bytes, where)
    try:
        return _read(content, where)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as e:
        raise ArtefactRefused(f"{where}: malformed ({type(e).__name__}: {str(e)[:120]}): fetch it again") from e


def _content(delta: Delta) -> bytes:
    lengths = {name: len(delta.columns[name]) for name in delta_dtypes() if _is_worth_sending(name, delta)}
    named = {"schema": SCHEMA, "base": delta.base, "target": delta.target, "space_id": delta.space_id}
    text = canonical_json({**named, "ndim": delta.ndim, "columns": list(lengths.items())})
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % _ALIGNMENT)
    pieces = [MAGIC, len(text).to_bytes(4, "little"), text]
    for name in lengths:
        values = _as_steps(delta.columns[name]).tobytes()
        pieces.append(values + b"\0" * (-len(values) % _ALIGNMENT))
    return b"".join(pieces)


def _is_worth_sending(name: str, delta: Delta) -> bool:
    return len(delta.columns[name]) > (1 if name.endswith("_offsets") else 0)


def _read(content: bytes, where: str) -> Delta:
    if content[: len(MAGIC)] != MAGIC:
        raise ArtefactRefused(f"{where}: does not begin as a delta does")
    length = int.from_bytes(content[len(MAGIC) : len(MAGIC) + 4], "little")
    at = len(MAGIC) + 4 + length
    if length > MAX_HEADER_BYTES or at > len(content) or at % _ALIGNMENT:
        raise ArtefactRefused(f"{where}: its header of {length} bytes does not fit")
    header = json.loads(content[len(MAGIC) + 4 : at])
    if type(header.get("schema")) is not int or header["schema"] != SCHEMA:
        found = str(header.get("schema"))[:40]
        raise ArtefactRefused(f"{where}: delta schema {found}, this version reads {SCHEMA}: update this program")
    _require_header(header)
    columns: dict[str, Array] = {}
    for name, shape, dtype in _layout(header["columns"], header["ndim"]):
        count = math.prod(shape)
        values = np.frombuffer(content, dtype, count, at).reshape(shape)
        columns[name] = _from_steps(values)
        at += values.nbytes + -values.nbytes % _ALIGNMENT
    if at != len(content):
        raise ValueError(f"{len(content)} bytes where the columns end at {at}")
    columns = with_nothing_else(columns, header["ndim"])
    return Delta(header["base"], header["target"], header["space_id"], header["ndim"], columns)


def _require_header(header: dict[str, Any]) -> None:
    if set(header) != _KEYS:
        raise ValueError(f"keys {sorted(set(header) ^ _KEYS)[:5]} are missing or unknown")
    hashes = (header["base"], header["target"])
    if not all(h is None or (isinstance(h, str) and len(h) == 64) for h in hashes) or hashes.count(None) == 1:
        raise ValueError("base and target must be two hashes or two nulls")
    if not isinstance(header["space_id"], str) or not SPACE_PATTERN.fullmatch(header["space_id"]):
        raise ValueError("space_id is malformed")
    if type(header["ndim"]) is not int or not 1 <= header["ndim"] <= MAX_NDIM:
        raise ValueError("ndim is out of range")


def _layout(listed: Any, ndim: int) -> list[tuple[str, tuple[int, ...], str]]:
    """Return name, shape and dtype of the columns that a header lists, which must come in the format's order."""
    dtypes = delta_dtypes()
    names = [name for name, _ in listed]
    if names != [name for name in dtypes if name in set(names)]:
        raise ValueError("columns are unknown, repeated or not in order")
    if any(type(count) is not int or not 0 < count < 2**32 for _, count in listed):
        raise ValueError("the length of a column is out of range")
    return [(name, (n, ndim) if name.endswith("vectors") else (n,), dtypes[name]) for name, n in listed]


def _as_steps(column: Array) -> Array:
    return np.diff(column, prepend=column.dtype.type(0)) if column.dtype == np.dtype("<u4") else column


def _from_steps(values: Array) -> Array:
    return np.cumsum(values, dtype=values.dtype) if values.dtype == np.dtype("<u4") else values


def decompressed(data: bytes, unpacked_bytes: int, where: str) -> bytes:
    """Return the content of a zstd frame, never making room for more than `unpacked_bytes`.

    Raises:
        ArtefactRefused: it is no such frame, or its content is of another length.
    """
    zstandard = _zstandard()
    try:
        frame = zstandard.get_frame_parameters(data)
        if frame.content_size != unpacked_bytes or frame.window_size > MAX_WINDOW_BYTES or frame.dict_id:
            raise ArtefactRefused(f"{where}: its frame says {frame.content_size} bytes, promised are {unpacked_bytes}")
        reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES).stream_reader(data)
        content: bytes = reader.read(unpacked_bytes)
        if len(content) != unpacked_bytes or reader.read(1):
            raise ArtefactRefused(f"{where}: holds other than the {unpacked_bytes} bytes promised: fetch it again")
    except zstandard.ZstdError as e:
        raise ArtefactRefused(f"{where}: is not a zstd frame that can be opened ({e}): fetch it again") from e
    return content


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as e:
        raise MissingExtra("zstandard", "sync") from e
    return zstandard
