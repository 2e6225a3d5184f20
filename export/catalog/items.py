"""ITEMS.csv: one row for each view of a product, read so that one bad row costs one row.

>>> items = read_items(Path("items.csv"))
>>> items.views[0].image, items.problems
('oat/front.jpg', ())
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge.shard.record import ProductRecord
from export.catalog.fields import COLUMNS, OPTIONAL, REQUIRED, BadCell, read_fields
from export.csv_table import read_csv_table


@dataclass(frozen=True)
class View:
    """One picture of one product.

    Attributes:
        line: line of ITEMS.csv, from 1.
        product_id: the product that it shows.
        image: path inside the folder of images.
    """

    line: int
    product_id: str
    image: str


@dataclass(frozen=True)
class Problem:
    """A row of ITEMS.csv that cannot be used, and why, in one sentence."""

    line: int
    message: str


@dataclass(frozen=True)
class Items:
    """What ITEMS.csv says.

    Attributes:
        records: the products by id, in the order of the file.
        views: the rows that can be used, in the order of the file.
        problems: the rows that cannot.
        notes: what else a person should know, such as rows that say the same twice.
    """

    records: Mapping[str, ProductRecord]
    views: tuple[View, ...]
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def read_items(path: Path) -> Items:
    """Read ITEMS.csv: UTF-8 with or without a byte order mark, separated by comma, semicolon or tab.

    Several rows of one product are several views of it. A field of a product stands in any of its rows; a row that
    contradicts an earlier one is a problem and is left out.

    Raises:
        InputError: the file is missing, empty, not UTF-8, or lacks a column.
    """
    table = read_csv_table(path, REQUIRED, OPTIONAL)
    gathered = _Gathered()
    gathered.note_unknown(table.names)
    for line, cells in table.rows:
        gathered.add(line, table.names, cells)
    return gathered.items()


class _Gathered:
    """The rows so far: products grow as their rows come, and a row either fits them whole or is left out."""

    def __init__(self) -> None:
        self.fields: dict[str, dict[str, Any]] = {}
        self.said_at: dict[tuple[str, str], int] = {}
        self.views: dict[tuple[str, str], View] = {}
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def note_unknown(self, names: list[str]) -> None:
        if unknown := [name for name in names if name not in COLUMNS]:
            self.notes.append(Problem(1, f"columns that are not used: {', '.join(map(repr, unknown[:12]))}"))

    def add(self, line: int, names: list[str], cells: list[str]) -> None:
        try:
            if len(cells) > len(names):
                raise BadCell(f"{len(cells)} cells where the first line has {len(names)}: quote a cell with separators")
            values = read_fields(dict(zip(names, cells, strict=False)))
            self._require_agreement(values)
        except BadCell as e:
            self.problems.append(Problem(line, str(e)))
            return
        self._keep(line, values)

    def _require_agreement(self, values: dict[str, Any]) -> None:
        product_id = values["product_id"]
        known = self.fields.get(product_id, {})
        for name, value in values.items():
            if name != "image" and not _silent(value) and known.get(name, value) != value:
                at = self.said_at[product_id, name]
                raise BadCell(f"product {product_id!r} has {name} {value!r} here but {known[name]!r} on line {at}")

    def _keep(self, line: int, values: dict[str, Any]) -> None:
        product_id, image = values["product_id"], values["image"]
        known = self.fields.setdefault(product_id, {})
        for name, value in values.items():
            if name != "image" and not _silent(value) and name not in known:
                known[name] = value
                self.said_at[product_id, name] = line
        if twin := self.views.get((product_id, image)):
            self.notes.append(Problem(line, f"says the same picture of {product_id!r} as line {twin.line}: used once"))
            return
        self.views[product_id, image] = View(line, product_id, image)

    def items(self) -> Items:
        untitled = {product_id for product_id, known in self.fields.items() if "title" not in known}
        self.problems += [
            Problem(view.line, f"product {view.product_id!r} has no title")
            for view in self.views.values()
            if view.product_id in untitled
        ]
        records = {i: ProductRecord(**known) for i, known in self.fields.items() if i not in untitled}
        views = tuple(view for view in self.views.values() if view.product_id in records)
        return Items(records, views, tuple(sorted(self.problems, key=_by_line)), tuple(self.notes))


def _silent(value: Any) -> bool:
    return value is None or value == ""


def _by_line(problem: Problem) -> int:
    return problem.line


def without(items: Items, unusable: Mapping[View, str]) -> Items:
    """Return the items without some views, which become problems; a product without views goes too."""
    views = tuple(view for view in items.views if view not in unusable)
    left = {view.product_id for view in views}
    problems = [*items.problems, *(Problem(view.line, why) for view, why in unusable.items())]
    return replace(
        items,
        views=views,
        records={i: record for i, record in items.records.items() if i in left},
        problems=tuple(sorted(problems, key=_by_line)),
    )
