"""The course of a training as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.errors import MissingExtra
from edge.files import whole_file

Curve = Sequence[tuple[int, float]]


def draw_curves(panels: Mapping[str, Mapping[str, Curve]], path: Path) -> None:
    """Draw curves over the steps of a training as a PNG.

    Args:
        panels: title of a panel -> name of a curve -> (step, value) pairs; panels lie side by side.
        path: file to write.

    Raises:
        MissingExtra: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as e:
        raise MissingExtra("matplotlib, which draws the curves,", "export") from e
    figure = Figure(figsize=(5 * len(panels), 3.5), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for name, curve in curves.items():
            axes.plot([step for step, _ in curve], [value for _, value in curve], marker=".", label=name)
        axes.set(title=title, xlabel="step")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if curves:
            axes.legend()
    with whole_file(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)
