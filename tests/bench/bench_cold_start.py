"""Where the time of a cold start goes; prints the table of docs/runtimes.md.

Run `python -m tests.bench.bench_cold_start`, on a machine that does nothing else. `edge tag PICTURE --json -` runs as a
whole process several times; wall and processor time are given, the smallest and the median. The parts are measured in
one process each, the laps taken in the order in which the command passes through them. Bytecode is cached, as it is
wherever the package is installed.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from edge.defaults import PACKAGED

ROUNDS = 11
PICTURE = str(PACKAGED / "golden" / "one.png")
CACHING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
THREADS = {"as many threads as cores": (), "one thread": ("--threads", "1")}


def whole_process(words: tuple[str, ...]) -> tuple[float, float]:
    """Return wall and processor seconds of one `edge tag`."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "edge", "tag", PICTURE, "--json", "-", *words],
        capture_output=True,
        check=True,
        env=CACHING,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def laps() -> dict[str, tuple[float, float]]:
    """Pass through the command's steps in this process; return wall and processor milliseconds of each."""
    taken: dict[str, tuple[float, float]] = {}

    def lap(name: str, step: Callable[[], object]) -> object:
        wall, cpu = time.perf_counter(), time.process_time()
        value = step()
        taken[name] = ((time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3)
        return value

    for package in ("numpy", "PIL.Image", "onnxruntime", "numkong"):
        lap(f"import {package}", partial(importlib.import_module, package))
    lap("import edge", lambda: importlib.import_module("edge.commands.tag"))
    from edge import bundle as bundles
    from edge import defaults, gallery, pipeline
    from edge.inference.hardware import Hardware
    from edge.media.sources import open_source
    from edge.shard import open_shard

    bundle = lap("check the bundle's hashes", lambda: bundles.load_bundle(defaults.default_bundle()))
    shard = lap("open the demo shard", lambda: open_shard(defaults.demo_shard()))
    assert isinstance(bundle, bundles.Bundle)
    detector = lap("load the detector", lambda: bundle.open_detector(Hardware(1)))
    embedder = lap("load the embedder", lambda: bundle.open_embedder(Hardware(1)))
    catalogue = gallery.Gallery([shard], bundle.space_id)
    kit = pipeline.Kit(bundle, detector, embedder, catalogue)
    lap("tag the picture", lambda: pipeline.tag_source(kit, open_source(PICTURE)))
    for name in ("edge.document", "edge.output.table"):
        lap(f"import {name}", partial(importlib.import_module, name))
    return taken


def print_tables() -> None:
    """Measure and print."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in THREADS}
    parts: list[dict[str, tuple[float, float]]] = []
    for _ in range(ROUNDS):
        for name, words in THREADS.items():
            taken[name].append(whole_process(words))
        command = [sys.executable, "-m", __spec__.name, "--laps"]
        parts.append(json.loads(subprocess.run(command, capture_output=True, check=True, env=CACHING).stdout))
    print("| whole process | wall, s: least | median | processor, s: least | median |\n|---|---|---|---|---|")
    for name, times in taken.items():
        wall, cpu = zip(*times, strict=True)
        print(f"| {name} | {min(wall):.2f} | {median(wall):.2f} | {min(cpu):.2f} | {median(cpu):.2f} |")
    print("\n| part, one thread | processor, ms: least | median |\n|---|---|---|")
    for name in parts[0]:
        cpu_ms = [part[name][1] for part in parts]
        print(f"| {name} | {min(cpu_ms):.1f} | {median(cpu_ms):.1f} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["--laps"]:
        print(json.dumps(laps()))
    else:
        print_tables()
