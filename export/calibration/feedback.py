"""What people decided on tags, as trials: a file of `python -m server tags export` in, false tags out.

Only sure tags count (an ambiguous one is no tag): one that was rejected or corrected was false. Nobody's word counts
for much: of a device, the last decision on each product counts, on at most five products, chosen by a hash, so not by
the device; and thresholds are as if the device that speaks most for stricter ones had said nothing. Decisions are a
further kind of trial beside the photos, so they can only make thresholds stricter.

    >>> feedback = read_feedback(Path("tags.csv"), shard)
    >>> feedback.trials.count, feedback.devices
    (212, 48)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import InputError, MissingExtra
from edge.events import KINDS, STATUSES
from edge.shard import Shard
from export.calibration.trials import Trials
from export.csv_table import read_csv_table

COLUMNS = ("device_id", "tag_id", "kind", "catalog", "space_id", "product_id", "similarity", "margin", "status")
PARQUET = b"PAR1"
MOST_PRODUCTS = 5
"""So many votes a device has at most."""


@dataclass(frozen=True)
class Decision:
    """One decision on one tag, as the export has it; see docs/formats/event.md."""

    device_id: str
    tag_id: str
    kind: str
    product_id: str
    similarity: float
    margin: float
    status: str


@dataclass(frozen=True)
class Feedback:
    """Decisions on the sure tags of a catalogue.

    Attributes:
        trials: one for each vote that counts.
        devices: how many devices they are of.
        decisions: how many decisions on sure tags of this catalogue there were.
        problems: a sentence for each row that cannot be used.
    """

    trials: Trials
    devices: int
    decisions: int
    problems: tuple[str, ...]


def read_feedback(path: Path, shard: Shard) -> Feedback:
    """Read decisions on tags of a catalogue, in whatever version, of the shard's embedding space.

    Args:
        path: CSV or Parquet, as `python -m server tags export` writes it, rows in the order in which they came.
        shard: whose catalogue it is about.

    Raises:
        InputError: the file is no such export, or holds no sure tag of this catalogue and embedding space.
        MissingExtra: it is Parquet, and pyarrow is not installed.
    """
    decisions: dict[tuple[str, str], Decision] = {}
    problems, others = [], set()
    for place, row in _rows(path):
        if (row["catalog"], row["space_id"]) != (shard.catalog, shard.space_id):
            others.add(f"{row['catalog']} in space {str(row['space_id'])[:12]}")
            continue
        try:
            decision = _decision(row)
        except ValueError as e:
            problems.append(f"{path}, {place}: {e}")
            continue
        decisions.pop((decision.device_id, decision.tag_id), None)
        decisions[decision.device_id, decision.tag_id] = decision
    sure = [decision for decision in decisions.values() if decision.status == "match"]
    if not sure:
        about = f", only decisions on {', '.join(sorted(others)[:3])}" if others else ""
        raise InputError(
            f"{path}: holds no decision on a sure tag of {shard.catalog} in space {shard.space_id[:12]}{about}"
        )
    trials = trials_of(sure)
    return Feedback(trials, len(np.unique(trials.device)), len(sure), tuple(problems))


def trials_of(decisions: Iterable[Decision]) -> Trials:
    """Return the votes of devices as trials: the last decision on each product, on `MOST_PRODUCTS` products at most."""
    last: dict[str, dict[str, Decision]] = {}
    for decision in decisions:
        last.setdefault(decision.device_id, {})[decision.product_id] = decision
    votes, device = [], []
    for number, device_id in enumerate(sorted(last)):
        chosen = sorted(last[device_id], key=lambda product_id: _lot(device_id, product_id))[:MOST_PRODUCTS]
        votes += [last[device_id][product_id] for product_id in chosen]
        device += [number] * len(chosen)
    false = [row for row, vote in enumerate(votes) if vote.kind != "accepted"]
    return Trials(
        "decisions",
        len(votes),
        np.array(false, np.int64),
        np.array([votes[row].similarity for row in false], np.float64),
        np.array([votes[row].margin for row in false], np.float64),
        np.array(device, np.int64),
    )


def _lot(device_id: str, product_id: str) -> bytes:
    return hashlib.sha256(f"{device_id}\n{product_id}".encode()).digest()


def _decision(row: Mapping[str, Any]) -> Decision:
    """Check a row.

    Raises:
        ValueError: a cell is not what it should be; the message says which.
    """
    for name, choices in (("kind", KINDS), ("status", STATUSES)):
        if row[name] not in choices:
            raise ValueError(f"{name}: expected {' or '.join(choices)}, found {str(row[name])[:40]!r}")
    for name in ("device_id", "tag_id", "product_id"):
        if not row[name] or not isinstance(row[name], str):
            raise ValueError(f"{name} is missing")
    similarity, margin = _number(row, "similarity", -1, 1), _number(row, "margin", 0, 2)
    return Decision(row["device_id"], row["tag_id"], row["kind"], row["product_id"], similarity, margin, row["status"])


def _number(row: Mapping[str, Any], name: str, low: float, high: float) -> float:
    cell = row[name]
    try:
        value = float(cell)
    except (TypeError, ValueError):
        value = np.nan
    if not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low} to {high}, found {str(cell)[:40]!r}")
    return value


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield where each row stands, and its cells by name."""
    try:
        with path.open("rb") as file:
            head = file.read(len(PARQUET))
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
    if head == PARQUET:
        yield from ((f"row {number}", row) for number, row in enumerate(_parquet(path), 1))
        return
    table = read_csv_table(path, COLUMNS)
    for line, cells in table.rows:
        row = dict.fromkeys(COLUMNS, "") | dict(zip(table.names, cells, strict=False))
        yield f"line {line}", row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as e:
        raise MissingExtra("pyarrow", "parquet") from e
    try:
        with parquet.ParquetFile(path) as file:
            if missing := [name for name in COLUMNS if name not in file.schema_arrow.names]:
                found = ", ".join(repr(name) for name in file.schema_arrow.names[:12])
                raise InputError(f"{path}: column {missing[0]!r} is missing: the file has {found}")
            for batch in file.iter_batches(columns=list(COLUMNS)):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as e:
        raise InputError(f"{path}: cannot be read as Parquet ({str(e)[:120]})") from e
