"""Catalogues of invented products of any size, and what a week does to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.shard import ProductRecord, Shard
from edge.shard.columns import Column
from edge.shard.content import canonical_columns
from edge.shard.description import ShardDescription, column_names
from edge.shard.vectors import quantize

NDIM = 128
SPACE = "5" * 64


def invented(products: int, seed: int = 0) -> tuple[list[ProductRecord], np.ndarray, np.ndarray]:
    """Return records, keys and random vectors (the hardest to compress) of a catalogue with one view a product."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("aeioubdfgklmnprstv"))
    words = ["".join(rng.choice(letters, n)) for n in rng.integers(3, 9, 2000)]
    picks = rng.integers(0, 2000, (products, 4))
    cents = rng.integers(100, 10_000, products)
    records = [
        ProductRecord(
            f"SKU-{n:07d}",
            " ".join(words[w] for w in picks[n]),
            f"{cents[n] / 100:.2f}",
            "SEK",
            f"https://shop.example/p/{n}",
            brand=words[picks[n, 0] % 97],
            category=words[picks[n, 1] % 23],
            region="SE",
            in_stock=bool(n % 7),
        )
        for n in range(products)
    ]
    keys = rng.integers(0, 2**63, products).astype(np.uint64)
    return records, keys, quantize(rng.standard_normal((products, NDIM)))


def shard_of(records: list[ProductRecord], keys: np.ndarray, vectors: np.ndarray, version: int = 1) -> Shard:
    """Return a shard in memory."""
    columns = canonical_columns(records, keys, vectors, np.arange(len(records)))
    described = tuple(Column.describe(name, columns[name]) for name in column_names())
    description = ShardDescription("shop", version, SPACE, NDIM, len(records), len(records), described)
    return Shard(Path("memory"), description, columns)


def churned(
    records: list[ProductRecord], keys: np.ndarray, vectors: np.ndarray, share: float, seed: int = 1
) -> tuple[list[ProductRecord], np.ndarray, np.ndarray]:
    """Return the catalogue after `share` of its products came, as many went, and twice as many have another price."""
    rng = np.random.default_rng(seed)
    n = round(len(records) * share)
    kept = np.sort(rng.choice(len(records), len(records) - n, replace=False))
    new_records, new_keys, new_vectors = invented(n, seed + 100)
    now = [records[i] for i in kept]
    for i in rng.choice(len(now), min(2 * n, len(now)), replace=False):
        now[i] = replace(now[i], price=f"{rng.integers(100, 10_000) / 100:.2f}")
    places = rng.integers(0, len(records), n)
    came = [replace(r, product_id=f"SKU-{p:07d}-{i}") for i, (r, p) in enumerate(zip(new_records, places, strict=True))]
    return now + came, np.concatenate([keys[kept], new_keys]), np.concatenate([vectors[kept], new_vectors])
