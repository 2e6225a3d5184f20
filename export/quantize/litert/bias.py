"""Biases that make up for what rounding the weights shifts.

Rounding changes a layer's mean output by (W - Wq) times the mean of its input. Added to the bias, which stays fine
grained, the shift is gone before the next layer sees it (Nagel et al., "Data-Free Quantization Through Weight
Equalization and Bias Correction", ICCV 2019, section 4.2; here with measured means instead of estimated ones).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from export.quantize.litert.flatbuffer import Operator, name_of, operators_of, set_values, values_of

LARGEST = 127
CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": None}
"""Axis of the weights that has a scale for each index; None where one scale is all."""


def correct_biases(model: Any, means: Mapping[str, npt.NDArray[np.float64]], keep_float: Collection[str] = ()) -> None:
    """Change a float model's biases so that they make up for the rounding that int8 weights will bring.

    Args:
        model: a float32 LiteRT model.
        means: mean of each channel of the layers' inputs, by tensor name; layers without are left alone.
        keep_float: names of what layers compute that will not be quantized.
    """
    tensors = model.subgraphs[0].tensors
    for operator in operators_of(model):
        if operator.kind not in CHANNEL_AXIS or len(operator.inputs) < 3 or operator.inputs[2] < 0:
            continue
        mean = means.get(name_of(tensors[operator.inputs[0]]))
        if mean is not None and name_of(tensors[operator.outputs[0]]) not in keep_float:
            _correct(model, operator, mean)


def _correct(model: Any, operator: Operator, mean: npt.NDArray[np.float64]) -> None:
    tensors = model.subgraphs[0].tensors
    weights, bias = values_of(model, tensors[operator.inputs[1]]), values_of(model, tensors[operator.inputs[2]])
    if weights is None or bias is None:
        return
    lost = rounding_error(weights.astype(np.float64), CHANNEL_AXIS[operator.kind])
    if operator.kind == "DEPTHWISE_CONV_2D":
        each = len(bias) // len(mean)
        shift = lost.sum(axis=(0, 1, 2)) * np.repeat(mean, each)
    else:
        over_window = lost.reshape(len(bias), -1, lost.shape[-1]).sum(axis=1)
        if over_window.shape[1] != len(mean):  # grouped convolutions read only some of the channels each
            return
        shift = over_window @ mean
    set_values(model, tensors[operator.inputs[2]], (bias + shift).astype(np.float32))


def rounding_error(weights: npt.NDArray[np.float64], axis: int | None) -> npt.NDArray[np.float64]:
    """Return weights minus their int8 values, symmetric, with a scale for each index of `axis`."""
    others = tuple(i for i in range(weights.ndim) if i != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    step = np.where(largest > 0, largest / LARGEST, 1.0)
    return np.asarray(weights - np.round(weights / step) * step)
