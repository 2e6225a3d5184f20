"""Deltas: what turns one published state of a catalogue into another, product by product and view by view.

A delta holds rows of the base that go, fields that change, views that a kept product gains, and the products that come,
these last as the columns of a small shard. So a delta from nothing is a part of a shard, a full download is a list of
such parts, and one rule applies them all. The format is written down in docs/formats/delta.md.

Invariant: `apply_delta(a, difference(a, b))` gives the bytes of `b`; the SHA-256 of the result is compared with the
one that the delta promises, so anything else is refused.

    >>> delta = difference(old, new)
    >>> columns = apply_delta(old.columns, delta)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused
from edge.shard.columns import Array, Column, Columns, as_stored
from edge.shard.content import require_canonical
from edge.shard.description import TEXT_FIELDS, ShardDescription, column_names
from edge.shard.opened import Shard
from edge.shard.strings import Strings, require_partition
from edge.shard.weaving import Rows, Weave, gathered_rows, gathered_strings

CHANGEABLE = tuple(field for field in TEXT_FIELDS if field != "product_id")
ADDED = "added_"


@dataclass(frozen=True, repr=False)
class Delta:
    """The way from one state of a catalogue to another.

    Attributes:
        base: SHA-256 in hex, the identity of the shard that it starts from; None: a part, which may be added to any
            shard that has none of its products.
        target: identity of the shard that it leads to; None for a part.
        space_id: embedding space of its vectors.
        ndim: length of a vector.
        columns: the arrays of docs/formats/delta.md by name; what is not there is empty.
    """

    base: str | None
    target: str | None
    space_id: str
    ndim: int
    columns: Columns

    def __repr__(self) -> str:
        rows = {name: len(column) for name, column in self.columns.items() if len(column)}
        return f"Delta({(self.base or 'nothing')[:12]} -> {(self.target or 'more')[:12]}, {rows})"

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not any(len(self.columns[name]) for name in self.columns if not name.endswith("_offsets"))


def delta_dtypes() -> dict[str, str]:
    """Return the dtype of every column of a delta, in the order of docs/formats/delta.md."""
    changed: dict[str, str] = {}
    for field in CHANGEABLE:
        changed |= {f"changed_{field}_rows": "<u4", f"changed_{field}": "|u1", f"changed_{field}_offsets": "<u4"}
    added = {ADDED + name: _shard_dtype(name) for name in column_names()}
    return {
        "removed_products": "<u4",
        "removed_views": "<u4",
        **changed,
        "changed_in_stock_rows": "<u4",
        "changed_in_stock": "|u1",
        "grown_rows": "<u4",
        "grown_keys": "<u8",
        "grown_vectors": "|i1",
        **added,
    }


def identity(space_id: str, columns: Columns) -> str:
    """Return the identity in hex of the shard that columns make; see `ShardDescription.sha256`."""
    described = tuple(Column.describe(name, as_stored(columns[name])) for name in column_names())
    views, ndim = columns["vectors"].shape
    return ShardDescription("any", 1, space_id, ndim, views, len(columns["in_stock"]), described).sha256


def part_of(shard: Shard, rows: Rows) -> Delta:
    """Return some products of a shard as a part: a delta that adds them to any shard without them.

    Args:
        shard: where they stand.
        rows: int64 (n,) rows of products, ascending.
    """
    added = _subset(shard.columns, rows)
    columns = {**_nothing(shard.ndim), **{ADDED + name: column for name, column in added.items()}}
    return Delta(None, None, shard.space_id, shard.ndim, columns)


def difference(a: Shard, b: Shard) -> Delta:
    """Return the delta that leads from one shard to another of the same embedding space.

    Raises:
        ValueError: the shards are of different spaces.
    """
    if (a.space_id, a.ndim) != (b.space_id, b.ndim):
        raise ValueError(f"{a} and {b} are of different embedding spaces: there is no delta between them")
    kept_a, kept_b = _common_products(a, b)
    row_in_a = np.full(b.products, -1, np.int64)
    row_in_a[kept_b] = kept_a
    columns = _nothing(a.ndim)
    columns["removed_products"] = _u4(np.setdiff1d(np.arange(a.products), kept_a))
    added = _subset(b.columns, np.flatnonzero(row_in_a < 0))
    columns |= {ADDED + name: column for name, column in added.items()}
    columns |= _changed_fields(a, b, kept_a, kept_b)
    columns |= _moved_views(a, b, row_in_a)
    return Delta(a.sha256, b.sha256, a.space_id, a.ndim, columns)


def apply_delta(base: Columns, delta: Delta, where: str = "delta") -> dict[str, Array]:
    """Return the columns that a delta leads to; the base is not changed.

    Args:
        base: columns of a checked shard of the delta's embedding space.
        delta: what to do with them.
        where: names the delta in error messages.

    Raises:
        ArtefactRefused: the delta names rows that are not there, contradicts itself, or leads to another shard than
            it promises.
    """
    try:
        woven = _applied(base, delta)
    except (IndexError, ValueError, OverflowError) as e:
        raise ArtefactRefused(f"{where}: malformed ({e}): fetch it again") from e
    require_canonical(woven, where)
    if delta.target is not None and (found := identity(delta.space_id, woven)) != delta.target:
        raise ArtefactRefused(f"{where}: leads to {found[:12]} instead of {delta.target[:12]}: fetch the full shard")
    return woven


def _applied(base: Columns, delta: Delta) -> dict[str, Array]:
    given = delta.columns
    products, ndim = len(base["in_stock"]), base["vectors"].shape[1]
    if ndim != delta.ndim:
        raise ValueError(f"vectors of {delta.ndim} for a shard of {ndim}")
    added = {name: given[ADDED + name] for name in column_names()}
    require_canonical(added, "the added products")
    removed = _rows(given["removed_products"], products, "removed_products")
    kept = np.delete(np.arange(products), removed)
    weave = Weave.merging(kept, Strings(base["product_id"], base["product_id_offsets"]), _ids(added))
    woven: dict[str, Array] = {}
    for field in TEXT_FIELDS:
        sources = [Strings(c[field], c[f"{field}_offsets"]) for c in (base, added)]
        order = weave.order
        if field in CHANGEABLE:
            rows, values = _changed(given, field, products)
            order = weave.with_replaced(rows)
            sources.append(values)
        strings = gathered_strings(sources, order)
        woven |= {field: strings.blob, f"{field}_offsets": strings.offsets}
    rows = _rows(given["changed_in_stock_rows"], products, "changed_in_stock_rows")
    _require_length("changed_in_stock", given["changed_in_stock"], len(rows))
    stock = [base["in_stock"], added["in_stock"], given["changed_in_stock"]]
    woven["in_stock"] = gathered_rows(stock, weave.with_replaced(rows))
    woven |= _woven_views(base, added, given, weave)
    return {name: as_stored(woven[name]) for name in column_names()}


def _woven_views(base: Columns, added: Columns, given: Columns, weave: Weave) -> dict[str, Array]:
    """Return keys, vectors and view_offsets of the target."""
    views, ndim = base["vectors"].shape
    removed = _rows(given["removed_views"], views, "removed_views")
    grown = given["grown_rows"].astype(np.int64)
    _require_length("grown_keys", given["grown_keys"], len(grown))
    if given["grown_vectors"].shape != (len(grown), ndim):
        raise ValueError(f"grown_vectors are {given['grown_vectors'].shape}, expected {(len(grown), ndim)}")
    rank = np.concatenate(
        [
            weave.rank_of_base(_owners(base["view_offsets"])),
            weave.rank_of_added(_owners(added["view_offsets"])),
            weave.rank_of_base(grown),
        ]
    )
    if (rank[views:] < 0).any():
        raise ValueError("a view is added to a product that goes")
    stays = rank >= 0
    stays[removed] = False
    keys = np.concatenate([base["keys"], added["keys"], given["grown_keys"]])
    left = np.flatnonzero(stays)
    order = left[np.lexsort((keys[left], rank[left]))]
    counts = np.bincount(rank[order], minlength=len(weave.order.index))
    vectors = [base["vectors"], added["vectors"], given["grown_vectors"]]
    return {
        "keys": keys[order],
        "vectors": gathered_rows(vectors, weave.plain(order, [views, len(added["keys"])])),
        "view_offsets": _offsets(counts),
    }


def _common_products(a: Shard, b: Shard) -> tuple[Rows, Rows]:
    """Return the rows, in a and in b, of the products that both have, ascending."""
    row_in_a = {raw: row for row, raw in enumerate(_raw(a.texts("product_id")))}
    pairs = [(row_in_a.get(raw, -1), row) for row, raw in enumerate(_raw(b.texts("product_id")))]
    both = np.array([pair for pair in pairs if pair[0] >= 0], np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _changed_fields(a: Shard, b: Shard, kept_a: Rows, kept_b: Rows) -> dict[str, Array]:
    changed: dict[str, Array] = {}
    for field in CHANGEABLE:
        before, after = list(_raw(a.texts(field))), list(_raw(b.texts(field)))
        pairs = zip(kept_a.tolist(), kept_b.tolist(), strict=True)
        differ = [(row_a, after[row_b]) for row_a, row_b in pairs if before[row_a] != after[row_b]]
        strings = Strings.of([value.decode() for _, value in differ])
        changed[f"changed_{field}_rows"] = _u4(np.array([row for row, _ in differ], np.int64))
        changed |= {f"changed_{field}": strings.blob, f"changed_{field}_offsets": strings.offsets}
    stock_a, stock_b = a.columns["in_stock"][kept_a], b.columns["in_stock"][kept_b]
    changed["changed_in_stock_rows"] = _u4(kept_a[stock_a != stock_b])
    changed["changed_in_stock"] = stock_b[stock_a != stock_b]
    return changed


def _moved_views(a: Shard, b: Shard, row_in_a: Rows) -> dict[str, Array]:
    """Return which views of kept products go, and which come; a view that was embedded anew does both."""
    owner_a, owner_b = _owners(a.view_offsets), row_in_a[_owners(b.view_offsets)]
    _, at_a, at_b = np.intersect1d(a.keys, b.keys, assume_unique=True, return_indices=True)
    same = (owner_a[at_a] == owner_b[at_b]) & (a.vectors[at_a] == b.vectors[at_b]).all(axis=1)
    goes, comes = np.ones(a.views, np.bool_), owner_b >= 0
    goes[at_a[same]] = False
    comes[at_b[same]] = False
    stays = np.zeros(a.products, np.bool_)
    stays[row_in_a[row_in_a >= 0]] = True
    return {
        "removed_views": _u4(np.flatnonzero(goes & stays[owner_a])),
        "grown_rows": _u4(owner_b[comes]),
        "grown_keys": b.keys[comes],
        "grown_vectors": b.vectors[comes],
    }


def _subset(columns: Columns, rows: Rows) -> dict[str, Array]:
    """Return the columns of a shard that has only some products, in canonical order."""
    subset: dict[str, Array] = {}
    order = Weave.plain(rows, [])
    for field in TEXT_FIELDS:
        strings = gathered_strings([Strings(columns[field], columns[f"{field}_offsets"])], order)
        subset |= {field: strings.blob, f"{field}_offsets": strings.offsets}
    subset["in_stock"] = columns["in_stock"][rows]
    counts = _lengths(columns["view_offsets"])[rows]
    chosen = np.zeros(len(columns["in_stock"]), np.bool_)
    chosen[rows] = True
    views = np.flatnonzero(chosen[_owners(columns["view_offsets"])])
    subset |= {
        "keys": columns["keys"][views],
        "vectors": columns["vectors"][views],
        "view_offsets": _offsets(counts),
    }
    return {name: as_stored(subset[name]) for name in column_names()}


def _nothing(ndim: int) -> dict[str, Array]:
    """Return the columns of a delta in which nothing changes."""
    columns: dict[str, Array] = {}
    for name, dtype in delta_dtypes().items():
        shape: tuple[int, ...] = (0, ndim) if name.endswith("vectors") else (0,)
        columns[name] = np.zeros(1 if name.endswith("_offsets") else shape, dtype)
    return columns


def with_nothing_else(columns: Mapping[str, Array], ndim: int) -> dict[str, Array]:
    """Return columns, with an empty one for each that a delta may have and that is missing."""
    return {**_nothing(ndim), **columns}


def _changed(given: Columns, field: str, products: int) -> tuple[Rows, Strings]:
    rows = _rows(given[f"changed_{field}_rows"], products, f"changed_{field}_rows")
    values = Strings(given[f"changed_{field}"], given[f"changed_{field}_offsets"])
    require_partition(values.offsets, len(values.blob), f"changed_{field}")
    _require_length(f"changed_{field}", np.empty(len(values)), len(rows))
    return rows, values


def _rows(column: Array, limit: int, name: str) -> Rows:
    """Return row numbers as int64, once they are known to ascend and to be below a limit."""
    rows: Rows = column.astype(np.int64)
    if len(rows) and (rows[-1] >= limit or not (rows[1:] > rows[:-1]).all()):
        raise ValueError(f"{name} do not ascend below {limit}")
    return rows


def _require_length(name: str, column: Array, expected: int) -> None:
    if len(column) != expected:
        raise ValueError(f"{len(column)} values of {name} for {expected} rows")


def _owners(view_offsets: npt.NDArray[np.uint32]) -> Rows:
    """Return int64 (views,): the product row of each view."""
    return np.repeat(np.arange(len(view_offsets) - 1), _lengths(view_offsets))


def _lengths(offsets: npt.NDArray[np.uint32]) -> Rows:
    ends = offsets.astype(np.int64)
    return ends[1:] - ends[:-1]


def _offsets(counts: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint32]:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.uint32)


def _ids(columns: Columns) -> Sequence[bytes]:
    return list(_raw(Strings(columns["product_id"], columns["product_id_offsets"])))


def _raw(strings: Strings) -> Sequence[bytes]:
    whole, ends = strings.blob.tobytes(), strings.offsets.tolist()
    return [whole[start:end] for start, end in pairwise(ends)]


def _u4(rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.uint32]:
    return rows.astype(np.uint32)


def _shard_dtype(name: str) -> str:
    return {"keys": "<u8", "vectors": "|i1"}.get(name, "<u4" if name.endswith("_offsets") else "|u1")
