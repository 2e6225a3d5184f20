"""What was measured, as a picture: a panel for each figure, a bar for each bundle and runtime, all on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra
from edge.files import whole_file
from export.benchmark.measuring import Row
from export.benchmark.table import ACCURACY, short

COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#72b7b2", "#e45756")


@dataclass(frozen=True)
class Panel:
    """One figure of all rows.

    Attributes:
        title: what it is, with its unit.
        values: one for each row, None where it was not measured.
        whiskers: the upper end of a line above each bar (p95), None for none.
    """

    title: str
    values: Sequence[float | None]
    whiskers: Sequence[float | None]


def require_matplotlib() -> None:
    """Raise `MissingExtra` before anything is measured if there is nothing to draw with."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as e:
        raise MissingExtra("matplotlib, which draws the plot,", "export") from e


def write_plot(rows: Sequence[Row], target: Path) -> None:
    """Draw the rows into a PNG, SVG or PDF file, by its suffix."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    panels = panels_of(rows)
    names = [f"{row.case.label}\n{row.case.target}, {row.case.runtime}" for row in rows]
    runtimes = list(dict.fromkeys(row.case.runtime for row in rows))
    colours = [COLOURS[runtimes.index(row.case.runtime) % len(COLOURS)] for row in rows]
    figure, axes = pyplot.subplots(
        1,
        len(panels),
        figsize=(2.2 + 2.3 * len(panels), 1.3 + 0.55 * len(rows)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, panel in zip(axes[0], panels, strict=True):
        _draw(axis, panel, names, colours)
    axes[0][0].invert_yaxis()
    with whole_file(target) as temporary:
        figure.savefig(temporary, dpi=150)
    pyplot.close(figure)


def panels_of(rows: Sequence[Row]) -> list[Panel]:
    """Lay out what is drawn: times with their p95, memory, size, and what accuracy there is."""
    none = [None] * len(rows)
    spreads = (
        ("picture, ms: p50, line to p95", [row.picture_ms for row in rows]),
        ("cold start, ms: likewise", [row.cold_start_ms for row in rows]),
    )
    panels = [Panel(title, [s.p50 for s in given], [s.p95 for s in given]) for title, given in spreads]
    panels.append(Panel("peak memory, MB", [row.peak_memory_mb for row in rows], none))
    panels.append(Panel("size, kB", [row.case.bytes / 1e3 for row in rows], none))
    for name, words in ACCURACY.items():
        values = [row.accuracy.get(name) for row in rows]
        if any(value is not None for value in values):
            panels.append(Panel(f"{words}, %", [None if v is None else 100 * v for v in values], none))
    return panels


def _draw(axis: Any, panel: Panel, names: Sequence[str], colours: Sequence[str]) -> None:
    places = range(len(names))
    axis.barh(places, [value or 0 for value in panel.values], color=colours, height=0.6)
    longest = max((value for value in (*panel.values, *panel.whiskers) if value is not None), default=1.0)
    for place, value, whisker in zip(places, panel.values, panel.whiskers, strict=True):
        end = max(value or 0, whisker or 0)
        if value is not None and whisker is not None:
            axis.plot([value, whisker], [place, place], color="#333333", linewidth=1.2)
        axis.text(end + 0.02 * longest, place, "-" if value is None else short(value), va="center", fontsize=8)
    axis.set_yticks(places, names, fontsize=8)
    axis.set_xlim(0, 1.25 * longest or 1)
    axis.set_title(panel.title, fontsize=9)
    axis.tick_params(axis="x", labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
