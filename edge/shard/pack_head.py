"""The head of a pack: its keys, hashes and offsets as one file, so that a device can ask for single entries.

The entries themselves are another file, end to end; entry i is its bytes `offsets[i]` to `offsets[i + 1]`, checked by
its own SHA-256. docs/formats/index.md writes the head down.

    >>> head = read_head(data, "thumbnails")
    >>> head.span(key)
    (1200, 3155)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused
from edge.files import canonical_json
from edge.shard.description import MAX_COUNT
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.pack import Pack, PackKind
from edge.shard.strings import require_partition
from edge.shard.thumbnails import THUMBNAIL_PACK

SCHEMA = 1
MAGIC = b"\x89TAGLET\n"
KINDS = {kind.folder: kind for kind in (THUMBNAIL_PACK, KEYPOINT_PACK)}
_ALIGNMENT = 8
_MAX_HEADER_BYTES = 1 << 12


@dataclass(frozen=True, repr=False)
class PackHead:
    """Where the entries of a pack lie, and what they must be.

    Attributes:
        kind: what the pack holds.
        keys: uint64 (n,) keys of views, strictly ascending.
        sha256: uint8 (n, 32) SHA-256 of each entry.
        offsets: uint32 (n + 1,) entry i is bytes `offsets[i]` to `offsets[i + 1]` of the entries.
    """

    kind: PackKind
    keys: npt.NDArray[np.uint64]
    sha256: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.uint32]

    def __len__(self) -> int:
        return len(self.keys)

    def row(self, key: int) -> int | None:
        """Return the number of the entry with a key, or None."""
        row = int(np.searchsorted(self.keys, np.uint64(key)))
        return row if row < len(self) and int(self.keys[row]) == key else None

    def span(self, key: int) -> tuple[int, int] | None:
        """Return the first byte of an entry and the byte after its last, or None where the pack has none."""
        row = self.row(key)
        return None if row is None else (int(self.offsets[row]), int(self.offsets[row + 1]))


def head_of(pack: Pack) -> PackHead:
    """Return the head of an opened pack."""
    return PackHead(pack.kind, pack.columns["keys"], pack.columns["sha256"], pack.columns["offsets"])


def head_bytes(head: PackHead) -> bytes:
    """Return a head as a file."""
    said = {"schema": SCHEMA, "pack": head.kind.folder, "entries_schema": head.kind.schema, "count": len(head)}
    text = canonical_json(said)
    text += b" " * (-(len(MAGIC) + 4 + len(text)) % _ALIGNMENT)
    pieces = [MAGIC, len(text).to_bytes(4, "little"), text]
    pieces += [head.keys.astype("<u8").tobytes(), head.sha256.tobytes(), head.offsets.astype("<u4").tobytes()]
    content = b"".join(pieces)
    return content + b"\0" * (-len(content) % _ALIGNMENT)


def read_head(data: bytes, where: str) -> PackHead:
    """Read a head whose length and hash have been checked.

    Args:
        data: the file.
        where: names it in error messages.

    Raises:
        ArtefactRefused: it is malformed, of a newer schema, or contradicts itself.
    """
    try:
        header, at = _header(data)
        schemas = header["schema"], header["entries_schema"]
        kind, count = KINDS[header["pack"]], header["count"]
    except (KeyError, TypeError, ValueError, RecursionError) as e:
        raise ArtefactRefused(f"{where}: is not the head of a pack ({type(e).__name__}: {str(e)[:80]})") from e
    if schemas != (SCHEMA, kind.schema):
        raise ArtefactRefused(f"{where}: pack schema {str(schemas)[:40]} is unknown: update this program")
    if set(header) != {"schema", "pack", "entries_schema", "count"} or type(count) is not int:
        raise ArtefactRefused(f"{where}: the head of a pack has other keys than those known")
    length = at + count * 44 + 4
    if not 0 <= count <= MAX_COUNT or len(data) != length + -length % _ALIGNMENT:
        raise ArtefactRefused(f"{where}: {len(data)} bytes are not the head of a pack of {str(count)[:20]} entries")
    keys = np.frombuffer(data, "<u8", count, at)
    sha256 = np.frombuffer(data, "|u1", count * 32, at + count * 8).reshape(count, 32)
    offsets = np.frombuffer(data, "<u4", count + 1, at + count * 40)
    if not (keys[1:] > keys[:-1]).all():
        raise ArtefactRefused(f"{where}: the keys do not ascend")
    require_partition(offsets, int(offsets[-1]), where)
    return PackHead(kind, keys, sha256, offsets)


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 4], "little")
    at = len(MAGIC) + 4 + length
    if data[: len(MAGIC)] != MAGIC or length > _MAX_HEADER_BYTES or at > len(data) or at % _ALIGNMENT:
        raise ValueError("it does not begin as one does")
    header = json.loads(data[len(MAGIC) + 4 : at])
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header, at
