"""The head of a pack: read as it was written, or refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.shard.pack import open_pack, write_pack
from edge.shard.pack_head import KINDS, PackHead, head_bytes, head_of, read_head
from edge.shard.thumbnails import THUMBNAIL_PACK

ENTRIES = st.dictionaries(st.integers(0, 2**64 - 1), st.binary(max_size=9), max_size=6)


def head(entries: dict[int, bytes], kind: str = "thumbnails") -> PackHead:
    keys = sorted(entries)
    hashes = b"".join(hashlib.sha256(entries[key]).digest() for key in keys)
    ends = np.cumsum([0, *(len(entries[key]) for key in keys)])
    sha256 = np.frombuffer(hashes, np.uint8).reshape(-1, 32)
    return PackHead(KINDS[kind], np.array(keys, np.uint64), sha256, ends.astype(np.uint32))


def test_a_pack_and_its_head_agree(tmp_path: Path) -> None:
    write_pack(tmp_path / "thumbnails", THUMBNAIL_PACK, {7: b"seven", 3: b"three"})
    pack = open_pack(tmp_path / "thumbnails", THUMBNAIL_PACK)
    read = read_head(head_bytes(head_of(pack)), "head")
    assert len(read) == 2 and read.span(7) == (5, 10) and read.span(3) == (0, 5) and read.span(4) is None


@given(ENTRIES, st.sampled_from(sorted(KINDS)))
def test_what_is_written_is_read(entries: dict[int, bytes], kind: str) -> None:
    written = head(entries, kind)
    data = head_bytes(written)
    read = read_head(data, "head")
    assert read.kind == written.kind and len(data) % 8 == 0
    for name in ("keys", "sha256", "offsets"):
        assert np.array_equal(getattr(read, name), getattr(written, name))
    whole = b"".join(entries[key] for key in sorted(entries))
    for key, entry in entries.items():
        start, end = read.span(key) or (-1, -1)
        assert whole[start:end] == entry


@given(ENTRIES.filter(len), st.data())
def test_an_altered_head_is_refused_or_still_a_head(entries: dict[int, bytes], data: st.DataObject) -> None:
    whole = bytearray(head_bytes(head(entries)))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    whole = whole[: data.draw(st.sampled_from([len(whole), at]))]
    try:
        read = read_head(bytes(whole), "head")
    except ArtefactRefused:
        return
    assert len(read.offsets) == len(read.keys) + 1 == len(read.sha256) + 1


@pytest.mark.parametrize("count", [-1, 2**31, 2**63, 10**30])
def test_a_hostile_count_is_refused(count: int) -> None:
    whole = head_bytes(head({1: b"a"}))
    hostile = whole.replace(b'"count":1', b'"count":' + str(count).encode())
    length = int.from_bytes(whole[8:12], "little") + len(hostile) - len(whole)
    pad = -(12 + length) % 8
    hostile = hostile[:8] + (length + pad).to_bytes(4, "little") + hostile[12:]
    with pytest.raises(ArtefactRefused):
        read_head(hostile, "head")
