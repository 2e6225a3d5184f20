"""Bodies that are too large, too deep, cut short, or not what their header says."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from server.app.bodies import parsed, unpacked
from server.app.problems import Problem
from tests.service.fleet import PACKERS, Counter

MOST = 8_000_000


@given(st.binary(max_size=3000), st.sampled_from(sorted(PACKERS)))
def test_a_packed_body_comes_out_as_it_was(data: bytes, packing: str) -> None:
    assert unpacked(PACKERS[packing](data), packing, MOST) == data


@given(st.binary(min_size=1, max_size=400), st.sampled_from(["gzip", "zstd"]), st.data())
def test_a_body_that_was_cut_or_has_something_behind_it_is_refused(
    data: bytes, packing: str, pick: st.DataObject
) -> None:
    packed = PACKERS[packing](data)
    cut = packed[: pick.draw(st.integers(0, len(packed) - 1))]
    for wrong in (cut, packed + b"x", packed + packed, data[:1] + packed):
        with pytest.raises(Problem) as refused:
            unpacked(wrong, packing, MOST)
        assert refused.value.status == 400


@given(st.binary(max_size=200), st.sampled_from(["gzip", "zstd"]))
def test_any_bytes_are_unpacked_or_refused(data: bytes, packing: str) -> None:
    try:
        unpacked(data, packing, MOST)
    except Problem as e:
        assert e.status in (400, 413)


def rle_bomb() -> bytes:
    """Return a zstd frame of the shortest blocks that say the most: 128 KiB of zeros in four bytes each."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0x00, 0x38])
    block = ((128 * 1024 << 3) | (1 << 1)).to_bytes(3, "little") + b"\0"
    return header + block * 100_000


@pytest.mark.parametrize(
    ("packing", "bomb"),
    [
        ("gzip", gzip.compress(bytes(200_000_000), 9)),
        ("zstd", zstandard.compress(bytes(500_000_000))),
        ("zstd", rle_bomb()),
        ("identity", bytes(MOST + 1)),
    ],
)
def test_a_bomb_is_refused_before_it_takes_memory(packing: str, bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Problem) as refused:
            unpacked(bomb, packing, MOST)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refused.value.status == 413
    assert peak < 5 * MOST


def test_a_window_larger_than_the_kits_own_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=0)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    with pytest.raises(Problem):
        unpacked(frame.compress(b"x") + frame.flush(), "zstd", MOST)


@pytest.mark.parametrize("packing", ["br", "deflate", "zstd, gzip", "x" * 99])
def test_refuses_another_packing(packing: str) -> None:
    with pytest.raises(Problem) as refused:
        unpacked(zlib.compress(b"{}"), packing, MOST)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"{", b"\xff", b"NaN", b"[Infinity]", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 10_000),
        *(json.dumps("x").encode("utf-16"), b"\xef\xbb\xbf{}"),
    ],
)
def test_refuses_what_is_no_json_or_too_deep(text: bytes) -> None:
    with pytest.raises(Problem) as refused:
        parsed(text)
    assert refused.value.status == 400 and len(str(refused.value)) < 150


def test_the_api_says_so(counter: Counter) -> None:
    till = counter.device()
    batch = json.dumps({"schema": 1, "device_id": till.device_id, "events": []}).encode()
    deep = b'{"schema":1,"device_id":"","events":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    statuses = [
        till.post(batch).status_code,
        till.post(batch, "gzip").status_code,
        till.post(zlib.compress(batch), "zstd").status_code,
        till.post(gzip.compress(batch), "zstd").status_code,
        till.post(batch, "br").status_code,
        till.post(batch, kind="text/plain").status_code,
        till.post(bytes(2_000_001)).status_code,
        till.post(gzip.compress(bytes(50_000_000)), "gzip").status_code,
        till.post(deep).status_code,
        till.post(b'{"schema":1,"device_id":"","events":[' + b"[" * 900 + b"]" * 900 + b"]}").status_code,
    ]
    assert statuses == [200, 400, 400, 400, 415, 415, 413, 413, 400, 403]
    assert counter.rows() == []
