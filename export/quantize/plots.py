"""The plots of the report, as SVG text that stands in the page itself.

>>> time_and_loss(measured, budget=1.0).startswith("<svg")
True
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from edge.errors import MissingExtra
from export.quantize.noise import TensorNoise
from export.quantize.verdict import Measured

COLOURS = {
    "float": "#444444",
    "fp16": "#7a5195",
    "weight_only": "#2f7ebc",
    "qdq": "#2a9d5c",
    "int8": "#2a9d5c",
    "mixed": "#e07b00",
}
SHOWN_DB = 60


def time_and_loss(measured: Sequence[Measured], budget: float) -> str:
    """Draw one row for each file: the time that it takes and the points that it loses; the first file is the measure.

    Args:
        measured: the files.
        budget: largest loss that passes, points; losses beyond four times of it are cut.
    """
    figure, (times, losses) = _figure(8.6, 0.9 + 0.34 * len(measured), columns=2)
    rows = range(len(measured))
    base = measured[0].timing
    colours = [COLOURS[m.variant.scheme] if m.passed else "#c9c9c9" for m in measured]
    ratios = [m.timing.p50 / base.p50 if m.timing and base else 0.0 for m in measured]
    most = max(4 * budget, 0.5)
    times.barh(rows, ratios, color=colours)
    times.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    times.set_xlabel("time of one run, float = 1")
    times.set_yticks(rows, [_kind(m) for m in measured])
    drops = [m.judged.drop_points for m in measured]
    losses.barh(rows, [min(drop, most) for drop in drops], color=colours)
    for row, m in zip(rows, measured, strict=True):
        low, high = m.judged.drop_ci95 or (drops[row], drops[row])
        losses.plot([max(min(low, most), -most), min(high, most)], [row, row], color="#222222", linewidth=1.5)
        if drops[row] > most:
            losses.text(most, row, f"{drops[row]:.0f} ", ha="right", va="center", color="#222222")
    losses.axvline(budget, color="#b3261e", linewidth=1, linestyle="--")
    losses.set_xlim(right=most * 1.02)
    losses.set_xlabel("points lost, with 95 % interval; dashed: the budget")
    losses.set_yticks([])
    for axes in (times, losses):
        axes.invert_yaxis()
    return _svg(figure)


def noise_along_the_model(noise: Sequence[TensorNoise]) -> str:
    """Draw how many tensors have which signal-to-noise ratio; an empty string where there are none."""
    if not noise:
        return ""
    figure, axes = _figure(7.2, 2.4)
    axes.hist([min(n.snr_db, SHOWN_DB) for n in noise], bins=range(-10, SHOWN_DB + 2, 2), color="#2f7ebc")
    axes.set_xlabel("signal-to-noise ratio of a tensor, dB (further right is better)")
    axes.set_ylabel("tensors")
    return _svg(figure)


def _kind(m: Measured) -> str:
    suffix = {".onnx": "ONNX", ".tflite": "LiteRT"}.get(m.variant.path.suffix, m.variant.path.suffix)
    return f"{m.variant.scheme.replace('_', '-')}, {suffix}"


def _figure(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    try:
        from matplotlib.figure import Figure
    except ImportError as e:
        raise MissingExtra("matplotlib, which draws the report's plots,", "quantize") from e
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns)
    for one in axes if columns > 1 else [axes]:
        one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]
