"""Events as files for other programs: CSV (RFC 4180) and Parquet, one row an event.

Columns: device_id, device, received_s, clock, product_listed, then the fields of docs/formats/event.md.
"""

from __future__ import annotations

import base64
import csv
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra
from edge.events import Event
from edge.files import whole_file

COLUMNS = ("device_id", "device", "received_s", "clock", "product_listed", *Event.__dataclass_fields__)
_FLOATS = ("received_s", "made_at_s", "similarity", "margin")
_GROUP = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(events: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write events as CSV, embeddings in base64, and return how many there were.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.

    Raises:
        OutputError: the file cannot be written; nothing stays behind.
    """
    count = 0
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for count, event in enumerate(events, 1):  # noqa: B007
            writer.writerow([_cell(event[name]) for name in COLUMNS])
    return count


def write_parquet(events: Iterable[Mapping[str, Any]], path: Path) -> int:
    """Write events as Parquet and return how many there were.

    Raises:
        MissingExtra: pyarrow is not installed.
        OutputError: the file cannot be written; nothing stays behind.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as e:
        raise MissingExtra("pyarrow", "parquet") from e
    special = {**dict.fromkeys(_FLOATS, pyarrow.float64()), "catalog_version": pyarrow.int64()}
    special |= {"product_listed": pyarrow.bool_(), "embedding": pyarrow.binary()}
    schema = pyarrow.schema([(name, special.get(name, pyarrow.string())) for name in COLUMNS])
    count = 0
    with whole_file(path) as temporary, parquet.ParquetWriter(temporary, schema, compression="zstd") as writer:
        for group in _groups(events):
            writer.write_table(pyarrow.Table.from_pylist(group, schema))
            count += len(group)
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _groups(events: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(events)
    while group := list(islice(left, _GROUP)):
        yield group
