"""Query files: which photo shows which product of the catalogue, or none.

A CSV file with the columns `path` and `product_id`, and an optional `group`; other columns are left alone. An empty
`product_id` means that the photo shows nothing from the catalogue. A byte order mark and a semicolon or tab as
separator are understood, as spreadsheets write them.

    path,product_id,group
    shop/0001.jpg,oat-milk-1l,carton
    shop/0002.jpg,,elsewhere
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from export.csv_table import read_csv_table

REQUIRED = ("path", "product_id")
OPTIONAL = ("group",)


@dataclass(frozen=True)
class Query:
    """One photo.

    Attributes:
        line: line of the file that it stands on, from 1; 0 where it is of no file.
        path: the photo, as the file names it.
        product_id: what it shows; empty for nothing from the catalogue.
        group: what it is counted with; empty for no group.
    """

    line: int
    path: str
    product_id: str
    group: str

    @property
    def place(self) -> str:
        """How a sentence about it begins."""
        return f"line {self.line}: " if self.line else ""


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
        InputError: the file is missing, empty, not UTF-8 or not CSV, or lacks a column.
    """
    table = read_csv_table(path, REQUIRED, OPTIONAL)
    queries, problems = [], []
    for line, cells in table.rows:
        row = dict(zip(table.names, (cell.strip() for cell in cells), strict=False))
        if not set(REQUIRED) <= set(row):
            problems.append(f"{path}, line {line}: {len(cells)} of {len(table.names)} cells: product_id is missing")
        elif not row["path"]:
            problems.append(f"{path}, line {line}: no path is given")
        else:
            queries.append(Query(line, row["path"], row["product_id"], row.get("group", "")))
    return QueryFile(tuple(queries), tuple(problems))
