"""Write a static int8 model: QuantizeLinear and DequantizeLinear around what onnxruntime computes in int8.

onnxruntime's own quantizer places the nodes; the ranges come from `export.quantize.ranges`, which needs a fixed amount
of memory. Activations are unsigned (signed ones are slower than float on x86-64), weights signed, one scale for each
output channel. The bias stays a float constant: onnxruntime makes int32 of it when it loads the model, and the file
saves twelve bytes a channel.

    >>> model = quantized(prepared.model, found, Layers.of(prepared.model))
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

from export.quantize.layers import Layers


@dataclass(frozen=True)
class StaticForm:
    """How a static model is written.

    Attributes:
        operators: which operators are computed in int8.
        seven_bit_weights: weights use 7 of 8 bits, so that sums of pairs fit 16 bits on x86-64 without VNNI.
        quantize_bias: whether the file holds int32 biases with scales of their own.
    """

    operators: tuple[str, ...] = tuple(sorted({*QDQRegistry, *QLinearOpsRegistry}))
    seven_bit_weights: bool = False
    quantize_bias: bool = False


def quantized(
    model: onnx.ModelProto,
    ranges: Mapping[str, tuple[float, float]],
    layers: Layers,
    kept_float: Collection[str] = (),
    form: StaticForm | None = None,
) -> onnx.ModelProto:
    """Return a static int8 model.

    Args:
        model: prepared, float32.
        ranges: (low, high) of every float tensor.
        layers: of the model.
        kept_float: layers that stay in float, with all their nodes.
        form: how it is written.
    """
    form = form or StaticForm()
    excluded = [*layers.tail, *(node for name in kept_float for node in layers.members[name])]
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    with _quiet():
        quantizer = QDQQuantizer(
            copy,
            per_channel=True,
            reduce_range=form.seven_bit_weights,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=_tensors_range(ranges),
            nodes_to_quantize=[],
            nodes_to_exclude=excluded,
            op_types_to_quantize=list(form.operators),
            extra_options={"QuantizeBias": form.quantize_bias},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    written: onnx.ModelProto = quantizer.model.model
    _shield(written.graph, {node for name in kept_float for node in layers.members[name]})
    return written


def _shield(graph: onnx.GraphProto, kept: Collection[str]) -> None:
    """Keep onnxruntime from quantizing what is meant to stay in float.

    Where a float convolution, or its Relu, stands between a DequantizeLinear and a QuantizeLinear, onnxruntime rounds
    its weights when it loads the model, with one scale for all channels (its pass WeightBiasQuantization). A Sum of one
    tensor before the QuantizeLinear changes no value and hides the pattern.

    Args:
        graph: changed in place.
        kept: names of the nodes that stay in float.
    """
    floats = {name for node in graph.node if node.name in kept for name in node.output}
    nodes: list[onnx.NodeProto] = []
    shielded: set[str] = set()
    for node in graph.node:
        if node.op_type == "QuantizeLinear" and node.input[0] in floats:
            name = node.input[0]
            if name not in shielded:
                nodes.append(helper.make_node("Sum", [name], [f"{name}.float"]))
                shielded.add(name)
            node.input[0] = f"{name}.float"
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)


def _tensors_range(ranges: Mapping[str, tuple[float, float]]) -> TensorsData:
    data = {name: TensorData(lowest=np.float32(low), highest=np.float32(high)) for name, (low, high) in ranges.items()}
    return TensorsData(CalibrationMethod.MinMax, data)


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer logs remarks about its own ways; they say nothing to a user of this kit."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
