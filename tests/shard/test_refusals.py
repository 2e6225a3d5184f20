"""Shards that are not what they say: refused with one sentence, never a crash, never a silently different answer."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.files import canonical_json
from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.columns import Column, as_stored, npy_header
from edge.shard.content import canonical_columns
from edge.shard.thumbnails import open_thumbnails, write_thumbnails
from tests.small_shards import SPACE, random_shard

KEYS = np.array([5, 9, 3, 8], np.uint64)
RECORDS = [ProductRecord("a", "Apple"), ProductRecord("b", "Bread"), ProductRecord("c", "Crème")]


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return random_shard(tmp_path / "shard", 12, 30, ndim=16)


def rewrite(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change shard.json and give it the identity that the changed one should have."""
    path = root / "shard.json"
    value = json.loads(path.read_text())
    change(value)
    columns = value.get("columns")
    if isinstance(columns, list) and all(isinstance(c, dict) for c in columns):
        kept = ("name", "dtype", "shape", "sha256")
        content = [{name: c.get(name) for name in kept} for c in columns]
        whole = {"schema": 1, "space_id": value.get("space_id"), "ndim": value.get("ndim"), "columns": content}
        value["sha256"] = hashlib.sha256(canonical_json(whole)).hexdigest()
    path.write_text(json.dumps(value))


def forge(root: Path, name: str, array: np.ndarray) -> None:
    """Replace a column by another and make every hash and length agree with it."""
    stored = as_stored(array)
    column = Column.describe(name, stored)
    (root / column.file).write_bytes(npy_header(column.dtype, column.shape) + stored.tobytes())

    def change(value: dict[str, Any]) -> None:
        value["columns"] = [column.to_json() if c["name"] == name else c for c in value["columns"]]

    rewrite(root, change)


def test_rewriting_alone_is_accepted(shard: Shard) -> None:
    """The forgeries below are refused for what they forge, not for how they are written."""
    rewrite(shard.root, lambda value: None)
    forge(shard.root, "title", shard.columns["title"].copy())
    assert open_shard(shard.root).sha256 == shard.sha256


def test_refuses_200_random_flips(shard: Shard) -> None:
    rng = np.random.default_rng(0)
    files = sorted(path for path in shard.root.iterdir())
    sizes = np.array([path.stat().st_size for path in files])
    for place in rng.integers(0, sizes.sum(), 200):
        number = int(np.searchsorted(np.cumsum(sizes), place, side="right"))
        path, at = files[number], int(place - sizes[:number].sum())
        content = bytearray(path.read_bytes())
        content[at] ^= 1 << int(rng.integers(8))
        original = path.read_bytes()
        path.write_bytes(content)
        try:
            opened = open_shard(shard.root)
        except ArtefactRefused:
            pass
        else:  # a flip in the free text around the manifest's values, in the name or in the version
            assert path.name == "shard.json" and opened.sha256 == shard.sha256
            assert opened.products == 12 and opened.ndim == 16
        path.write_bytes(original)


@pytest.mark.parametrize("cut", [0, 1, 63, 64, 127, -1])
@pytest.mark.parametrize("name", ["keys", "vectors", "product_id", "in_stock"])
def test_rejects_truncated_column(shard: Shard, name: str, cut: int) -> None:
    path = shard.root / f"{name}.npy"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ArtefactRefused, match=r"bytes, expected \d+"):
        open_shard(shard.root)


def test_rejects_missing_and_longer_column(shard: Shard) -> None:
    path = shard.root / "vectors.npy"
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    with pytest.raises(ArtefactRefused, match="expected"):
        open_shard(shard.root)
    path.unlink()
    with pytest.raises(ArtefactRefused, match=r"vectors.npy: cannot be read \(No such file"):
        open_shard(shard.root)


def test_rejects_altered_column_by_its_hash(shard: Shard) -> None:
    path = shard.root / "vectors.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused, match="altered"):
        open_shard(shard.root)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"schema": "1"}', b"[" * 100_000, b" " * 2_000_000])
def test_rejects_what_is_no_manifest(shard: Shard, content: bytes) -> None:
    (shard.root / "shard.json").write_bytes(content)
    with pytest.raises(ArtefactRefused, match=r"shard\.json"):
        open_shard(shard.root)


def test_rejects_folder_without_manifest(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ArtefactRefused, match="no such file, so this is not a shard"):
            open_shard(place)


def test_rejects_newer_schema_and_says_what_to_do(shard: Shard) -> None:
    rewrite(shard.root, lambda value: value.update(schema=2))
    with pytest.raises(ArtefactRefused, match="schema 2, this version reads 1: update"):
        open_shard(shard.root)


HOSTILE = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.none(),
    st.text(max_size=8),
    st.lists(st.integers(-(2**65), 2**65), max_size=4),
    st.sampled_from(["../keys.npy", "/etc/passwd", "|O", ">u8", "<f8", [2**40, 2**40], [-1], {"a": 1}, "ü" * 99]),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Shard:
    return random_shard(tmp_path_factory.mktemp("kept") / "shard", 12, 30, ndim=16)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_refuses_hostile_headers(kept: Shard, data: st.DataObject) -> None:
    """One value of the manifest is anything at all, the identity agrees with it: refused, or the same shard."""
    path = kept.root / "shard.json"
    original = path.read_bytes()
    top = data.draw(
        st.sampled_from(["schema", "version", "ndim", "views", "products", "space_id", "catalog", "columns", "x"])
    )
    number = data.draw(st.integers(-1, 21))
    inner = data.draw(st.sampled_from(["name", "file", "dtype", "shape", "bytes", "sha256", "y"]))
    value = data.draw(HOSTILE)

    def change(manifest: dict[str, Any]) -> None:
        (manifest if number < 0 else manifest["columns"][number])[top if number < 0 else inner] = value

    try:
        try:
            rewrite(kept.root, change)
        except ValueError:  # NaN and infinity have no canonical JSON; then the file is written without an identity
            path.write_bytes(json.dumps({**json.loads(original), top: value}).encode())
        try:
            opened = open_shard(kept.root)
        except ArtefactRefused as e:
            assert "\n" not in str(e)
        else:
            assert all(np.array_equal(opened.columns[name], kept.columns[name]) for name in kept.columns)
    finally:
        path.write_bytes(original)


def columns_of() -> dict[str, np.ndarray]:
    return canonical_columns(RECORDS, KEYS, np.arange(8, dtype=np.int8).reshape(4, 2), np.array([0, 0, 1, 2]))


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("view_offsets", [0, 2, 3, 9], "do not divide"),
        ("view_offsets", [0, 3, 2, 4], "do not divide"),
        ("view_offsets", [0, 2, 2, 4], "do not divide"),
        ("view_offsets", [1, 2, 3, 4], "do not divide"),
        ("title_offsets", [0, 5, 10, 4_000_000_000], "do not divide"),
        ("title_offsets", [0, 10, 5, 16], "do not divide"),
        ("title_offsets", [0, 5, 13, 16], "begins inside a character"),
        ("title", list(b"AppleBread\xff\xfe\xfd\xfc\xfb\xfa"), "not UTF-8"),
        ("product_id", list(b"aab"), "do not ascend"),
        ("product_id", list(b"cba"), "do not ascend"),
        ("product_id_offsets", [0, 0, 1, 3], "do not ascend, or one is empty"),
        ("keys", [9, 5, 3, 8], "keys do not ascend"),
        ("keys", [5, 9, 5, 8], "one is repeated"),
        ("in_stock", [0, 1, 3], "in_stock"),
    ],
)
def test_rejects_forged_columns_whose_hashes_agree(tmp_path: Path, name: str, values: list[int], message: str) -> None:
    root, columns = tmp_path / "shard", columns_of()
    write_shard(root, "small", 1, SPACE, columns)
    forge(root, name, np.array(values, columns[name].dtype))
    with pytest.raises(ArtefactRefused, match=message):
        open_shard(root)


@pytest.mark.parametrize(("catalog", "version"), [("", 1), ("../x", 1), ("a" * 65, 1), ("ok", 0), ("ok", 2**53)])
def test_names_and_versions_that_no_reader_takes_are_not_written(tmp_path: Path, catalog: str, version: int) -> None:
    with pytest.raises(ArtefactRefused):
        write_shard(tmp_path / "shard", catalog, version, SPACE, columns_of())
    assert list(tmp_path.iterdir()) == []


def test_thumbnails_are_read_by_key_and_absent_ones_are_none(tmp_path: Path) -> None:
    pictures = {2**64 - 1: b"last", 7: b"seven", 0: b""}
    write_thumbnails(tmp_path / "pack", pictures)
    pack = open_thumbnails(tmp_path / "pack")
    assert {key: pack.get(key) for key in pictures} == pictures
    assert pack.get(8) is None and len(pack) == 3
    write_thumbnails(tmp_path / "empty", {})
    assert open_thumbnails(tmp_path / "empty").get(7) is None


@pytest.mark.parametrize("name", ["thumbnails.json", "keys.npy", "sha256.npy", "offsets.npy", "pictures.npy"])
def test_rejects_altered_thumbnails(tmp_path: Path, name: str) -> None:
    write_thumbnails(tmp_path / "pack", {7: b"seven", 8: b"eight"})
    path = tmp_path / "pack" / name
    content = bytearray(path.read_bytes())
    at = content.index(b"sha256") + 12 if name == "thumbnails.json" else len(content) - 1
    content[at] = content[at] ^ 1 if name != "thumbnails.json" else ord("x")
    path.write_bytes(content)
    with pytest.raises(ArtefactRefused):
        open_thumbnails(tmp_path / "pack").get(8)


def test_altered_thumbnails_leave_the_shard_usable(tmp_path: Path) -> None:
    write_shard(tmp_path / "shard", "small", 1, SPACE, columns_of(), {5: b"picture"})
    shard = open_shard(tmp_path / "shard")
    assert [shard.thumbnail(row) for row in range(3)] == [b"picture", None, None]
    shutil.rmtree(tmp_path / "shard" / "thumbnails")
    assert open_shard(tmp_path / "shard").thumbnail(0) is None
