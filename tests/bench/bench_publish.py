"""What publishing costs, and how many bytes a device fetches of metadata; figures in docs/publishing.md."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.sync.index import index_frame
from server.commands.options import size
from server.publishing import full_bytes, publish
from tests.server.shop import FORCED, NOW, Shop
from tests.small_shards import SPACE

pytestmark = pytest.mark.bench
NDIM, VIEWS_OF_ONE = 128, 2
COUNTS = (10_000, 100_000)


def catalogue(out: Path, version: int, products: int, changed: float = 0.0) -> Shard:
    """Write random vectors; of each later version `changed` are gone, as many are new, twice as many re-priced."""
    rng = np.random.default_rng(0)
    moved = round(products * changed) * (version - 1)
    prices = rng.integers(100, 9999, products + moved)
    prices[moved : 3 * moved] += 1
    records = [
        ProductRecord(
            f"730{n:010d}",
            f"Product {n * 7919 % 100_003} with {n * 31 % 977} of something, {n % 900} g",
            price=f"{prices[n] / 100:.2f}",
            currency="SEK",
            url=f"https://shop.example/p/{n}",
            category=f"category {n % 40}",
        )
        for n in range(moved, products + moved)
    ]
    views = np.arange(moved * VIEWS_OF_ONE, (products + moved) * VIEWS_OF_ONE)
    keys = (views.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(0x5DEECE66D)
    vectors = np.random.default_rng(1).integers(-127, 128, ((products + moved) * VIEWS_OF_ONE, NDIM), np.int8)[views]
    product = np.repeat(np.arange(products), VIEWS_OF_ONE)
    write_shard(out, "shop", version, SPACE, canonical_columns(records, keys, vectors, product))
    return open_shard(out)


@pytest.mark.parametrize("products", COUNTS)
def test_publish(tmp_path: Path, products: int) -> None:
    shop = Shop.open(tmp_path, 2, 3)
    device = shop.device()
    print(f"\n{products} products, {products * VIEWS_OF_ONE} views, {NDIM} dimensions")
    for version in range(1, 4):
        shard = catalogue(tmp_path / f"s{version}", version, products, 0.01)
        began = time.perf_counter()
        done = publish(shop.repository, shard, shop.ring, replace(FORCED, wait_s=60), NOW)
        took = time.perf_counter() - began
        index = device.index()
        generation = index.generations[0]
        deltas = [size(delta.file.bytes) for delta in generation.deltas if delta.target == shard.sha256]
        parts = generation.newest.parts
        full = full_bytes(generation.newest)
        print(
            f"version {version}: {took:.1f} s; full {size(full)} in {len(parts)} parts, deltas {deltas}; index "
            f"{len(index_frame(index))} B; device fetched {device.line.bytes} B: {device.line.asked}"
        )
        assert done.version == version
    device.index()
    print(f"a check with nothing new: {device.line.bytes} B: {device.line.asked}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
