"""Time of `edge retag` for a draft of 50 objects against 20,000 views, and what a draft takes on the disk.

python -m tests.bench.bench_retag
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.outbox.drafts import keep
from edge.shard import open_shard
from edge.shard.vectors import quantize
from edge.tags import Candidate, Moment, SourceTags, Tag, TagRun, Unmatched
from tests.bench.bench_lint import write

OBJECTS, VIEWS, TIMES = 50, 20_000, 9


def main() -> None:
    """Keep a draft, ask the next version of the catalogue about it."""
    bundle = load_bundle(default_bundle())
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root / "shard", VIEWS // 2)
        shard = open_shard(root / "shard")
        crop = np.zeros((4, 4, 3), np.uint8)
        tags, unmatched = [], []
        for number in range(OBJECTS):
            row = int(rng.integers(shard.products))
            seen = shard.vectors[shard.views_of(row)][0] + 20 * rng.standard_normal(128)
            moment = Moment(0.0, (0, 0, 9, 9), crop, quantize(seen[None])[0])
            record = shard.record(row)
            first = Candidate(0, record.product_id, record.title, 0.9)
            others = tuple(Candidate(0, shard.record(r).product_id, "", 0.5) for r in range(4))
            tags.append(Tag(f"{number:016x}", "match", (first, *others), 0.4, 0, 1, moment, ()))
            noise = replace(moment, vector=quantize(rng.standard_normal((1, 128)))[0])
            unmatched.append(Unmatched(0, 1, noise, (), first))
        sizes = []
        for name, some, rest in (("tags", tags, []), ("objects", [], unmatched)):
            home = root / name
            keep(home, _run(bundle, shard, some, rest), time.time())
            keep(home, _run(bundle, shard, some[: len(some) // 2], rest[: len(rest) // 2], "d" * 64), time.time())
            sizes.append(f"{name} {sum(f.stat().st_size for f in home.glob('drafts.db*')) / 1000:.0f} kB")
        home = root / "home"
        keep(home, _run(bundle, shard, tags[: OBJECTS // 2], unmatched[: OBJECTS // 2]), time.time())
        inside, outside = [], []
        for _ in range(TIMES):
            start = time.perf_counter()
            words = ["edge", "retag", "--all", "--dry-run", "--home", str(home), "--shard", str(root / "shard")]
            done = subprocess.run(
                [sys.executable, "-m", *words, "--json", "-"], check=True, capture_output=True, text=True
            )
            outside.append((time.perf_counter() - start) * 1000)
            inside.append(json.loads(done.stdout)["milliseconds"])
    print(f"{OBJECTS} objects, {VIEWS} views: {min(inside):.0f} ms (median {np.median(inside):.0f}), ", end="")
    print(f"the whole command {min(outside):.0f} ms (median {np.median(outside):.0f}); {', '.join(sizes)}")


def _run(bundle, shard, tags, unmatched, content="c" * 64):  # type: ignore[no-untyped-def]
    source = SourceTags("clip.mp4", "video", 2.0, (9, 9), False, 1, 1, 1, None, tuple(tags), tuple(unmatched), content)
    return TagRun(bundle, (shard,), (source,), {}, False)


if __name__ == "__main__":
    main()
