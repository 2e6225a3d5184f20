"""A list of views to leave out of a catalogue: what `export lint` proposes and `export catalog --exclude` obeys.

A CSV file with the columns `product_id` and `key` (16 hexadecimal digits, see docs/formats/shard.md; empty: the whole
product), and optionally `exclude` (a row that says no is passed over). Other columns are for people.

    exclude,product_id,key,image,reason
    yes,oat-milk-1l,4f0c5dd2a9b81e37,oat/back.jpg,fits Oat cream by 0.93
    no,rye-500g,,rye.jpg,is 0.961 like Rye 1 kg
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from edge.errors import InputError
from export.csv_table import read_csv_table

REQUIRED = ("product_id", "key")
OPTIONAL = ("exclude",)
COLUMNS = ("exclude", "product_id", "key", "image", "reason")
_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0", "")


@dataclass(frozen=True)
class Excluded:
    """A view that is left out, or a whole product.

    Attributes:
        line: line of the file, from 1.
        product_id: the product.
        key: of the view; None for all of them.
    """

    line: int
    product_id: str
    key: int | None


@dataclass(frozen=True)
class Exclusion:
    """What is left out.

    Attributes:
        rows: one for each view or product.
    """

    rows: tuple[Excluded, ...] = ()

    def covers(self, product_id: str, key: int) -> Excluded | None:
        """Return the row that a view is left out by, None where it stays."""
        return self._by_place.get((product_id, None)) or self._by_place.get((product_id, key))

    @cached_property
    def _by_place(self) -> dict[tuple[str, int | None], Excluded]:
        return {(row.product_id, row.key): row for row in self.rows}


def read_exclusion(path: Path) -> Exclusion:
    """Read a list of what is to be left out.

    Raises:
        InputError: the file cannot be read, lacks a column, or a row says neither yes nor no or has a bad key: a list
            that is only half understood leaves out the wrong things.
    """
    table = read_csv_table(path, REQUIRED, OPTIONAL)
    rows = []
    for line, cells in table.rows:
        row = dict(zip(table.names, (cell.strip() for cell in cells), strict=False))
        wanted = row.get("exclude", "yes").lower()
        if wanted not in (*_YES, *_NO):
            raise InputError(f"{path}, line {line}: exclude {wanted[:20]!r} is neither yes nor no")
        key = row.get("key", "")
        if not row.get("product_id") or not re.fullmatch("([0-9a-fA-F]{16})?", key):
            raise InputError(f"{path}, line {line}: needs a product_id, and a key of 16 hexadecimal digits or none")
        if wanted in _YES:
            rows.append(Excluded(line, row["product_id"], int(key, 16) if key else None))
    return Exclusion(tuple(rows))


def exclusion_text(rows: Iterable[Sequence[str]]) -> str:
    """Return the file of rows of `COLUMNS`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue()
