"""From shards to the files that devices fetch: parts, deltas, packs, each opened or applied before it is published.

>>> parts = packed_parts(shard)
>>> parts[0].listed.category, parts[0].blob.file.bytes
('drinks', 65012)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from edge.errors import ArtefactRefused
from edge.shard import Shard
from edge.shard.columns import Array, Columns
from edge.shard.delta import apply_delta, difference, part_of, with_nothing_else
from edge.shard.description import column_names
from edge.shard.pack import Pack
from edge.shard.pack_head import head_bytes, head_of
from edge.shard.travel import packed, unpacked
from edge.shard.weaving import Rows
from edge.sync.index import DeltaFile, PackFile, Part
from server.publication import Blob

PART_BYTES = 64 << 10
"""How long a part is, packed: half a minute at 20 kbit/s."""
MAX_PARTS = 64
"""Parts of a large shard are twice, four times, ... as long instead of more, so that the index, which comes with every
update, stays short."""
_SHORTEST, _LONGEST = 1 / 4, 4
_SAMPLE_PRODUCTS = 500
T = TypeVar("T")
Watch = Callable[[Sequence[Any], str], Iterable[Any]]
Weights = npt.NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class PackedPart:
    """A part as the index lists it, with its content."""

    listed: Part
    blob: Blob


@dataclass(frozen=True, repr=False)
class PackedDelta:
    """A delta as the index lists it, with its content."""

    listed: DeltaFile
    blob: Blob


def unwatched(items: Sequence[T], doing: str) -> Iterable[T]:
    """Show no progress."""
    return items


def packed_parts(shard: Shard, part_bytes: int = PART_BYTES, watch: Watch = unwatched) -> list[PackedPart]:
    """Return all of a shard as parts of one category each; small categories share a part that has none.

    Args:
        shard: what to pack.
        part_bytes: how long a part should be, packed; more where there would be more than `MAX_PARTS`.
        watch: shows progress over the parts.

    Raises:
        ArtefactRefused: a part, opened again, is not what was packed, or the parts do not hold each product once
            (never seen; checked because devices will rely on it).
    """
    divided = list(_divided(shard, part_bytes))
    rows = np.sort(np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in divided)]))
    if not np.array_equal(rows, np.arange(shard.products)):
        raise ArtefactRefused(f"{shard.root}: its parts do not hold each product once: report this as a fault")
    return [_packed_part(shard, rows, category) for category, rows in watch(divided, "packing")]


def packed_delta(base: Shard, target: Shard) -> PackedDelta:
    """Return the delta between two shards, applied once to see that it leads there.

    Raises:
        ArtefactRefused: it does not.
    """
    file = packed(difference(base, target))
    apply_delta(base.columns, unpacked(file.data, file.unpacked_bytes, f"delta to {target.version}"))
    blob = Blob.of(file.data, file.unpacked_bytes)
    return PackedDelta(DeltaFile(base.sha256, target.sha256, blob.file), blob)


def packed_pack(pack: Pack | None) -> tuple[PackFile | None, list[Blob]]:
    """Return a pack as the two files that it travels in, or None and nothing."""
    if pack is None:
        return None, []
    column = pack.columns[pack.kind.entries]
    head, entries = Blob.of(head_bytes(head_of(pack))), Blob.of(column.data if column.size else b"")
    return PackFile(head.file, entries.file), [head, entries]


def empty_columns(ndim: int) -> dict[str, Array]:
    """Return the columns of a shard without a product."""
    nothing = with_nothing_else({}, ndim)
    return {name: nothing[f"added_{name}"] for name in column_names()}


def columns_without(shard: Shard, product_row: int) -> Columns:
    """Return the columns of a shard without one of its products."""
    rows = np.delete(np.arange(shard.products), product_row)
    return apply_delta(empty_columns(shard.ndim), part_of(shard, rows))


def _packed_part(shard: Shard, rows: Rows, category: str) -> PackedPart:
    part = part_of(shard, rows)
    file = packed(part)
    opened = unpacked(file.data, file.unpacked_bytes, f"a part of {shard.root}")
    if not all(np.array_equal(opened.columns[name], column) for name, column in part.columns.items()):
        raise ArtefactRefused(f"{shard.root}: a part is not what was packed: report this as a fault of the program")
    blob = Blob.of(file.data, file.unpacked_bytes)
    return PackedPart(Part(blob.file, len(rows), len(part.columns["added_keys"]), category), blob)


def _divided(shard: Shard, part_bytes: int) -> Iterator[tuple[str, Rows]]:
    """Yield (category, rows of products) of every part."""
    if not shard.products:
        return
    weights = _packed_weights(shard)
    wanted = float(part_bytes) * 2 ** max(0, math.ceil(math.log2(weights.sum() / MAX_PARTS / part_bytes)))
    begins = _may_begin(shard, wanted / float(weights.mean()))
    small: list[Rows] = []
    for category, rows in _by_category(shard).items():
        if category and weights[rows].sum() >= wanted * _SHORTEST:
            yield from ((category, piece) for piece in _pieces(rows, weights, begins, wanted))
        else:
            small.append(rows)
    if small:
        rows = np.sort(np.concatenate(small))
        yield from (("", piece) for piece in _pieces(rows, weights, begins, wanted))


def _by_category(shard: Shard) -> Mapping[str, Rows]:
    found: dict[str, list[int]] = {}
    for row, category in enumerate(shard.texts("category")):
        found.setdefault(category, []).append(row)
    return {category: np.array(found[category], np.int64) for category in sorted(found)}


def _pieces(rows: Rows, weights: Weights, begins: npt.NDArray[np.bool_], wanted: float) -> Sequence[Rows]:
    """Cut ascending rows where a product says so itself, so that a change in one part leaves the others as they are."""
    cuts, length = [], 0.0
    for at, row in enumerate(rows.tolist()):
        weight = float(weights[row])
        if (begins[row] and length >= wanted * _SHORTEST) or length + weight > wanted * _LONGEST:
            cuts.append(at)
            length = 0.0
        length += weight
    return [piece for piece in np.split(rows, cuts) if len(piece)]


def _may_begin(shard: Shard, products: float) -> npt.NDArray[np.bool_]:
    """Return bool (products,): at which products a part may begin, one in about `products` of them by its own id.

    Cutting where the content says so, not where a count does, is content-defined chunking (Muthitacharoen et al., A
    Low-bandwidth Network File System, 2001).
    """
    below = 2**32 >> max(0, round(math.log2(max(1.0, products))))
    ids = shard.texts("product_id")
    first = (hashlib.sha256(ids.raw(row)).digest()[:4] for row in range(len(ids)))
    return np.fromiter((int.from_bytes(four, "big") < below for four in first), np.bool_, len(ids))


def _packed_weights(shard: Shard) -> Weights:
    """Return float64 (products,): about how many bytes each product takes in a packed part."""
    plain = np.diff(shard.view_offsets.astype(np.int64)) * (shard.ndim + 8.0) + 8
    for name in ("product_id", "title", "price", "url", "image_url", "brand"):
        plain += np.diff(shard.texts(name).offsets.astype(np.int64))
    step = max(1, shard.products // _SAMPLE_PRODUCTS)
    sample = np.arange(0, shard.products, step)
    weights: Weights = plain * (len(packed(part_of(shard, sample)).data) / plain[sample].sum())
    return weights
