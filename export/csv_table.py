"""CSV files as spreadsheets write them: a header, rows with their line numbers.

Comma, semicolon or tab separate; a byte order mark and UTF-16 are understood; blank rows are passed over.

    >>> table = read_csv_table(Path("queries.csv"), required=("path", "product_id"))
    >>> table.names, table.rows
    (['path', 'product_id'], [(2, ['a.jpg', 'oat-milk-1l'])])
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError

SEPARATORS = ",;\t"


@dataclass(frozen=True)
class CsvTable:
    """A CSV file.

    Attributes:
        names: the columns in lower case, as the first line has them.
        rows: each row that is not blank: the line that it begins on, from 1, and its cells.
    """

    names: list[str]
    rows: list[tuple[int, list[str]]]


def read_csv_table(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> CsvTable:
    """Read a CSV file.

    Args:
        path: the file.
        required: columns that must be there.
        optional: columns that may be; other ones are left alone.

    Raises:
        InputError: the file is missing, empty, not UTF-8 or not CSV, or a column is missing or stands twice.
    """
    text = _text(path, required)
    separator = max(SEPARATORS, key=text.splitlines()[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], 1
    try:
        for cells in reader:
            if line == 1 or any(cell.strip() for cell in cells):
                rows.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as e:
        raise InputError(f"{path}: line {reader.line_num} is not CSV ({e}): check its quotation marks") from e
    return CsvTable(_names(rows[0][1], path, required, optional), rows[1:])


def _text(path: Path, required: Sequence[str]) -> str:
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e})") from e
    try:
        text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as e:
        line = raw[: e.start].count(b"\n") + 1
        raise InputError(f"{path}: line {line} is not UTF-8: save the table as UTF-8 text") from e
    if not text.strip():
        raise InputError(f"{path}: is empty: its first line must name {', '.join(required)}")
    return text


def _names(header: list[str], path: Path, required: Sequence[str], optional: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in header]
    if missing := [name for name in required if name not in names]:
        found = ", ".join(repr(name) for name in names[:12])
        raise InputError(f"{path}: column {missing[0]!r} is missing: the first line has {found}")
    if repeated := [name for name in (*required, *optional) if names.count(name) > 1]:
        raise InputError(f"{path}: column {repeated[0]!r} stands twice in the first line")
    return names
