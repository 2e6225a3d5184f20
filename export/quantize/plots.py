"""The plots of the report, as SVG text that stands in the page itself.

>>> accuracy_against_time(measured).startswith("<svg")
True
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

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


def accuracy_against_time(measured: Sequence[Measured]) -> str:
    """Draw what each file loses over the time that it takes, both against float; an empty string without timings."""
    timed = [m for m in measured if m.timing is not None]
    if not timed:
        return ""
    figure, axes = _figure(7.2, 3.4)
    base = next((m.timing.p50 for m in measured if m.variant.scheme == "float" and m.timing), None)
    for m in timed:
        assert m.timing is not None
        x, y = m.timing.p50 / base if base else m.timing.p50, m.judged.drop_points
        low, high = m.judged.drop_ci95 or (y, y)
        axes.errorbar(
            [x], [y], yerr=[[max(0.0, y - low)], [max(0.0, high - y)]], color=COLOURS[m.variant.scheme],
            marker="o" if m.passed else "X", markersize=9, capsize=4,
        )  # fmt: skip
        axes.annotate(f" {_kind(m)}", (x, y), textcoords="offset points", xytext=(7, 5), fontsize=9)
    axes.axhline(0, color="#999999", linewidth=0.8)
    axes.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    axes.set_xlabel("time of one run, float = 1 (further left is faster)")
    axes.set_ylabel("points lost (lower is better)")
    axes.set_xlim(left=0, right=max(1.25, axes.get_xlim()[1] * 1.15))
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


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    whole = text.getvalue()
    return whole[whole.index("<svg") :]
