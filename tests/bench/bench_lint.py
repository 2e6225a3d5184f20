"""Time and memory of `export lint` against the number of views: the figures of docs/lint.md.

python -m tests.bench.bench_lint [--views 20000] [--out FOLDER]

Two views a product, 128 dimensions, products in families: vectors about as alike as those of a real catalogue.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.shard import ProductRecord, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import quantize

NDIM, FAMILY = 128, 5


def main() -> None:
    """Build a shard and lint it in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--views", type=int, default=20_000)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    views = args.views
    if args.write:
        write(args.write, views // 2)
        return
    with tempfile.TemporaryDirectory() as folder:  # in a process of its own: a child's peak counts its parent's before
        itself = [sys.executable, "-m", "tests.bench.bench_lint", "--views", str(views)]
        subprocess.run([*itself, "--write", f"{folder}/shard"], check=True)
        words = [sys.executable, "-m", "export", "lint", str(Path(folder) / "shard"), "--json", f"{folder}/lint.json"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        document = json.loads((Path(folder) / "lint.json").read_text())
    found = {check["name"]: check["findings"] for check in document["checks"] if check["findings"]}
    peak = document["peak_memory_bytes"] / 1e6
    print(f"{views} views: {document['seconds']:.1f} s, peak {peak:.0f} MB, found {found}")


def write(out: Path, products: int) -> None:
    """Write a shard of so many products."""
    rng = np.random.default_rng(0)
    common = 0.5 * rng.standard_normal(NDIM)
    families = rng.standard_normal((-(-products // FAMILY), NDIM))
    own = 0.5 * rng.standard_normal((products, NDIM)) + np.repeat(families, FAMILY, axis=0)[:products]
    vectors = np.repeat(common + own, 2, axis=0) + 0.3 * rng.standard_normal((2 * products, NDIM))
    records = [ProductRecord(f"p{number:07d}", f"Product {number}") for number in range(products)]
    keys = np.arange(1, 2 * products + 1, dtype=np.uint64)
    columns = canonical_columns(records, keys, quantize(vectors), np.repeat(np.arange(products), 2))
    write_shard(out, "invented", 1, load_bundle(default_bundle()).space_id, columns)


if __name__ == "__main__":
    main()
