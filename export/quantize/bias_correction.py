"""Undo the mean shift that rounded weights give each output channel, by the bias.

A rounded weight is off by a fixed amount, so its channel is off by that amount times what it usually reads. The
average of what each layer reads is known from calibration (Nagel et al. 2019, "Data-free quantization through weight
equalization and bias correction", arXiv 1906.04721, section 4.2). It costs nothing at run time.

    >>> corrected = with_corrected_biases(model, seen.means, rounded={"Conv_12"})
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from export.quantize.rounding import channel_axis, rounded_weights

Means = Mapping[str, npt.NDArray[np.float64]]


def with_corrected_biases(model: onnx.ModelProto, means: Means, rounded: Collection[str]) -> onnx.ModelProto:
    """Return a float model whose biases make up for the rounding of weights that is still to come.

    Args:
        model: prepared, float32.
        means: tensor -> the mean of each of its channels, for what the layers read.
        rounded: names of the layers whose weights will be int8; convolutions among them are corrected.
    """
    corrected = onnx.ModelProto()
    corrected.CopyFrom(model)
    graph = corrected.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "Conv" or node.name not in rounded or node.input[1] not in constants:
            continue
        shift = _shift(node, numpy_helper.to_array(constants[node.input[1]]), means[node.input[0]])
        bias = numpy_helper.to_array(constants[node.input[2]]) if len(node.input) > 2 else np.float32(0)
        name = f"{node.output[0]}.bias"
        graph.initializer.append(numpy_helper.from_array(np.asarray(bias + shift, np.float32), name))
        del node.input[2:]
        node.input.append(name)
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return corrected


def _shift(
    node: onnx.NodeProto, weights: npt.NDArray[np.float32], mean: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return float64 (out,): what each output channel loses on average; padding is left out of account."""
    lost = (weights - rounded_weights(weights, channel_axis(node))).sum(axis=tuple(range(2, weights.ndim)))
    outputs, read = lost.shape
    groups = len(mean) // read
    of_group = mean.reshape(groups, read)[np.arange(outputs) * groups // outputs]
    return np.asarray((lost * of_group).sum(axis=1, dtype=np.float64))
