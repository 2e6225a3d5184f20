"""Bytes, time and memory of updates, beside other ways on the same data; prints the tables of docs/sync.md.

python -m tests.bench.bench_sync [--products 20000] [--recall SHARED]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import zstandard

from edge.gallery import Gallery
from edge.shard import Shard, open_shard, write_shard
from edge.shard.delta import apply_delta, difference, part_of
from edge.shard.description import column_names
from edge.shard.travel import packed, unpacked
from tests.bench.invented_catalogue import NDIM, SPACE, churned, invented, shard_of

CHURN = (0.0, 0.01, 0.02, 0.05, 0.2)


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=20_000)
    parser.add_argument("--others", action="store_true", help="also bsdiff4 and zstd --patch-from")
    parser.add_argument("--recall", type=Path, metavar="SHARED", help="int8 against float on real pictures")
    parser.add_argument("--apply", nargs=3, metavar=("OLD", "DELTA", "BYTES"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.apply:
        _apply_alone(Path(args.apply[0]), Path(args.apply[1]), int(args.apply[2]))
    elif args.recall:
        _recall(args.recall)
    else:
        _updates(args.products, args.others)


def _updates(products: int, others: bool) -> None:
    content = invented(products)
    with timed("catalogue in memory"):
        old = shard_of(*content)
    with timed("full, packed"):
        full = packed(part_of(old, np.arange(old.products)))
    print(f"full: {len(full.data):,} bytes, {len(full.data) / old.views:.1f} a view")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shard"
        with timed("written"):
            write_shard(root, "shop", 1, SPACE, old.columns)
        with timed("opened and checked"):
            opened = open_shard(root)
        _search(opened)
        print("\n| churn | delta, bytes | made, s | apply: processor, ms | peak, MB beyond the base |", end="")
        print(" bsdiff4 | zstd --patch-from |" if others else "")
        print("|---|---|---|---|---|" + ("---|---|" if others else ""))
        for share in CHURN:
            new = shard_of(*churned(*content, share), version=2) if share else old
            began = time.process_time()
            file = packed(difference(old, new))
            made = time.process_time() - began
            assert apply_delta(old.columns, unpacked(file.data, file.unpacked_bytes, "delta"))
            ms, mb = _applied(root, file.data, file.unpacked_bytes, Path(folder))
            row = f"| {share:.0%} | {len(file.data):,} | {made:.2f} | {ms:.0f} | {mb:.0f} |"
            print(row + (_others(old, new) if others else ""), flush=True)


def _applied(root: Path, data: bytes, unpacked_bytes: int, folder: Path) -> tuple[float, float]:
    """Apply in a process of its own, five times; return the median of processor time and the peak memory."""
    path = folder / "delta"
    path.write_bytes(data)
    command = [sys.executable, "-m", "tests.bench.bench_sync", "--apply", str(root), str(path), str(unpacked_bytes)]
    results = [subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() for _ in range(5)]
    return float(np.median([float(r[0]) for r in results])), max(float(r[1]) for r in results)


def _apply_alone(root: Path, path: Path, unpacked_bytes: int) -> None:
    shard = open_shard(root)
    data = path.read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far (proc(5))
    base = _memory_kb("VmRSS")
    began = time.process_time()
    apply_delta(shard.columns, unpacked(data, unpacked_bytes, "delta"))
    ms = (time.process_time() - began) * 1000
    print(ms, (_memory_kb("VmHWM") - base) / 1024)


def _memory_kb(name: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


def _others(old: Shard, new: Shard) -> str:
    """Return the sizes that general tools need for the same columns, laid end to end."""
    import bsdiff4

    a, b = (b"".join(shard.columns[name].tobytes() for name in column_names()) for shard in (old, new))
    dictionary = zstandard.ZstdCompressionDict(a, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        19, window_log=min(27, len(a + b).bit_length()), enable_ldm=True
    )
    patch = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters).compress(b)
    return f" {len(bsdiff4.diff(a, b)):,} | {len(patch):,} |"


def _search(shard: Shard) -> None:
    gallery = Gallery([shard], SPACE)
    queries = np.random.default_rng(5).standard_normal((20, NDIM)).astype(np.float32)
    gallery.search(queries[:1], 5)
    times = []
    for query in queries:
        began = time.perf_counter()
        gallery.search(query[None], 5)
        times.append((time.perf_counter() - began) * 1000)
    print(f"search: {np.median(times):.2f} ms a query, least {min(times):.2f}")


def _recall(shared: Path) -> None:
    """Search real pictures among real pictures: the nearest by int8 against the nearest by float, both exact."""
    from edge.bundle import load_bundle
    from edge.defaults import default_bundle
    from edge.media.pictures import read_picture
    from edge.shard.vectors import inverse_lengths, quantize

    paths = sorted(p for p in (shared / "data").rglob("*.jpg"))
    embedder = load_bundle(default_bundle()).open_embedder()
    pictures = [read_picture(str(path)) for path in paths]
    gallery = np.concatenate([embedder.embed([picture]) for picture in pictures])
    centres = [p[p.shape[0] // 7 : -p.shape[0] // 7, p.shape[1] // 7 : -p.shape[1] // 7] for p in pictures[::5]]
    queries = np.concatenate([embedder.embed([picture]) for picture in centres])
    nearest = (queries @ gallery.T).argmax(1)
    g, q = quantize(gallery), quantize(queries)
    dots = q.astype(np.int32) @ g.astype(np.int32).T
    found = (dots * inverse_lengths(g)).argmax(1)
    share = np.mean(found == nearest)
    print(f"{len(queries)} queries among {len(gallery)} pictures: recall@1 of int8 against float {share:.4f}")


@contextmanager
def timed(what: str, say: Callable[[str], None] = print) -> Iterator[None]:
    """Say how much processor time a block took."""
    began = time.process_time()
    yield
    say(f"{what}: {time.process_time() - began:.2f} s of processor time")


if __name__ == "__main__":
    main()
