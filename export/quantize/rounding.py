"""What a model computes when some of its layers are rounded to int8: for finding out which layers bear it badly.

The rounded values are float32 again, so the numbers are those of the int8 model up to the last rounding, and any
choice of layers is made in a moment.

    >>> trial = with_rounded_layers(prepared.model, layers, {"Conv_12"}, ranges)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from export.quantize.byte_weights import LARGEST
from export.quantize.layers import MULTIPLYING, Layers

SUFFIX = ".rounded"
LEVELS = 255


def with_rounded_layers(
    model: onnx.ModelProto, layers: Layers, rounded: Collection[str], ranges: Mapping[str, tuple[float, float]]
) -> onnx.ModelProto:
    """Return a float model whose given layers compute with rounded weights, inputs and outputs.

    Args:
        model: prepared, float32.
        layers: of the model.
        rounded: names of layers.
        ranges: (low, high) of every float tensor.
    """
    inside = {name for layer in rounded for name in layers.members[layer]}
    trial = onnx.ModelProto()
    trial.CopyFrom(model)
    graph = trial.graph
    made = {name for node in graph.node if node.name in inside for name in node.output}
    read = {name for node in graph.node if node.name in inside for name in node.input}
    tensors = [name for name in ranges if name in made | read]
    _round_weights(graph, inside)
    for node in graph.node:
        for at, name in enumerate(node.input):
            if name in tensors and (name in made or node.name in inside):
                node.input[at] = name + SUFFIX
    _insert_rounding(graph, tensors, ranges)
    return trial


def _round_weights(graph: onnx.GraphProto, inside: Collection[str]) -> None:
    axes = {n.input[1]: channel_axis(n) for n in graph.node if n.op_type in MULTIPLYING and n.name in inside}
    for constant in graph.initializer:
        if constant.name in axes:
            values = numpy_helper.to_array(constant)
            constant.CopyFrom(numpy_helper.from_array(rounded_weights(values, axes[constant.name]), constant.name))


def channel_axis(node: onnx.NodeProto) -> int:
    """Return the axis of a layer's weights that its output channels lie on."""
    if node.op_type in ("Conv", "ConvTranspose"):
        return 0 if node.op_type == "Conv" else 1
    return 0 if any(a.name == "transB" and a.i for a in node.attribute) else -1


def rounded_weights(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Return weights as int8 holds them: 127 steps up to the largest of each index of `axis`."""
    others = tuple(i for i in range(values.ndim) if i != axis % values.ndim)
    steps = np.abs(values).max(axis=others, keepdims=True) / LARGEST
    steps[steps == 0] = 1
    return np.asarray(np.round(values / steps) * steps, np.float32)


def _insert_rounding(
    graph: onnx.GraphProto, tensors: Collection[str], ranges: Mapping[str, tuple[float, float]]
) -> None:
    nodes = {name: _rounding_nodes(graph, name, ranges[name]) for name in tensors}
    given = {value.name for value in graph.input}
    ordered = [n for name in tensors if name in given for n in nodes[name]]
    for node in graph.node:
        ordered += [node, *(n for name in node.output for n in nodes.get(name, ()))]
    del graph.node[:]
    graph.node.extend(ordered)


def _rounding_nodes(graph: onnx.GraphProto, name: str, ends: tuple[float, float]) -> list[onnx.NodeProto]:
    scale, zero = step_and_zero(ends)
    graph.initializer.append(numpy_helper.from_array(np.asarray(scale, np.float32), f"{name}.scale"))
    graph.initializer.append(numpy_helper.from_array(np.asarray(zero, np.uint8), f"{name}.zero"))
    parameters = [f"{name}.scale", f"{name}.zero"]
    return [
        helper.make_node("QuantizeLinear", [name, *parameters], [f"{name}.byte"]),
        helper.make_node("DequantizeLinear", [f"{name}.byte", *parameters], [name + SUFFIX]),
    ]


def step_and_zero(ends: tuple[float, float]) -> tuple[float, int]:
    """Return the step and the byte that stands for 0 of an unsigned range that holds 0; step 1 where it is empty."""
    low, high = ends
    step = (high - low) / LEVELS
    return (step, round(-low / step)) if step > 0 else (1.0, 0)
