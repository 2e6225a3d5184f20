"""How long one run of each file takes here: all files in turn, round after round, on one thread.

What is counted is the processor's time of this process, so that other programs do not count; on a quiet machine it is
the time on the clock. Taking turns gives every file the same share of what remains: ratios hold where figures waver.

    >>> timings = time_in_turn({"float": reading, "qdq": quantized})
    >>> timings["qdq"].p50 / timings["float"].p50
    0.48
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from edge.command_line import progress
from edge.inference import Session, open_session
from edge.inference.hardware import Hardware
from edge.preprocessing import Preprocessing
from export.bundles.build import trial_picture

ROUNDS = 60
LEAST_ROUNDS = 15
SECONDS = 25.0


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one run: median, 95th percentile, least, and over how many runs."""

    p50: float
    p95: float
    least: float
    runs: int


def time_in_turn(files: Mapping[str, tuple[Path, Preprocessing]]) -> dict[str, Timing]:
    """Time one run of each file, preprocessing left out.

    Args:
        files: name -> model file, and how a picture becomes its input.

    Raises:
        ModelError: a file cannot be run.
    """
    running = {name: _ready(path, rule) for name, (path, rule) in files.items()}
    laps: dict[str, list[float]] = {name: [] for name in running}
    names, started = list(running), perf_counter()
    for round_number in progress(range(ROUNDS), "timing", ROUNDS, "round"):
        for name in names[round_number % len(names) :] + names[: round_number % len(names)]:
            session, feeds = running[name]
            before = process_time()
            session.run(feeds)
            laps[name].append(1000 * (process_time() - before))
        if round_number >= LEAST_ROUNDS and perf_counter() - started > SECONDS:
            break
    return {name: _timing(lap) for name, lap in laps.items()}


def _ready(path: Path, rule: Preprocessing) -> tuple[Session, dict[str, np.ndarray]]:
    session = open_session(path, Hardware(threads=1))
    [spec] = session.inputs
    tensor, _ = rule.feed(trial_picture(), rule.pixel_values(spec))
    feeds = {spec.name: np.asarray(tensor)}
    session.run(feeds)
    return session, feeds


def _timing(lap: list[float]) -> Timing:
    p50, p95 = (round(float(v), 3) for v in np.percentile(lap, [50, 95]))
    return Timing(p50, p95, round(min(lap), 3), len(lap))
