"""The table that `edge tag` prints: one line for each tag, and what is not in the catalogue.

On a terminal it uses the whole width, shortens names and adds colour (unless NO_COLOR is set); elsewhere it is plain
and nothing is cut.

    >>> print_table(run, sys.stdout)
    Source      When             Product             Similarity  Margin  Status
    shelf.mp4   0:01.0 – 0:04.5  Oat drink barista         0.84   +0.21  match
                                 not in the catalogue: 2 objects
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from edge.defaults import DEMO_NOTICE
from edge.output.text_width import display_width, fit, printable, shorten, shorten_start
from edge.output.wording import count, promises, summary, when
from edge.tags import SourceTags, Tag, TagRun

HEADINGS = ("Source", "When", "Product", "Similarity", "Margin", "Status")
NUMERIC = ("Similarity", "Margin")
GAP = "  "
NARROW = 72
SOURCE_WIDTH = 24
_SOURCE, _WHEN, _PRODUCT, _STATUS = 0, 1, 2, 5

_STYLES = {"heading": "1", "quiet": "2", "match": "32", "ambiguous": "33", "problem": "31"}


@dataclass(frozen=True)
class Row:
    """One line: a text for each heading, and how it is coloured (a key of `_STYLES`, or nothing)."""

    cells: tuple[str, ...]
    style: str = ""


def print_table(run: TagRun, stream: TextIO) -> None:
    """Print what was found.

    Args:
        run: the result of tagging.
        stream: where to; a terminal gets colour and its own width, anything else plain and whole lines.
    """
    terminal = stream.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    colour = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    encoding = stream.encoding or "utf-8"
    for line in table_lines(run, width, colour):
        stream.write(line.encode(encoding, "replace").decode(encoding) + "\n")


def table_lines(run: TagRun, width: int | None, colour: bool = False) -> list[str]:
    """Return the lines of the table.

    Args:
        run: the result of tagging.
        width: cells that a line may take, None for as many as it needs.
        colour: whether lines carry the terminal's colour codes.
    """
    rows = [row for source in run.sources for row in _rows(source)]
    narrow = width is not None and width < NARROW
    lines = list(_stacked(rows, width or 0) if narrow else _columns(rows, width))
    lines += [("", ""), *((line, "heading") for line in _summary(run, width))]
    lines += [(printable(line), "quiet") for line in promises(run)]
    if run.demo:
        lines.append((DEMO_NOTICE, "ambiguous"))
    return [_styled(line if width is None else shorten(line, width), style, colour) for line, style in lines]


def _summary(run: TagRun, width: int | None) -> list[str]:
    parts = summary(run.sources)
    line = " · ".join(parts)
    return [line] if width is None or display_width(line) <= width else parts


def _rows(source: SourceTags) -> Iterator[Row]:
    name = printable(source.path)
    for tag in source.tags:
        yield Row((name, when(source, tag), *_product_cells(tag)), tag.status)
        name = ""
        if tag.status == "ambiguous" and len(tag.candidates) > 1:
            second = tag.candidates[1]
            yield Row(("", "", f"or {printable(second.title)}", f"{second.similarity:.2f}", "", ""), "quiet")
    if source.unmatched:
        yield _note(name, f"not in the catalogue: {count(len(source.unmatched), 'object')}", "quiet")
        name = ""
    if source.error is not None:
        yield _note(name, printable(source.error), "problem")
    elif not source.tags and not source.unmatched:
        yield _note(name, "nothing found", "quiet")


def _product_cells(tag: Tag) -> tuple[str, str, str, str]:
    first = tag.candidates[0]
    return printable(first.title), f"{first.similarity:.2f}", f"{tag.margin:+.2f}", tag.status


def _note(name: str, text: str, style: str) -> Row:
    """Return a line that has something to say in place of a product: the text may run over the columns after it."""
    return Row((name, "", text), style)


def _columns(rows: Sequence[Row], width: int | None) -> Iterator[tuple[str, str]]:
    if not rows:
        return
    full = [Row(HEADINGS, "heading"), *(row for row in rows if len(row.cells) == len(HEADINGS))]
    widths = [max(display_width(row.cells[i]) for row in full) for i in range(len(HEADINGS))]
    widths[_SOURCE] = max(display_width(row.cells[_SOURCE]) for row in [*full, *rows])
    if not any(row.cells[_WHEN] for row in rows):
        widths[_WHEN] = 0
    if width is not None:
        widths = _narrowed(widths, width)
    for row in [full[0], *rows]:
        yield _line(row, widths), row.style


def _line(row: Row, widths: Sequence[int]) -> str:
    parts = []
    for i, (text, cells) in enumerate(zip(row.cells, widths, strict=False)):
        if i == len(row.cells) - 1:
            parts.append(text)
        elif cells:
            short = shorten_start(text, cells) if i == _SOURCE else text
            parts.append(fit(short, cells, right=HEADINGS[i] in NUMERIC))
    return GAP.join(parts).rstrip()


def _narrowed(widths: list[int], width: int) -> list[int]:
    """Take cells from the source's column, then from the product's, until the line fits."""
    narrowed = list(widths)
    excess = sum(widths) + len(GAP) * (sum(w > 0 for w in widths) - 1) - width
    for column, least in ((_SOURCE, SOURCE_WIDTH), (_PRODUCT, 20), (_SOURCE, 8), (_PRODUCT, 8)):
        taken = max(0, min(excess, narrowed[column] - least))
        narrowed[column] -= taken
        excess -= taken
    return narrowed


def _stacked(rows: Sequence[Row], width: int) -> Iterator[tuple[str, str]]:
    """Yield the table for a narrow terminal: source, then product, then its figures below."""
    for row in rows:
        if row.cells[_SOURCE]:
            yield shorten_start(row.cells[_SOURCE], width), "heading"
        yield "  " + shorten(row.cells[_PRODUCT], width - 2), row.style
        if len(row.cells) == len(HEADINGS) and row.cells[_STATUS]:
            when_seen, similarity, margin, status = (row.cells[i] for i in (_WHEN, 3, 4, _STATUS))
            yield "    " + " · ".join(filter(None, [when_seen, f"{similarity} ({margin})", status])), "quiet"


def _styled(line: str, style: str, colour: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{line}\x1b[0m" if colour and style and line else line
