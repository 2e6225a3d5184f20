"""A file that travels: opened within the length that was promised, or refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zstandard

from edge.errors import ArtefactRefused
from edge.shard.delta import part_of
from edge.shard.travel import MAGIC, Packed, packed, unpacked
from tests.shard.test_delta import shard_of

SHARD = shard_of({f"p{i}": ({"title": f"t{i}"}, [(i, 3)]) for i in range(9)})
FILE = packed(part_of(SHARD, np.arange(9)), level=3)
CONTENT = zstandard.ZstdDecompressor().decompress(FILE.data)


def framed(content: bytes, **options: bool) -> bytes:
    return zstandard.ZstdCompressor(**options).compress(content)


def with_header(**changes: object) -> Packed:
    """Return the file with some values of its header changed."""
    length = int.from_bytes(CONTENT[8:12], "little")
    header = {**json.loads(CONTENT[12 : 12 + length]), **changes}
    text = json.dumps(header).encode()
    text += b" " * (-(12 + len(text)) % 8)
    content = MAGIC + len(text).to_bytes(4, "little") + text + CONTENT[12 + length :]
    return Packed(framed(content), len(content))


def test_every_level_can_be_read() -> None:
    for level in (1, 9, 22):
        file = packed(part_of(SHARD, np.arange(9)), level)
        assert file.unpacked_bytes == FILE.unpacked_bytes
        assert unpacked(file.data, file.unpacked_bytes, "part").columns.keys()


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    bomb = framed(bytes(200_000_000))
    assert len(bomb) < 20_000
    with pytest.raises(ArtefactRefused, match="its frame says 200000000 bytes, promised are 1000"):
        unpacked(bomb, 1000, "part")


def test_a_bomb_that_lies_about_its_size_is_refused_where_the_promise_ends() -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    silent = compressor.compress(bytes(50_000_000)) + compressor.flush()
    with pytest.raises(ArtefactRefused, match="part"):
        unpacked(silent, 1000, "part")
    with pytest.raises(ArtefactRefused, match="part"):
        unpacked(FILE.data + framed(bytes(50_000_000)), FILE.unpacked_bytes, "part")


@pytest.mark.parametrize("cut", [0, 1, 5, 40, len(FILE.data) - 1])
def test_a_file_that_was_cut_is_refused(cut: int) -> None:
    with pytest.raises(ArtefactRefused, match="part"):
        unpacked(FILE.data[:cut], FILE.unpacked_bytes, "part")


def test_a_newer_schema_says_what_to_do() -> None:
    newer = with_header(schema=2)
    with pytest.raises(ArtefactRefused, match="delta schema 2, this version reads 1: update this program"):
        unpacked(newer.data, newer.unpacked_bytes, "part")


@pytest.mark.parametrize(
    "changes",
    [
        {"extra": 1},
        {"base": "5" * 64},
        {"base": 5, "target": 5},
        {"space_id": "../x"},
        {"ndim": 0},
        {"ndim": 2**31},
        {"columns": []},
        {"columns": [["added_keys", 2**31]]},
        {"columns": [["added_keys", -1]]},
        {"columns": [["nothing known", 1]]},
        {"columns": [["added_vectors", 1], ["added_keys", 1]]},
        {"columns": {"added_keys": 1}},
        {"columns": None},
    ],
)
def test_a_header_that_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    file = with_header(**changes)
    with pytest.raises(ArtefactRefused, match="part"):
        unpacked(file.data, file.unpacked_bytes, "part")


def test_other_content_is_no_delta() -> None:
    for content in (
        b"",
        b"x",
        MAGIC,
        MAGIC + b"\xff" * 8,
        b"<html></html>" * 9,
        MAGIC + (4).to_bytes(4, "little") + b"[[[[",
    ):
        with pytest.raises(ArtefactRefused, match="part"):
            unpacked(framed(content), len(content), "part")
