"""What was measured, as a person and as a program read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from edge.machine import machine
from export.benchmark.measuring import Measured, Row, Settings, Spread
from export.evaluation.tables import aligned

NONE = "-"
HEADINGS = ["bundle", "size, MB", "cold start, ms", "detect, ms", "embed, ms", "picture, ms", "memory, MB"]
ACCURACY = {"ap50": "AP50", "recall_at_1": "recall@1", "tag_precision": "tag precision", "tag_recall": "tag recall"}
NOTE = (
    "least / p50 / p95 over all rounds; cold start: a whole process that looks at one picture; embed: one crop; "
    "picture: boxes, and the vectors of all crops; memory: peak of the whole process"
)


def tables(measured: Measured) -> str:
    """Lay out one table for each target and runtime."""
    if not measured.rows:
        return "nothing was measured"
    parts = []
    for (target, runtime), rows in groupby(measured.rows, key=lambda row: (row.case.target, row.case.runtime)):
        group = list(rows)
        parts.append(f"target {target}, {' + '.join(group[0].versions) or runtime}\n{_table(group)}")
    return "\n\n".join([*parts, NOTE])


def document(measured: Measured, settings: Settings, problems: Sequence[str]) -> dict[str, Any]:
    """Return the result document of `export benchmark`."""
    return {
        "machine": machine(),
        "threads": settings.hardware.threads or "chosen by the runtime",
        "providers": list(settings.hardware.providers),
        "pictures": len(settings.pictures),
        "rounds": measured.rounds,
        "runs": settings.runs,
        "partial": measured.interrupted,
        "rows": [_json(row) for row in measured.rows],
        "problems": list(problems),
    }


def _json(row: Row) -> dict[str, Any]:
    return {
        "bundle": str(row.case.bundle),
        "name": row.case.label,
        "target": row.case.target,
        "runtime": " + ".join(row.versions) or row.case.runtime,
        "bytes": row.case.bytes,
        **{name: asdict(getattr(row, name)) for name in ("cold_start_ms", "detect_ms", "embed_ms", "picture_ms")},
        "peak_memory_mb": row.peak_memory_mb,
        "accuracy": dict(row.accuracy),
        "notes": list(row.notes),
    }


def _table(rows: Sequence[Row]) -> str:
    figures = [name for name in ACCURACY if any(name in row.accuracy for row in rows)]
    lines = [[*HEADINGS, *(ACCURACY[name] for name in figures)]]
    for row in rows:
        times = (_cell(spread) for spread in (row.cold_start_ms, row.detect_ms, row.embed_ms, row.picture_ms))
        memory = NONE if row.peak_memory_mb is None else f"{row.peak_memory_mb:.0f}"
        size = f"{row.case.bytes / 1e6:.2f}"
        lines.append([row.case.label, size, *times, memory, *(_share(row.accuracy, name) for name in figures)])
    return aligned(lines)


def _cell(spread: Spread) -> str:
    if spread.p50 is None:
        return NONE
    return " / ".join(short(value) for value in (spread.least, spread.p50, spread.p95) if value is not None)


def short(value: float) -> str:
    """Return a figure with one decimal, or none from 100 on."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def _share(accuracy: Mapping[str, Any], name: str) -> str:
    value, bounds = accuracy.get(name), accuracy.get(f"{name}_ci95")
    if value is None:
        return NONE
    if bounds is None or None in bounds:
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} ({100 * bounds[0]:.0f}-{100 * bounds[1]:.0f})"
