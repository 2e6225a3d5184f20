"""The signal-to-noise ratio of a quantized model, tensor by tensor: where the numbers go wrong.

Both models run on the same pictures with all tensors shown that carry the same name in both. In a static file such a
tensor is compared behind its rounding, as the next layer reads it.

    >>> tensor_noise(reference, quantized_file, feeds)[0]
    TensorNoise(name='1183', operator='Conv', snr_db=6.2, ...)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from edge.errors import ModelError
from export.quantize.preparing import with_shapes
from export.quantize.ranges import Feeds, run_watched, watching

SILENT_DB = 120.0
"""What stands for a tensor without any noise."""


@dataclass(frozen=True)
class TensorNoise:
    """One tensor of both models.

    Attributes:
        name: of the tensor in the float model.
        operator: that computes it there.
        snr_db: 10 log10 of signal power over noise power; 120 where there is no noise.
        least: smallest float value seen.
        largest: largest float value seen.
    """

    name: str
    operator: str
    snr_db: float
    least: float
    largest: float


def tensor_noise(reference: onnx.ModelProto, variant: Path, feeds: Iterable[Feeds]) -> tuple[TensorNoise, ...]:
    """Compare all tensors that both models have, worst first.

    Args:
        reference: the float model.
        variant: a quantized ONNX file that keeps the names of the float model's tensors.
        feeds: the input of each run.

    Raises:
        ModelError: the models share no tensor, or cannot be run.
    """
    other = onnx.load(variant)
    seen_as = _as_read(other)
    operators = {name: node.op_type for node in reference.graph.node for name in node.output}
    floats = _computed_floats(reference)
    names = [name for name in operators if name in seen_as and name in floats]
    if not names:
        raise ModelError(f"{variant}: shares no tensor names with its reference, so nothing can be compared inside it")
    sums = {name: _Sums() for name in names}
    a, b = watching(reference, names), watching(other, [seen_as[name] for name in names])
    for feed in feeds:
        truth = dict(run_watched(a, names, feed))
        trial = dict(run_watched(b, list(dict.fromkeys(seen_as[name] for name in names)), feed))
        for name in names:
            sums[name].add(truth[name], trial[seen_as[name]])
    noises = [TensorNoise(name, operators[name], *sums[name].figures()) for name in names]
    return tuple(sorted(noises, key=lambda noise: noise.snr_db))


def _computed_floats(model: onnx.ModelProto) -> set[str]:
    graph = with_shapes(model).graph
    values = (*graph.value_info, *graph.output)
    return {v.name for v in values if v.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}


def _as_read(model: onnx.ModelProto) -> dict[str, str]:
    """Return tensor -> the tensor that the next layer reads for it: what its bytes are turned back into."""
    bytes_of = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    floats_of = {node.input[0]: node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    made = [name for node in model.graph.node for name in node.output]
    return {name: floats_of.get(bytes_of.get(name, ""), name) for name in made}


class _Sums:
    """Powers of signal and noise of one tensor, added up over pictures."""

    def __init__(self) -> None:
        self.signal = self.noise = 0.0
        self.least, self.largest = float("inf"), float("-inf")

    def add(self, truth: np.ndarray, trial: np.ndarray) -> None:
        if truth.shape != trial.shape or not truth.size:
            return
        self.signal += float(np.square(truth, dtype=np.float64).sum())
        self.noise += float(np.square(truth - trial, dtype=np.float64).sum())
        self.least, self.largest = min(self.least, float(truth.min())), max(self.largest, float(truth.max()))

    def figures(self) -> tuple[float, float, float]:
        if self.noise <= 0 or self.signal <= 0:
            return SILENT_DB, self.least, self.largest
        ratio = 10 * float(np.log10(self.signal / self.noise))
        return round(min(ratio, SILENT_DB), 2), self.least, self.largest
