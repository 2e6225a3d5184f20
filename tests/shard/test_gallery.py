from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused, SpaceMismatch
from edge.gallery import Gallery
from edge.matches import Matches
from edge.shard import ProductRecord, Shard
from edge.shard.vectors import quantize
from tests.small_shards import SPACE, make_shard, random_shard


def brute_force(shards: list[Shard], embedding: np.ndarray, k: int, **wanted: object) -> list[tuple[float, int, str]]:
    """Search with loops and float64: similarity, shard and product id, best first."""
    query = quantize(embedding[None])[0].astype(float)
    best: dict[str, tuple[float, int, str]] = {}
    for place in sorted(range(len(shards)), key=lambda i: -shards[i].version):
        shard = shards[place]
        for row in range(shard.products):
            record = shard.record(row)
            views = shard.vectors[shard.views_of(row)].astype(float)
            cosine = max(v @ query / np.linalg.norm(v) / np.linalg.norm(query) for v in views)
            best.setdefault(record.product_id, (cosine, place, record.product_id))
            if any(getattr(shard.record(row), name) != value for name, value in wanted.items()):
                best[record.product_id] = (
                    best[record.product_id] if best[record.product_id][1] != place else (-9.0, place, "")
                )
    found = [entry for entry in best.values() if entry[2]]
    return sorted(found, key=lambda entry: -entry[0])[:k]


def named(matches: Matches, shards: list[Shard], row: int) -> list[tuple[int, str]]:
    pairs = zip(matches.shard[row], matches.product[row], strict=True)
    return [(int(s), shards[s].record(int(p)).product_id) for s, p in pairs if p >= 0]


@pytest.mark.parametrize("shards", [0, 1])
def test_empty_gallery_matches_nothing(tmp_path: Path, shards: int) -> None:
    empty = [make_shard(tmp_path / "shard", [], [], np.zeros((0, 4)))][:shards]
    gallery = Gallery(empty, SPACE)
    for n in (0, 3):
        matches = gallery.search(np.ones((n, 4), np.float32), 5)
        assert matches.product.shape == (n, 5) and (matches.product == -1).all() and (matches.shard == -1).all()
    assert len(gallery) == 0


def test_no_query_is_no_answer(tmp_path: Path) -> None:
    gallery = Gallery([random_shard(tmp_path / "shard", 3, 5)], SPACE)
    assert gallery.search(np.zeros((0, 8), np.float32), 4).similarity.shape == (0, 4)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(0, 20),
    st.integers(1, 15),
    st.integers(1, 40),
    st.sampled_from([{}, {"category": "c1"}, {"region": "SE"}, {"in_stock": True}, {"in_stock": False, "region": ""}]),
    st.integers(1, 3),
    st.integers(0, 99),
)
def test_search_is_the_brute_force_of_distinct_products(
    products: int, more: int, k: int, ndim: int, wanted: dict[str, object], count: int, seed: int
) -> None:
    embeddings = np.random.default_rng(seed).standard_normal((4, ndim)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        shards = [
            random_shard(
                Path(folder) / str(i), products + 2 * i, products + 2 * i + more, ndim, seed + i, version=i % 2 + 1
            )
            for i in range(count)
        ]
        matches = Gallery(shards, SPACE).search(embeddings, k, **wanted)
        for row, embedding in enumerate(embeddings):
            expected = brute_force(shards, embedding, k, **wanted)
            found = named(matches, shards, row)
            assert len(found) == len(expected) == len({product_id for _, product_id in found})
            similarity = matches.similarity[row, : len(found)]
            assert np.allclose(similarity, [cosine for cosine, _, _ in expected], atol=1e-6)
            known = {
                (place, product_id): cosine
                for cosine, place, product_id in brute_force(shards, embedding, 99, **wanted)
            }
            assert np.allclose(similarity, [known[pair] for pair in found], atol=1e-6), "equal ones may change places"
            assert (matches.product[row, len(found) :] == -1).all()


def test_looks_past_the_views_of_one_product(tmp_path: Path) -> None:
    records = [ProductRecord("many", "Many"), ProductRecord("other", "Other"), ProductRecord("third", "Third")]
    embeddings = np.array([[1, 0.01 * i, 0] for i in range(50)] + [[1, 1, 0], [0, 0, 1]], np.float32)
    shard = make_shard(tmp_path / "shard", records, [0] * 50 + [1, 2], embeddings)
    matches = Gallery([shard], SPACE).search(np.array([[1, 0, 0]], np.float32), 3)
    assert named(matches, [shard], 0) == [(0, "many"), (0, "other"), (0, "third")]
    assert matches.similarity[0, 0] == 1.0 and matches.similarity[0, 2] == 0.0


def test_newest_version_of_a_product_is_believed(tmp_path: Path) -> None:
    old = make_shard(
        tmp_path / "old", [ProductRecord("a", "Old"), ProductRecord("b", "B")], [0, 1], np.eye(2), version=3
    )
    new = make_shard(tmp_path / "new", [ProductRecord("a", "New")], [0], np.array([[0, 1.0]]), version=4)
    matches = Gallery([old, new], SPACE).search(np.array([[1, 0]], np.float32), 5)
    assert named(matches, [old, new], 0) == [(1, "a"), (0, "b")] or named(matches, [old, new], 0) == [
        (0, "b"),
        (1, "a"),
    ]
    assert matches.similarity[0].tolist() == [0, 0, -1, -1, -1], "the old picture of a no longer matches"


def test_queries_in_many_blocks_are_the_same_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.gallery.DOTS_AT_ONCE", 100)
    gallery = Gallery([random_shard(tmp_path / "shard", 20, 40)], SPACE)
    queries = np.random.default_rng(1).standard_normal((11, 8)).astype(np.float32)
    whole = gallery.search(queries, 4)
    for row in range(11):
        alone = gallery.search(queries[row : row + 1], 4)
        assert alone.product[0].tolist() == whole.product[row].tolist()
        assert alone.similarity[0].tolist() == whole.similarity[row].tolist()


def test_dot_products_are_whole_numbers_at_the_edge_of_int8() -> None:
    """The kernels must not saturate: the largest vectors, at the longest lengths that embedders have."""
    import numkong

    for ndim in (1, 31, 128, 1024, 4096):
        vectors = np.full((3, ndim), 127, np.int8) * np.array([[1], [-1], [1]], np.int8)
        dots = np.asarray(numkong.cdist(vectors, vectors, metric="dot")).reshape(3, 3)
        assert (dots == 127 * 127 * ndim * np.outer([1, -1, 1], [1, -1, 1])).all()


def test_other_space_is_refused_with_both_names(tmp_path: Path) -> None:
    shard = make_shard(tmp_path / "shelf", [ProductRecord("a", "A")], [0], np.ones((1, 2)), space_id="a" * 64)
    with pytest.raises(SpaceMismatch) as refused:
        Gallery([shard], "b" * 64, "pocket")
    for part in ("shelf", "'small'", "a" * 12, "'pocket'", "b" * 12):
        assert part in str(refused.value)
    assert "a" * 13 not in str(refused.value) and refused.value.exit_code == 4


def test_shards_of_other_lengths_and_queries_of_other_lengths_are_refused(tmp_path: Path) -> None:
    shards = [random_shard(tmp_path / str(ndim), 2, 2, ndim) for ndim in (3, 4)]
    with pytest.raises(ArtefactRefused, match="vectors of one length"):
        Gallery(shards, SPACE)
    with pytest.raises(ValueError, match=r"embeddings must have shape \('n', 3\)"):
        Gallery(shards[:1], SPACE).search(np.ones((1, 4), np.float32), 1)
    with pytest.raises(ValueError, match="k must be at least 1"):
        Gallery(shards[:1], SPACE).search(np.ones((1, 3), np.float32), 0)
