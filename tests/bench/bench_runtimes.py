"""Every model of ../shared/models on every runtime, at one and two threads; prints the table of docs/runtimes.md.

Run `python -m tests.bench.bench_runtimes`. Each case (model, runtime, threads) runs in a process of its own; the cases
take turns, round after round, so that whatever else the machine does falls on all of them. Models that MediaPipe runs
too are measured once more with plain bilinear resizing, which is what MediaPipe does. tflite-runtime takes part where
`.venv-tflite` is there (`make test-full` makes it), MediaPipe where TAGLET_MEDIAPIPE_PYTHON names a Python that has the
package.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from export.bundles.reading import ModelReading, read_model

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = Path(os.environ.get("TAGLET_SHARED", REPOSITORY.parent / "shared")).resolve() / "models"
PICTURE = MODELS / "images" / "cat_720p.jpg"
MEDIAPIPE_RUNS = {"coco_ssd_mobilenet_v1_quant.tflite", "mobilenet_v1_100_quant_embedder.tflite"}
ROUNDS, RUNS, WARM_UP = 3, 12, 3
Results = dict[tuple[str, str], dict[int, list[dict[str, Any]]]]


@dataclass(frozen=True)
class Case:
    """One model on one runtime with a number of threads (0: the runtime's own choice)."""

    model: str
    kind: str
    runtime: str
    threads: int
    preprocessing: dict[str, Any]
    output: str
    ndim: int
    picture: str = str(PICTURE)
    runs: int = RUNS
    warm_up: int = WARM_UP

    @property
    def way(self) -> str:
        """Name of the runtime, and of the resizing where it is not the usual one."""
        return self.runtime if self.preprocessing.get("antialias", True) else f"{self.runtime}, plain resizing"


def pythons() -> dict[str, str]:
    """Return the interpreter of each runtime that is on this machine."""
    found = {"onnxruntime": sys.executable, "ai-edge-litert": sys.executable}
    tflite = REPOSITORY / ".venv-tflite" / "bin" / "python"
    found |= {"tflite-runtime": str(tflite)} if tflite.is_file() else {}
    mediapipe = os.environ.get("TAGLET_MEDIAPIPE_PYTHON", "")
    return found | ({"mediapipe": mediapipe} if mediapipe else {})


def cases(readings: list[ModelReading], runtimes: set[str]) -> Iterator[Case]:
    """Yield what is measured."""
    for reading in readings:
        rule, vector = reading.preprocessing, reading.vector
        if rule is None:
            continue
        able = {"onnxruntime"} if reading.path.suffix == ".onnx" else {"ai-edge-litert", "tflite-runtime"}
        able |= {"mediapipe"} if reading.path.name in MEDIAPIPE_RUNS else set()
        for runtime in sorted(able & runtimes):
            rules = [rule]
            if runtime == "ai-edge-litert" and "mediapipe" in able & runtimes:
                rules.append(replace(rule, antialias=False))
            for threads in (0,) if runtime == "mediapipe" else (1, 2):
                output = (vector.name, vector.ndim) if vector else ("", 0)
                for each in rules:
                    yield Case(str(reading.path), reading.kind, runtime, threads, each.to_json(), *output)


def run_all(rounds: int) -> Results:
    """Run every case once in every round."""
    readings = [read_model(path) for path in sorted(MODELS.rglob("*")) if path.suffix in (".onnx", ".tflite")]
    known = pythons()
    results: Results = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for case in cases(readings, set(known)):
            command = [known[case.runtime], "-m", "tests.bench.runtime_worker", json.dumps(asdict(case))]
            done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
            results[Path(case.model).name, case.way][case.threads].append(json.loads(done.stdout.splitlines()[-1]))
    return results


def print_table(rounds: int = ROUNDS) -> None:
    """Measure everything and print it as markdown."""
    print("| model | runtime | 1 thread, ms | processor | 2 threads, ms | processor | memory, MB |")
    print("|---|---|---|---|---|---|---|")
    imports: dict[str, list[float]] = defaultdict(list)
    for (model, runtime), by_threads in run_all(rounds).items():
        own = by_threads.get(0)
        cells = [_times(own), "-", "-"] if own else [_times(by_threads[n]) for n in (1, 2)]
        laps = [lap for results in by_threads.values() for lap in results]
        imports[runtime.split(",")[0]] += [lap["import_ms"] for lap in laps]
        memory = min(lap["memory_mb"] for lap in laps)
        print(f"| {model} | {runtime} | {' | '.join(cells)} | {memory:.0f} |")
    print("\n| import of | least, ms | median, ms |\n|---|---|---|")
    for runtime, times in imports.items():
        print(f"| {runtime} | {min(times):.0f} | {median(times):.0f} |")


def _times(results: list[dict[str, Any]]) -> str:
    """Return "least / median" of the wall time, and the median processor time, over all rounds."""
    wall = [ms for result in results for ms in result["wall_ms"]]
    cpu = [ms for result in results for ms in result["cpu_ms"]]
    return f"{min(wall):.1f} / {median(wall):.1f} | {median(cpu):.1f}"


if __name__ == "__main__":
    print_table(*map(int, sys.argv[1:2]))
