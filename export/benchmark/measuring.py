"""Run the workers: every case once in every round, so that what else the machine does falls on all of them alike.

>>> measured = measure(cases, Settings(pictures=("photo.jpg",)))
>>> measured.rows[0].detect_ms.p50
11.2
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from edge.command_line import progress
from edge.errors import ModelError
from edge.inference.hardware import Hardware
from export.benchmark.cases import Case
from export.benchmark.worker import LAPS, Order

NO_CACHE = "PYTHONDONTWRITEBYTECODE"


@dataclass(frozen=True)
class Settings:
    """How it is measured.

    Attributes:
        pictures: files to look at.
        rounds: how often every case has its turn, at least 1.
        runs: how often each picture is looked at in a turn, at least 1.
        hardware: what the models may use.
        accuracy: see `export.benchmark.worker.Order`.
    """

    pictures: tuple[str, ...]
    rounds: int = 3
    runs: int = 5
    hardware: Hardware = field(default_factory=Hardware)
    accuracy: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """Times of many runs, milliseconds; the two percentiles are None where nothing ran."""

    least: float | None
    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, times_ms: Sequence[float]) -> Spread:
        """Sum up times."""
        if not times_ms:
            return cls(None, None, None)
        p50, p95 = np.percentile(times_ms, [50, 95])
        return cls(round(min(times_ms), 3), round(float(p50), 3), round(float(p95), 3))


@dataclass(frozen=True)
class Row:
    """What was measured of one case.

    Attributes:
        case: bundle and runtime.
        versions: of its runtimes.
        cold_start_ms: a whole process that looks at one picture.
        detect_ms: a picture to its boxes.
        embed_ms: one crop to its vector.
        picture_ms: a picture to the vectors of all that was found in it.
        peak_memory_mb: largest resident memory of the whole process, None where the system does not say.
        accuracy: figures by name, 0..1; empty where nothing was given to measure it.
        notes: a sentence for each thing that was asked of the hardware and cannot be had here.
    """

    case: Case
    versions: tuple[str, ...]
    cold_start_ms: Spread
    detect_ms: Spread
    embed_ms: Spread
    picture_ms: Spread
    peak_memory_mb: float | None
    accuracy: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """All rows; `rounds` is how many whole rounds they rest on, `interrupted` whether there should be more."""

    rows: tuple[Row, ...]
    rounds: int
    interrupted: bool


@dataclass
class _Gathered:
    """What one case has given so far."""

    laps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in LAPS})
    cold_start_ms: list[float] = field(default_factory=list)
    peak_memory_mb: list[float] = field(default_factory=list)
    versions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    accuracy: dict[str, Any] = field(default_factory=dict)


def measure(cases: Sequence[Case], settings: Settings) -> Measured:
    """Measure every case in turns; an interrupt keeps the rounds that are whole.

    Raises:
        ModelError: a bundle does not run on a runtime; the sentence says which and why.
    """
    gathered = [_Gathered() for _ in cases]
    rounds, interrupted = 0, False
    try:
        for laps in progress(_rounds(cases, settings), "measuring", settings.rounds, "round"):
            for one, lap in zip(gathered, laps, strict=True):
                _add(one, lap)
            rounds += 1
        for case, one in zip(cases, gathered, strict=True) if settings.accuracy else ():
            one.accuracy = _worker(case, settings, 0, dict(settings.accuracy))[0]
    except KeyboardInterrupt:
        interrupted = True
    rows = [_row(case, one) for case, one in zip(cases, gathered, strict=True)] if rounds else []
    return Measured(tuple(rows), rounds, interrupted)


def _rounds(cases: Sequence[Case], settings: Settings) -> Iterator[list[dict[str, Any]]]:
    for _ in range(settings.rounds):
        yield [_turn(case, settings) for case in cases]


def _turn(case: Case, settings: Settings) -> dict[str, Any]:
    _, cold_start_ms = _worker(case, settings, 0, {})
    answer, _ = _worker(case, settings, settings.runs, {})
    return {**answer, "cold_start_ms": cold_start_ms}


def _worker(case: Case, settings: Settings, runs: int, accuracy: dict[str, str]) -> tuple[dict[str, Any], float]:
    """Return what a worker says, and the milliseconds of its whole life."""
    order = Order(str(case.bundle), case.runtimes, settings.pictures, runs, asdict(settings.hardware), accuracy)
    command = [sys.executable, "-m", "export.benchmark.worker", json.dumps(asdict(order))]
    environment = {name: value for name, value in os.environ.items() if name != NO_CACHE}
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        try:
            out, err = process.communicate()
        except BaseException:
            process.kill()
            raise
    took_ms = 1e3 * (time.perf_counter() - start)
    if process.returncode:
        last = (err.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        reason = re.sub(r"^edge\.errors\.\w+: ", "", last)
        raise ModelError(f"{case.bundle}: does not run on {case.runtime} ({reason[:300]})")
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer, took_ms


def _add(one: _Gathered, lap: dict[str, Any]) -> None:
    for name, times in lap["laps"].items():
        one.laps[name] += times
    one.cold_start_ms.append(lap["cold_start_ms"])
    one.versions, one.notes = tuple(lap["runtimes"]), tuple(lap["notes"])
    if lap["peak_memory_mb"] is not None:
        one.peak_memory_mb.append(lap["peak_memory_mb"])


def _row(case: Case, one: _Gathered) -> Row:
    memory = round(max(one.peak_memory_mb), 1) if one.peak_memory_mb else None
    detect, embed, picture = (Spread.of(one.laps[name]) for name in LAPS)
    return Row(
        case, one.versions, Spread.of(one.cold_start_ms), detect, embed, picture, memory, one.accuracy, one.notes
    )
