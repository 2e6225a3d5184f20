"""The algebra of deltas: A + (B - A) = B, chains equal the direct way, parts equal the whole."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.shard import ProductRecord, Shard
from edge.shard.columns import Column
from edge.shard.content import canonical_columns
from edge.shard.delta import Delta, apply_delta, difference, identity, part_of
from edge.shard.description import ShardDescription, column_names
from edge.shard.travel import Packed, packed, unpacked
from tests.small_shards import SPACE

NDIM = 4
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
PRODUCT = st.fixed_dictionaries(
    {"title": TEXT, "price": TEXT, "category": st.sampled_from(["", "a", "b"])},
    optional={"in_stock": st.sampled_from([True, False, None])},
)
VIEWS = st.lists(st.tuples(st.integers(0, 40), st.integers(-127, 127)), min_size=1, max_size=3)
STATE = st.dictionaries(
    st.sampled_from(["a", "b", "ba", "c", "é", "é\u0000", "z1", "z2"]), st.tuples(PRODUCT, VIEWS), max_size=7
)
State = dict[str, tuple[dict[str, object], list[tuple[int, int]]]]


def shard_of(state: State) -> Shard:
    """Make a shard in memory; a view's key is unique to its product, its vector says which version of it that is."""
    records, keys, vectors, product = [], [], [], []
    for number, (product_id, (fields, views)) in enumerate(sorted(state.items())):
        records.append(ProductRecord(product_id, **fields))  # type: ignore[arg-type]
        for key, component in dict(views).items():
            keys.append(zlib.crc32(product_id.encode()) * 100 + key)
            vectors.append([component, 1, 2, 127])
            product.append(number)
    columns = canonical_columns(
        records, np.array(keys, np.uint64), np.array(vectors, np.int8).reshape(-1, NDIM), np.array(product, np.int64)
    )
    described = tuple(Column.describe(name, columns[name]) for name in column_names())
    return Shard(
        Path("nowhere"), ShardDescription("small", 1, SPACE, NDIM, len(keys), len(records), described), columns
    )


def same(columns: dict[str, np.ndarray], shard: Shard) -> bool:
    return all(
        columns[name].dtype == shard.columns[name].dtype and np.array_equal(columns[name], shard.columns[name])
        for name in column_names()
    )


def travelled(delta: Delta) -> Delta:
    file = packed(delta, level=3)
    return unpacked(file.data, file.unpacked_bytes, "delta")


def test_nothing_to_nothing_is_empty() -> None:
    empty = shard_of({})
    delta = difference(empty, empty)
    assert delta.is_empty and delta.base == delta.target == empty.sha256
    assert same(apply_delta(empty.columns, travelled(delta)), empty)


@settings(max_examples=80, deadline=None)
@given(STATE, STATE)
def test_a_and_the_difference_to_b_make_b(before: State, after: State) -> None:
    a, b = shard_of(before), shard_of(after)
    assert same(apply_delta(a.columns, travelled(difference(a, b))), b)


@settings(max_examples=40, deadline=None)
@given(st.lists(STATE, min_size=3, max_size=4))
def test_a_chain_leads_where_the_direct_way_does(states: list[State]) -> None:
    shards = [shard_of(state) for state in states]
    columns = dict(shards[0].columns)
    for a, b in pairwise(shards):
        columns = apply_delta(columns, difference(a, b))
    assert same(columns, shards[-1])
    assert same(apply_delta(shards[0].columns, difference(shards[0], shards[-1])), shards[-1])


@settings(max_examples=40, deadline=None)
@given(STATE, st.randoms(use_true_random=False))
def test_parts_in_any_order_make_the_whole(state: State, random) -> None:
    whole = shard_of(state)
    rows = list(range(whole.products))
    random.shuffle(rows)
    cut = random.randint(0, len(rows))
    columns = dict(shard_of({}).columns)
    for some in (rows[:cut], rows[cut:]):
        columns = apply_delta(columns, travelled(part_of(whole, np.array(sorted(some), np.int64))))
    assert same(columns, whole) and identity(SPACE, columns) == whole.sha256


def test_a_part_that_is_there_already_is_refused() -> None:
    whole = shard_of({"a": ({"title": "t"}, [(1, 2)])})
    with pytest.raises(ArtefactRefused, match="product_ids do not ascend"):
        apply_delta(whole.columns, part_of(whole, np.array([0])))


def test_only_what_changed_is_in_the_delta() -> None:
    state: State = {f"p{i}": ({"title": "t", "price": "1"}, [(i, 3), (i + 9, 4)]) for i in range(5)}
    a = shard_of(state)
    b = shard_of({**state, "p3": ({"title": "t", "price": "2"}, [(3, 3), (12, 5)])})
    delta = difference(a, b)
    changed = {name: column.tolist() for name, column in delta.columns.items() if len(column) and "added" not in name}
    changed = {name: values for name, values in changed.items() if values != [0]}
    assert changed == {
        "removed_views": [7],
        "changed_price_rows": [3],
        "changed_price": [ord("2")],
        "changed_price_offsets": [0, 1],
        "grown_rows": [3],
        "grown_keys": [b.keys[7]],
        "grown_vectors": [[5, 1, 2, 127]],
    }


def test_shards_of_two_spaces_have_no_delta() -> None:
    a = shard_of({})
    b = replace(a, description=replace(a.description, space_id="6" * 64))
    with pytest.raises(ValueError, match="different embedding spaces"):
        difference(a, b)


def test_the_wrong_base_is_refused() -> None:
    a = shard_of({"a": ({"title": "t"}, [(1, 2)]), "b": ({"title": "t"}, [(1, 2)])})
    other = shard_of({"a": ({"title": "u"}, [(1, 2)]), "b": ({"title": "t"}, [(1, 2)])})
    b = shard_of({"b": ({"title": "v"}, [(1, 3)])})
    delta = difference(a, b)
    assert same(apply_delta(other.columns, delta), b), "what goes need not be what it was: the result is what counts"
    kept = difference(a, shard_of({"a": ({"title": "t"}, [(1, 2)])}))
    with pytest.raises(ArtefactRefused, match="fetch the full shard"):
        apply_delta(other.columns, kept)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_hostile_delta_is_refused_or_keeps_its_promise(data: st.DataObject) -> None:
    a = shard_of({f"p{i}": ({"title": f"t{i}", "price": "1"}, [(i, 3)]) for i in range(4)})
    b = shard_of({f"p{i}": ({"title": f"t{i}", "price": str(i % 2)}, [(i, i)]) for i in range(1, 6)})
    delta = difference(a, b)
    name = data.draw(st.sampled_from([n for n in delta.columns if delta.columns[n].size]))
    column = delta.columns[name].copy()
    low, high = np.iinfo(column.dtype).min, np.iinfo(column.dtype).max
    column.flat[data.draw(st.integers(0, column.size - 1))] = data.draw(st.integers(int(low), int(high)))
    shorter = column[: data.draw(st.integers(0, len(column)))]
    hostile = replace(delta, columns={**delta.columns, name: data.draw(st.sampled_from([column, shorter]))})
    try:
        columns = apply_delta(a.columns, hostile)
    except ArtefactRefused:
        return
    assert same(columns, b)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_altered_bytes_are_refused_or_keep_the_promise(data: st.DataObject) -> None:
    a, b, file = _invented()
    altered = bytearray(file.data)
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        columns = apply_delta(a.columns, unpacked(bytes(altered), file.unpacked_bytes, "delta"))
    except ArtefactRefused:
        return
    assert same(columns, b)


@cache
def _invented() -> tuple[Shard, Shard, Packed]:
    a = shard_of({f"p{i}": ({"title": f"t{i}"}, [(i, 3)]) for i in range(4)})
    b = shard_of({f"p{i}": ({"title": f"t{i}"}, [(i, i)]) for i in range(1, 6)})
    return a, b, packed(difference(a, b), level=1)
