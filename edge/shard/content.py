"""What a shard holds, in its one canonical order, and the proof that columns are in it.

Products ascend by the UTF-8 of their ids; the views of a product follow one another and ascend by key. So the same
products, keys and vectors give the same bytes, in whatever order they were added.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.detections import require_shape
from edge.errors import ArtefactRefused
from edge.shard.columns import Array, Columns, as_stored
from edge.shard.description import TEXT_FIELDS
from edge.shard.record import ProductRecord
from edge.shard.strings import Strings, require_partition
from edge.shard.vectors import Int8s

STOCK_CODES: dict[bool | None, int] = {False: 0, True: 1, None: 2}
STOCK_VALUES = {code: value for value, code in STOCK_CODES.items()}


def canonical_columns(
    records: Sequence[ProductRecord],
    keys: npt.NDArray[np.uint64],
    vectors: Int8s,
    product: npt.NDArray[np.integer],
) -> dict[str, Array]:
    """Order products and views canonically and lay them out as columns.

    Args:
        records: the products, in any order, each id once.
        keys: uint64 (views,), each key once.
        vectors: int8 (views, ndim).
        product: (views,) index into `records`, each product at least once.

    Returns:
        The columns of docs/formats/shard.md by name.

    Raises:
        ValueError: the shapes disagree, an id or key is repeated, or a product has no view.
    """
    views = len(keys)
    require_shape("keys", keys, (views,))
    require_shape("vectors", vectors, (views, None))
    require_shape("product", product, (views,))
    order = sorted(range(len(records)), key=lambda row: records[row].product_id.encode())
    rank = np.empty(len(records), np.int64)
    rank[order] = np.arange(len(records))
    row = rank[np.asarray(product, np.int64)]
    views_of = np.bincount(row, minlength=len(records))
    by_product_and_key = np.lexsort((keys, row))
    _require_unique(records, keys, views_of)
    columns: dict[str, Array] = {
        "keys": np.asarray(keys, np.uint64)[by_product_and_key],
        "vectors": np.asarray(vectors, np.int8)[by_product_and_key],
        "view_offsets": np.concatenate(([0], np.cumsum(views_of))).astype(np.uint32),
        **_record_columns([records[i] for i in order]),
    }
    return {name: as_stored(column) for name, column in columns.items()}


def _require_unique(
    records: Sequence[ProductRecord], keys: npt.NDArray[np.uint64], views_of: npt.NDArray[np.integer]
) -> None:
    if len({record.product_id for record in records}) != len(records):
        raise ValueError("a product_id is repeated")
    if len(np.unique(keys)) != len(keys):
        raise ValueError("a view's key is repeated")
    if len(records) and views_of.min() == 0:
        raise ValueError(f"product {records[int(views_of.argmin())].product_id!r} or another has no view")


def _record_columns(records: Sequence[ProductRecord]) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    for field in TEXT_FIELDS:
        strings = Strings.of([getattr(record, field) for record in records])
        columns |= {field: strings.blob, f"{field}_offsets": strings.offsets}
    columns["in_stock"] = np.array([STOCK_CODES[record.in_stock] for record in records], np.uint8)
    return columns


def require_canonical(columns: Columns, where: str) -> None:
    """Raise `ArtefactRefused` unless columns of the right shapes hold what `canonical_columns` could have made."""
    for field in TEXT_FIELDS:
        Strings(columns[field], columns[f"{field}_offsets"]).require_valid(f"{where}, column {field}")
    ids = Strings(columns["product_id"], columns["product_id_offsets"])
    if not ids.is_strictly_sorted() or (len(ids) and ids.offsets[1] == 0):
        raise ArtefactRefused(f"{where}: the product_ids do not ascend, or one is empty or repeated")
    keys, view_offsets = columns["keys"], columns["view_offsets"]
    require_partition(view_offsets, len(keys), f"{where}, column view_offsets", gapless=True)
    ascends = keys[1:] > keys[:-1]
    ascends[view_offsets[1:-1].astype(np.int64) - 1] = True
    if not ascends.all() or len(np.unique(keys)) != len(keys):
        raise ArtefactRefused(f"{where}: the keys do not ascend within a product, or one is repeated")
    if (columns["in_stock"] > max(STOCK_VALUES)).any():
        raise ArtefactRefused(f"{where}: in_stock holds values above {max(STOCK_VALUES)}")
