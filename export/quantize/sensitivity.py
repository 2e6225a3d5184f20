"""How badly each layer bears int8: the noise that rounding it alone makes where the layers end.

>>> found = sensitivities(prepared.model, layers, ranges, feeds)
>>> order = cheapest_first(found, layers)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx

from edge.command_line import progress
from export.quantize.layers import Layers
from export.quantize.ranges import Feeds, run_watched, watching
from export.quantize.rounding import SUFFIX, with_rounded_layers

PICTURES = 6
Heads = Sequence[Mapping[str, np.ndarray]]


def sensitivities(
    model: onnx.ModelProto, layers: Layers, ranges: Mapping[str, tuple[float, float]], feeds: Sequence[Feeds]
) -> dict[str, float]:
    """Return for each layer the noise power over the signal power at the heads when it alone is rounded.

    Args:
        model: prepared, float32.
        layers: of the model.
        ranges: (low, high) of every float tensor.
        feeds: a few pictures.

    Returns:
        Mean over the heads, each head's power taken around its mean; 0 where nothing changed.
    """
    truth = list(_heads(model, layers.heads, feeds))
    found = {}
    for name in progress(layers.macs, "trying layers", len(layers.macs), "layer"):
        trial = with_rounded_layers(model, layers, {name}, ranges)
        made = {output for node in trial.graph.node for output in node.output}
        names = [head + SUFFIX if head + SUFFIX in made else head for head in layers.heads]
        found[name] = _noise(truth, list(_heads(trial, names, feeds)), layers.heads, names)
    return found


def cheapest_first(noise: Mapping[str, float], layers: Layers) -> tuple[str, ...]:
    """Order layers by what returning them to float gains for each multiply-add that it costs, most first."""
    return tuple(sorted(noise, key=lambda name: -noise[name] / max(layers.macs[name], 1)))


def _heads(model: onnx.ModelProto, names: Sequence[str], feeds: Iterable[Feeds]) -> Iterable[dict[str, np.ndarray]]:
    session = watching(model, names)
    return [dict(run_watched(session, names, feed)) for feed in feeds]


def _noise(truth: Heads, trial: Heads, heads: Sequence[str], names: Sequence[str]) -> float:
    ratios = []
    for head, name in zip(heads, names, strict=True):
        noise = sum(float(((a[head] - b[name]) ** 2).sum()) for a, b in zip(truth, trial, strict=True))
        signal = sum(float(((a[head] - a[head].mean()) ** 2).sum()) for a in truth)
        ratios.append(noise / signal if signal > 0 else 0.0)
    return float(np.mean(ratios)) if ratios else 0.0
