"""Query files: which photo shows which product of the catalogue, or none.

A CSV file with the columns `path` and `product_id`, and an optional `group`; other columns are left alone. An empty
`product_id` means that the photo shows nothing from the catalogue. A byte order mark and a semicolon or tab as
separator are understood, as spreadsheets write them.

    path,product_id,group
    shop/0001.jpg,oat-milk-1l,carton
    shop/0002.jpg,,elsewhere
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import InputError

REQUIRED = ("path", "product_id")
SEPARATORS = ",;\t"


@dataclass(frozen=True)
class Query:
    """One photo.

    Attributes:
        line: line of the file that it stands on, from 1.
        path: the photo, as the file names it.
        product_id: what it shows; empty for nothing from the catalogue.
        group: what it is counted with; empty for no group.
    """

    line: int
    path: str
    product_id: str
    group: str


@dataclass(frozen=True)
class QueryFile:
    """The queries of a file, and one sentence for each row that cannot be used."""

    queries: tuple[Query, ...]
    problems: tuple[str, ...]


def read_queries(path: Path) -> QueryFile:
    """Read a query file.

    Args:
        path: the CSV file, UTF-8.

    Raises:
        InputError: the file cannot be read as text, has no header, or lacks a column.
    """
    rows = _rows(path)
    header = [name.strip().lower() for name in next(rows, (1, []))[1]]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        found = ", ".join(filter(None, header)) or "an empty file"
        raise InputError(f"{path}: column {missing[0]!r} is missing from the first line, found {found}")
    queries, problems = [], []
    for line, cells in rows:
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        if not set(REQUIRED) <= set(row):
            problems.append(f"{path}, line {line}: {len(cells)} of {len(header)} columns, so product_id is missing")
        elif not row["path"]:
            problems.append(f"{path}, line {line}: no path is given")
        else:
            queries.append(Query(line, row["path"], row["product_id"], row.get("group", "")))
    return QueryFile(tuple(queries), tuple(problems))


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not blank."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise InputError(f"{path}: is not text in UTF-8 (byte {e.start}): save it as CSV UTF-8") from e
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from e
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as e:
        raise InputError(f"{path}, line {reader.line_num}: is not CSV ({e})") from e
