from __future__ import annotations

import hashlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.shard import ProductRecord, open_shard, write_shard
from edge.shard.columns import npy_header
from edge.shard.content import canonical_columns
from edge.shard.strings import Strings
from edge.shard.vectors import inverse_lengths, quantize, view_key
from tests.small_shards import SPACE, make_shard, random_shard

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
RECORD = st.builds(
    ProductRecord,
    product_id=TEXT.filter(bool),
    title=TEXT,
    price=TEXT,
    brand=TEXT,
    category=TEXT,
    region=TEXT,
    in_stock=st.sampled_from([True, False, None]),
)
CATALOGUE = st.lists(RECORD, max_size=6, unique_by=lambda r: r.product_id).flatmap(
    lambda records: st.tuples(
        st.just(records),
        st.lists(st.integers(0, len(records) - 1), max_size=5) if records else st.just([]),
    )
)


def test_empty_shard_is_a_shard(tmp_path: Path) -> None:
    shard = make_shard(tmp_path / "shard", [], [], np.zeros((0, 5)))
    assert (shard.products, shard.views, shard.ndim, len(shard)) == (0, 0, 5, 0)
    assert shard.find("p") is None and shard.vectors.shape == (0, 5) and shard.thumbnails is None


@settings(max_examples=25, deadline=None)
@given(CATALOGUE, st.integers(1, 9), st.randoms(use_true_random=False))
def test_what_is_written_is_read(catalogue: tuple[list[ProductRecord], list[int]], ndim: int, random) -> None:
    records, extra = catalogue
    product = [*range(len(records)), *extra]
    random.shuffle(product)
    embeddings = np.random.default_rng(len(product)).standard_normal((len(product), ndim))
    with tempfile.TemporaryDirectory() as folder:
        shard = make_shard(Path(folder) / "shard", records, product, embeddings)
        ids = [shard.record(row).product_id.encode() for row in range(shard.products)]
        assert ids == sorted(r.product_id.encode() for r in records)
        for record in records:
            row = shard.find(record.product_id)
            assert row is not None and shard.record(row) == record
            held = {
                int(key): vector.tolist()
                for key, vector in zip(shard.keys[shard.views_of(row)], shard.vectors[shard.views_of(row)], strict=True)
            }
            given_ = {
                i + 1: quantize(embeddings[i : i + 1])[0].tolist()
                for i, p in enumerate(product)
                if records[p] == record
            }
            assert held == given_
        assert shard.find("\U0010ffff never") is None


def test_order_of_rows_does_not_change_a_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    records = [ProductRecord(f"é{i}", f"t{i}", price="1.50") for i in range(20)]
    product = np.array([*range(20), *rng.integers(0, 20, 30)])
    keys, vectors = rng.integers(0, 2**64, 50, np.uint64), quantize(rng.standard_normal((50, 7)))
    write_shard(tmp_path / "a", "one", 1, SPACE, canonical_columns(records, keys, vectors, product))
    views, rows = rng.permutation(50), rng.permutation(20)
    moved = [records[i] for i in rows]
    columns = canonical_columns(moved, keys[views], vectors[views], np.argsort(rows)[product[views]])
    write_shard(tmp_path / "b", "two", 9, SPACE, columns)
    a, b = open_shard(tmp_path / "a"), open_shard(tmp_path / "b")
    assert a.sha256 == b.sha256, "name and version are no part of the identity"
    for column in a.description.columns:
        assert (tmp_path / "a" / column.file).read_bytes() == (tmp_path / "b" / column.file).read_bytes()


def test_identity_follows_the_page(tmp_path: Path) -> None:
    """Compute the identity as docs/formats/shard.md says, without the reader's code."""
    shard = random_shard(tmp_path / "shard", 4, 6)
    manifest = json.loads((tmp_path / "shard" / "shard.json").read_text())
    columns = []
    for entry in manifest["columns"]:
        array = np.load(tmp_path / "shard" / entry["file"])
        assert array.dtype.str == entry["dtype"] and list(array.shape) == entry["shape"]
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        columns.append({"name": entry["name"], "dtype": entry["dtype"], "shape": entry["shape"], "sha256": digest})
    value = {"schema": 1, "space_id": SPACE, "ndim": 8, "columns": columns}
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == manifest["sha256"] == shard.sha256


def test_other_content_has_another_identity(tmp_path: Path) -> None:
    vectors, record = np.eye(2, 4), ProductRecord("a", "A", price="1.00")
    first = make_shard(tmp_path / "1", [record], [0, 0], vectors)
    for number, (changed, space) in enumerate(
        [
            (ProductRecord("a", "A", price="1.01"), SPACE),
            (record, "6" * 64),
            (ProductRecord("a", "A", "1.00", in_stock=True), SPACE),
        ]
    ):
        other = make_shard(tmp_path / f"other{number}", [changed], [0, 0], vectors, space_id=space)
        assert other.sha256 != first.sha256


@pytest.mark.parametrize("shape", [(0,), (1,), (7,), (0, 5), (12, 128), (2**31 - 1, 65536)])
def test_numpy_reads_the_header(shape: tuple[int, ...]) -> None:
    header = npy_header("|i1", shape)
    file = io.BytesIO(header)
    assert np.lib.format.read_magic(file) == (1, 0)
    assert np.lib.format.read_array_header_1_0(file) == (shape, False, np.dtype(np.int8))
    assert file.tell() == len(header) and len(header) % 64 == 0


def test_columns_are_mapped_read_only(tmp_path: Path) -> None:
    shard = random_shard(tmp_path / "shard", 4, 6)
    with pytest.raises(ValueError, match="read-only"):
        shard.vectors[0, 0] = 1


@given(st.lists(TEXT, max_size=20), TEXT)
def test_strings_round_trip_and_compare(texts: list[str], other: str) -> None:
    strings = Strings.of(texts)
    assert list(strings) == texts == [strings[row] for row in range(len(strings))]
    for wanted in [*texts[:3], other, ""]:
        assert strings.equal_to(wanted).tolist() == [text == wanted for text in texts]
    ordered = sorted(set(texts), key=str.encode)
    assert [Strings.of(ordered).find_sorted(text) for text in ordered] == list(range(len(ordered)))
    assert Strings.of(ordered).is_strictly_sorted()
    if other not in texts:
        assert Strings.of(ordered).find_sorted(other) is None


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-1e3, 1e3, width=32)))
def test_quantization_is_within_half_a_step(embeddings: np.ndarray) -> None:
    quantized = quantize(embeddings)
    largest = np.abs(embeddings).max(axis=1, keepdims=True).astype(np.float64)
    assert quantized.dtype == np.int8 and quantized.shape == embeddings.shape
    assert (np.abs(quantized).max(axis=1) == np.where(largest[:, 0] > 0, 127, 0)).all(), "-128 is never used"
    assert (np.abs(quantized * largest / 127 - embeddings) <= largest / 254 * (1 + 1e-9)).all()


def test_quantization_rounds_half_to_even_and_refuses_what_is_no_number() -> None:
    assert quantize(np.array([[127.0, 0.5, 1.5, -2.5]])).tolist() == [[127, 0, 2, -2]]
    assert quantize(np.zeros((0, 4), np.float32)).shape == (0, 4)
    with pytest.raises(ValueError, match="finite"):
        quantize(np.array([[1.0, np.nan]]))


def test_lengths_are_computed_in_blocks_and_zero_stays_zero() -> None:
    vectors = quantize(np.random.default_rng(0).standard_normal((10, 4)))
    vectors[3] = 0
    expected = [0.0 if not v.any() else 1 / np.linalg.norm(v.astype(float)) for v in vectors]
    assert np.allclose(inverse_lengths(vectors, rows_at_once=3), expected, rtol=1e-15)


def test_key_changes_with_product_and_picture() -> None:
    picture, other = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
    assert view_key("p1", picture) == int(hashlib.sha256(b"p1\0" + picture).hexdigest()[:16], 16)
    assert len({view_key("p1", picture), view_key("p1", other), view_key("p2", picture)}) == 3


@pytest.mark.parametrize(
    ("ids", "keys", "product", "message"),
    [
        (["a", "a"], [1, 2], [0, 1], "product_id is repeated"),
        (["a", "b"], [1, 1], [0, 1], "key is repeated"),
        (["a", "b"], [1, 2], [0, 0], "has no view"),
        (["a"], [1, 2], [0], "product must have shape"),
    ],
)
def test_content_that_cannot_be_a_shard_is_not_laid_out(
    ids: list[str], keys: list[int], product: list[int], message: str
) -> None:
    records = [ProductRecord(i, "t") for i in ids]
    with pytest.raises(ValueError, match=message):
        canonical_columns(records, np.array(keys, np.uint64), np.ones((2, 3), np.int8), np.array(product))


def test_row_outside_is_an_index_error(tmp_path: Path) -> None:
    shard = random_shard(tmp_path / "shard", 2, 2)
    for row in (-1, 2):
        with pytest.raises(IndexError):
            shard.record(row)
