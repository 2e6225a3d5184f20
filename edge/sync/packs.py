"""Packs beside a shard, entry by entry: what is here by hash stays, the rest comes in ranges.

Thumbnails and keypoints are many times the shard and are never needed to search. Each entry has its own SHA-256, so a
pack that is only half here is a good pack of fewer entries.

    >>> fetch_pack(downloads, release.thumbnails, THUMBNAIL_PACK, shard_folder)
    True
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

from edge.errors import ArtefactRefused, NetworkError, OutputError
from edge.files import replace_folder
from edge.shard.pack import PackKind, open_pack, write_pack
from edge.shard.pack_head import PackHead, read_head
from edge.sync.download import Downloads, remote_path
from edge.sync.index import PackFile

GAP_BYTES = 1500
"""Bytes between two wanted entries that are read along, since another request would cost as much."""
Span = tuple[int, int]


def fetch_pack(downloads: Downloads, file: PackFile, kind: PackKind, shard: Path) -> bool:
    """Bring the pack beside a shard up to date.

    Args:
        downloads: fetches files.
        file: what is published.
        kind: what the pack holds.
        shard: folder of the shard; the pack's folder lies in it.

    Returns:
        True once every entry is here. Whatever ends the call early, what came is kept.

    Raises:
        NetworkError: the line or the server failed.
        ArtefactRefused: an entry is not what was signed.
        OutputError: the disk is full or cannot be written.
    """
    head = read_head(downloads.fetch(file.head), f"{downloads.line.address}, {kind.entry} pack")
    if head.kind != kind or int(head.offsets[-1]) != file.entries.bytes:
        raise ArtefactRefused(f"{downloads.line.address}: the head of the {kind.entry} pack is that of another pack")
    entries = _held(head, shard / kind.folder)
    missing = [row for row in range(len(head)) if int(head.keys[row]) not in entries]
    if not missing and (shard / kind.folder).is_dir():
        return True
    try:
        for rows in _runs(head, missing):
            for row, entry in _fetched(downloads, head, file, rows):
                entries[int(head.keys[row])] = entry
    finally:
        _write(shard, kind, entries)
    downloads.forget(file.head)
    return True


def _held(head: PackHead, folder: Path) -> dict[int, bytes]:
    """Return the entries that are here already and still published."""
    held: dict[int, bytes] = {}
    try:
        pack = open_pack(folder, head.kind)
    except ArtefactRefused:
        return held
    for key in pack.columns["keys"].tolist():
        row = head.row(key)
        with suppress(ArtefactRefused):
            entry = pack.get(key)
            if row is not None and entry is not None and _is_right(head, row, entry):
                held[key] = entry
    return held


def _runs(head: PackHead, rows: Sequence[int]) -> Iterator[list[int]]:
    """Part rows into runs that one request brings."""
    if not rows:
        return
    run = [rows[0]]
    for before, row in pairwise(rows):
        if int(head.offsets[row]) - int(head.offsets[before + 1]) > GAP_BYTES:
            yield run
            run = []
        run.append(row)
    yield run


def _fetched(downloads: Downloads, head: PackHead, file: PackFile, rows: Sequence[int]) -> Iterator[tuple[int, bytes]]:
    """Yield the entries of a run as they come whole, each checked."""
    first, last = int(head.offsets[rows[0]]), int(head.offsets[rows[-1] + 1])
    line, come = downloads.line, bytearray()
    with line.get(remote_path(file.entries.sha256), start=first, end=last) as answer:
        at = downloads.require_usable(answer, first)
        at = first - at  # a server without ranges sends the file from its beginning
        waiting = list(rows)
        for block in answer.blocks:
            downloads.watch(len(block))
            come += block
            between = min(len(come), int(head.offsets[waiting[0]]) - at)
            del come[:between]
            at += between
            while waiting and at + len(come) >= int(head.offsets[waiting[0] + 1]):
                row = waiting.pop(0)
                begin = int(head.offsets[row]) - at
                entry = bytes(come[begin : int(head.offsets[row + 1]) - at])
                if not _is_right(head, row, entry):
                    raise ArtefactRefused(f"{line.address}: sends another {head.kind.entry} than was signed")
                yield row, entry
                del come[: begin + len(entry)]
                at += begin + len(entry)
            if not waiting:
                return
    raise NetworkError(f"{line.address}: the {head.kind.entry} pack ended too early")


def _is_right(head: PackHead, row: int, entry: bytes) -> bool:
    return bool(hashlib.sha256(entry).digest() == head.sha256[row].tobytes())


def _write(shard: Path, kind: PackKind, entries: dict[int, bytes]) -> None:
    try:
        with tempfile.TemporaryDirectory(dir=shard, prefix=f".{kind.folder}.") as folder:
            new = Path(folder) / kind.folder
            write_pack(new, kind, entries)
            replace_folder(new, shard / kind.folder)
    except OSError as e:
        raise OutputError(f"{shard}: the {kind.entry} pack cannot be written ({e.strerror or e})") from e
