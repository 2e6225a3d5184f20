"""The index of a catalogue: read as it was written, or refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.shard.travel import compressed
from edge.sync.index import (
    MAX_INDEX_BYTES,
    DeltaFile,
    Generation,
    Index,
    PackFile,
    Part,
    Release,
    index_bytes,
    index_frame,
    read_index,
)
from tests.sync.test_plan import file, sha

PACK = PackFile(file(3), file(4))
INDEX = Index(
    "shop",
    (
        Generation(
            "5" * 64,
            128,
            (
                Release(3, sha(3), 3, 4, 0.5, (Part(file(10), 1, 2, "a"), Part(file(11), 2, 2, "")), PACK, None),
                Release(1, sha(1), 2, 2),
            ),
            (DeltaFile(sha(1), sha(3), file(5)),),
        ),
        Generation("6" * 64, 64, (Release(2, sha(2), 0, 0),)),
    ),
)


def test_what_is_written_is_read() -> None:
    assert read_index(index_bytes(Index("shop", ())), "index") == Index("shop", ())
    assert read_index(index_bytes(INDEX), "index") == INDEX
    assert INDEX.generation("6" * 64) == INDEX.generations[1] and INDEX.generation("7" * 64) is None


def test_it_travels_in_a_frame_that_cannot_grow_beyond_an_index() -> None:
    frame = index_frame(INDEX)
    assert read_index(frame, "index") == INDEX and len(frame) < len(index_bytes(INDEX)) * 0.7
    for hostile in (frame[:-3], frame[:4], frame + b"0", compressed(b" " * (MAX_INDEX_BYTES + 1))):
        with pytest.raises(ArtefactRefused, match="index"):
            read_index(hostile, "index")


def test_a_newer_schema_is_told_from_a_malformed_file() -> None:
    newer = {**json.loads(index_bytes(INDEX)), "schema": 3}
    with pytest.raises(ArtefactRefused, match=r"index schema 3, this version reads 2: update this program"):
        read_index(json.dumps(newer).encode(), "shop.json")
    for data in (b"", b"[]", b"<html>sign in</html>", b'{"schema": true}', b"[" * 100_000):
        with pytest.raises(ArtefactRefused, match=r"shop.json"):
            read_index(data, "shop.json")


def altered(path: list[Any], value: Any) -> bytes:
    document = json.loads(index_bytes(INDEX))
    at = document
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["catalog"], "../up"),
        (["extra"], 1),
        (["generations", 0, "space_id"], "a b"),
        (["generations", 0, "ndim"], 0),
        (["generations", 1, "space_id"], "5" * 64),
        (["generations", 0, "releases"], []),
        (["generations", 0, "releases", 1, "version"], 3),
        (["generations", 0, "releases", 1, "sha256"], sha(3)),
        (["generations", 0, "releases", 0, "share"], 0),
        (["generations", 0, "releases", 0, "share"], float("nan")),
        (["generations", 0, "releases", 0, "products"], 4),
        (["generations", 0, "releases", 0, "parts"], []),
        (["generations", 0, "releases", 0, "parts", 0, "file", "sha256"], "../../etc/passwd"),
        (["generations", 0, "releases", 0, "parts", 0, "file", "bytes"], -1),
        (["generations", 0, "releases", 0, "parts", 0, "file", "unpacked_bytes"], 2**40),
        (["generations", 0, "deltas", 0, "base"], None),
    ],
)
def test_what_contradicts_itself_is_refused(path: list[Any], value: Any) -> None:
    with pytest.raises(ArtefactRefused, match="index"):
        read_index(altered(path, value), "index")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(data=st.data())
def test_any_value_in_any_place_is_read_or_refused(data: st.DataObject) -> None:
    document = json.loads(index_bytes(INDEX))
    path: list[Any] = []
    at = document
    while isinstance(at, (dict, list)) and at and (not path or data.draw(st.booleans())):
        step = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        path.append(step)
        at = at[step]
    try:
        index = read_index(altered(path, data.draw(JSON)), "index")
    except ArtefactRefused:
        return
    assert read_index(index_bytes(index), "index") == index
