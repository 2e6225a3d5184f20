"""Ways to search exactly, side by side in one run, and what int8 costs in recall; prints the tables of docs/search.md.

Run `python -m tests.bench.bench_search`. Every way uses one thread. Times are the best of rounds in which the ways take
turns, so that other work on the machine disturbs them least; opening and memory are measured in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.gallery import Gallery
from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import inverse_lengths, quantize

SPACE, NDIM, K = "b" * 64, 128, 5
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
Search = Callable[[npt.NDArray[np.float32]], object]


def clustered(products: int, views_each: int, seed: int) -> npt.NDArray[np.float32]:
    """Return unit vectors (products * views_each, NDIM), the views of a product near one another."""
    centres = np.random.default_rng(seed).standard_normal((products, 1, NDIM))
    around = np.random.default_rng(seed + 1).standard_normal((products, views_each, NDIM))
    vectors = (centres + 0.9 * around).reshape(-1, NDIM).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def build(out: Path, views: int) -> Shard:
    """Write a shard of two views a product, with records of ordinary length."""
    products = views // 2
    records = [
        ProductRecord(
            f"sku-{i:07d}",
            f"Product number {i}, 500 g",
            "12.90",
            "EUR",
            f"https://shop.example/{i}",
            category=f"c{i % 20}",
        )
        for i in range(products)
    ]
    keys = np.random.default_rng(2).permutation(np.arange(1, views + 1)).astype(np.uint64)
    vectors = quantize(clustered(products, 2, seed=0))
    write_shard(out, "bench", 1, SPACE, canonical_columns(records, keys, vectors, np.repeat(np.arange(products), 2)))
    return open_shard(out)


def ways(shard: Shard) -> dict[str, Callable[[], Search]]:
    """Return, by name, what opens each way of searching and gives the search."""
    return {
        "usearch.index.search, exact, mapped column": lambda: _usearch_function(shard),
        "usearch Index, exact": lambda: _usearch_index(shard),
        "numkong.cdist angular, mapped column": lambda: _numkong(shard, "angular"),
        "numkong.cdist dot, mapped column": lambda: _numkong(shard, "dot"),
        "numkong dots_packed": lambda: _numkong_packed(shard),
        "numpy float32 matrix": lambda: _numpy(shard),
        "Gallery (distinct products, shard checked)": lambda: _gallery(shard.root),
    }


def _usearch_function(shard: Shard) -> Search:
    from usearch.index import MetricKind, search

    return lambda q: search(shard.vectors, quantize(q), K, MetricKind.Cos, exact=True, threads=1)


def _usearch_index(shard: Shard) -> Search:
    from usearch.index import Index

    index = Index(ndim=NDIM, metric="cos", dtype="i8")
    index.add(np.arange(shard.views, dtype=np.uint64), np.asarray(shard.vectors), threads=1)
    return lambda q: index.search(quantize(q), K, exact=True, threads=1)


def _numkong(shard: Shard, metric: str) -> Search:
    import numkong

    inverse = inverse_lengths(shard.vectors)

    def search(q: npt.NDArray[np.float32]) -> object:
        table = np.asarray(numkong.cdist(quantize(q), shard.vectors, metric=metric)).reshape(len(q), -1)
        return _nearest(1 - table if metric == "angular" else table * inverse)

    return search


def _numkong_packed(shard: Shard) -> Search:
    import numkong

    inverse, packed = inverse_lengths(shard.vectors), numkong.dots_pack(shard.vectors)
    return lambda q: _nearest(np.asarray(numkong.dots_packed(quantize(q), packed)) * inverse)


def _numpy(shard: Shard) -> Search:
    matrix = (shard.vectors * inverse_lengths(shard.vectors)[:, None]).astype(np.float32)
    return lambda q: _nearest(q @ matrix.T)


def _gallery(root: Path) -> Search:
    gallery = Gallery([open_shard(root)], SPACE)
    return lambda q: gallery.search(q, K)


def _nearest(similarity: npt.NDArray[np.floating]) -> object:
    return np.argpartition(-similarity, K, axis=1)[:, :K]


def time_searches(shard: Shard, rounds: int) -> dict[str, dict[int, float]]:
    """Return the least milliseconds of every way for 1 and for 8 queries, the ways taking turns."""
    searches = {name: opened() for name, opened in ways(shard).items()}
    queries = clustered(8, 1, seed=5)
    laps: dict[str, dict[int, list[float]]] = {name: {1: [], 8: []} for name in searches}
    for _ in range(rounds):
        for name, search in searches.items():
            for n in (1, 8):
                start = time.perf_counter()
                search(queries[:n])
                laps[name][n].append((time.perf_counter() - start) * 1e3)
    return {name: {n: min(times) for n, times in by_n.items()} for name, by_n in laps.items()}


def open_alone(root: Path, name: str) -> dict[str, float]:
    """Open one way in a process of its own and return its opening time and memory."""
    command = [sys.executable, "-m", "tests.bench.bench_search", "--open", str(root), name]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def measure_opening(root: Path, name: str) -> dict[str, float]:
    """Return milliseconds to open and to search first, and megabytes that came into memory, private and mapped."""
    import numkong  # noqa: F401  imported before the clock starts, as any program has done by then
    from usearch.index import Index  # noqa: F401

    shard, queries = open_shard(root), clustered(1, 1, seed=5)
    before, start = _resident(), time.perf_counter()
    search = ways(shard)[name]()
    opened = time.perf_counter()
    search(queries)
    after = _resident()
    return {
        "open_ms": (opened - start) * 1e3,
        "first_ms": (time.perf_counter() - opened) * 1e3,
        "private_mb": (after["RssAnon"] - before["RssAnon"]) / 1024,
        "mapped_mb": (after["RssFile"] - before["RssFile"]) / 1024,
    }


def _resident() -> dict[str, int]:
    lines = Path("/proc/self/status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssFile"))}


def recall(products: int, seed: int) -> dict[str, float]:
    """Return recall@1 against exact float search: both sides int8, only the catalogue int8, and usearch's own cast."""
    from usearch.index import Index

    views, queries = clustered(products, 2, seed), clustered(products, 3, seed)[2::3][:2000]
    truth = (queries @ views.T).argmax(axis=1)
    held, asked = quantize(views), quantize(queries)
    index = Index(ndim=NDIM, metric="cos", dtype="i8")
    index.add(np.arange(len(views), dtype=np.uint64), views, threads=1)
    keys = np.array(index.search(queries, 1, exact=True, threads=1).keys).reshape(-1)
    scaled = (held * inverse_lengths(held)[:, None]).astype(np.float32)
    found = {
        "catalogue and query int8, per-vector absmax (the kit)": (asked.astype(np.float32) @ scaled.T).argmax(axis=1),
        "catalogue int8, query float": (queries @ scaled.T).argmax(axis=1),
        "usearch's own cast from float32 to i8": keys,
    }
    return {name: float((nearest == truth).mean()) for name, nearest in found.items()}


def print_tables(sizes: tuple[int, ...] = (10_000, 100_000), rounds: int = 31) -> None:
    """Measure everything and print it as markdown."""
    with tempfile.TemporaryDirectory() as folder:
        for views in sizes:
            root = Path(folder) / str(views)
            shard = build(root, views)
            times = time_searches(shard, rounds)
            print(f"\n{views} views, {NDIM} dimensions, one thread\n")
            print("| way | 1 query, ms | 8 queries, ms | open, ms | private memory, MB | mapped, MB |")
            print("|---|---|---|---|---|---|")
            for name, by_n in times.items():
                alone = open_alone(root, name)
                print(
                    f"| {name} | {by_n[1]:.2f} | {by_n[8]:.2f} | {alone['open_ms']:.1f} "
                    f"| {alone['private_mb']:.1f} | {alone['mapped_mb']:.1f} |",
                    flush=True,
                )
    print("\n| what is quantized | recall@1 against float search |\n|---|---|")
    for name, value in recall(10_000, seed=7).items():
        print(f"| {name} | {value:.4f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--open"]:
        print(json.dumps(measure_opening(Path(sys.argv[2]), sys.argv[3])))
    elif any(os.environ.get(name) != "1" for name in ONE_THREAD):
        os.execve(sys.executable, [sys.executable, "-m", "tests.bench.bench_search"], {**os.environ, **ONE_THREAD})
    else:
        print_tables()
