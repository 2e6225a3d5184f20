"""Figures as a person reads them in a terminal.

>>> print(retrieval_table({"all": measure(answers, matching)}))
        queries  recall@1        recall@5        ...
all          40  85 (74-94)      97 (92-100)     ...
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from export.evaluation.retrieval import Figures

HEADINGS = {
    "recall_at_1": "recall@1",
    "recall_at_5": "recall@5",
    "tag_precision": "tag precision",
    "tag_recall": "tag recall",
    "false_tag_rate": "false tags",
    "wrong_tag_rate": "wrong tags",
}
NONE = "-"
NOTE = "percent, with 95 % intervals by bootstrap over products; - where there is nothing to measure"


def retrieval_table(rows_by_name: Mapping[str, Figures]) -> str:
    """Lay out figures as text, a line for each name."""
    rows = [["", "queries", *HEADINGS.values()]]
    for name, figures in rows_by_name.items():
        rows.append([name, str(figures.queries), *(_cell(figures, figure) for figure in HEADINGS)])
    return aligned(rows) + f"\n{NOTE}"


def detection_table(document: Mapping[str, Any]) -> str:
    """Lay out the result document of a detector as text, a line for each figure."""
    names = ["images", "boxes", "ap50", "ap50_95", "ar50_at_10", "recall_at_threshold", "precision_at_threshold"]
    rows = [[name.replace("_", " "), NONE if document[name] is None else f"{document[name]:g}"] for name in names]
    return aligned(rows)


def _cell(figures: Figures, name: str) -> str:
    value, bounds = figures.value[name], figures.ci95[name]
    if value is None:
        return NONE
    return f"{100 * value:.1f}" + (f" ({100 * bounds[0]:.0f}-{100 * bounds[1]:.0f})" if bounds else "")


def aligned(rows: list[list[str]]) -> str:
    """Lay out rows of equal length as text, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)
