"""Small shards with known content, made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import quantize

SPACE = "5" * 64


def make_shard(
    out: Path,
    records: Sequence[ProductRecord],
    product: Sequence[int],
    embeddings: npt.NDArray[np.floating],
    *,
    version: int = 1,
    space_id: str = SPACE,
) -> Shard:
    """Write a shard whose view i shows product `product[i]`, with the key i + 1, and open it."""
    keys = np.arange(1, len(product) + 1, dtype=np.uint64)
    columns = canonical_columns(records, keys, quantize(embeddings), np.asarray(product, np.int64))
    write_shard(out, "small", version, space_id, columns)
    return open_shard(out)


def random_shard(out: Path, products: int, views: int, ndim: int = 8, seed: int = 0, version: int = 1) -> Shard:
    """Write a shard of random vectors, every product with at least one view, and open it."""
    rng = np.random.default_rng(seed)
    records = [
        ProductRecord(
            f"p{i}", f"title {i}", category=f"c{i % 3}", region=("", "SE")[i % 2], in_stock=(True, False, None)[i % 3]
        )
        for i in range(products)
    ]
    product = [*range(products), *rng.integers(0, max(1, products), views - products)]
    return make_shard(out, records, product, rng.standard_normal((views, ndim)), version=version)
