"""How the numbers of an ONNX graph are stored and computed, told from its nodes.

| scheme | weights | activations |
|---|---|---|
| `static` | int8 | int8 in ranges that were measured beforehand |
| `dynamic` | int8 | int8 in ranges that are measured anew at each run |
| `weight_only` | int8, made float when the model is loaded or run | float |
| `fp16` | half precision | any float |
| `float` | float | float |

"Int8" is said of the first three alike; only the first is what an accelerator for integers runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import onnx

DYNAMIC_OPERATORS = {"DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "MatMulIntegerToFloat"}
INTEGER_LAYERS = {"QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger"}
STATIC_OPERATORS = {"QLinearConv", "QLinearMatMul", "QLinearAdd", "QGemm"}
FLOAT_LAYERS = {"Conv", "ConvTranspose", "MatMul", "Gemm"}
WEIGHT_OPERATORS = {"DequantizeLinear", "MatMulNBits", "DequantizeBFP"}
SMALL_INTEGERS = {
    onnx.TensorProto.INT8,
    onnx.TensorProto.UINT8,
    onnx.TensorProto.INT4,
    onnx.TensorProto.UINT4,
}
HALVES = {onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}


@dataclass(frozen=True)
class Quantization:
    """How a graph computes.

    Attributes:
        scheme: one of the names in the table above.
        int8_layers: how many convolutions and matrix products take int8 activations and weights.
        layers: how many there are.
    """

    scheme: str
    int8_layers: int
    layers: int


def quantization_of(graph: onnx.GraphProto) -> Quantization:
    """Tell the scheme of a graph; its subgraphs are not looked into."""
    maker = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name for tensor in graph.initializer}
    constants |= {name for name, node in maker.items() if node.op_type == "Constant"}
    int8 = [node for node in graph.node if _computes_in_int8(node, maker, constants)]
    layers = [node for node in graph.node if node.op_type in FLOAT_LAYERS | INTEGER_LAYERS]
    return Quantization(_scheme(graph, constants), len(int8), len(layers))


def _scheme(graph: onnx.GraphProto, constants: set[str]) -> str:
    operators = {node.op_type for node in graph.node}
    if operators & DYNAMIC_OPERATORS:
        return "dynamic"
    ranges_of_activations = any(
        node.op_type == "QuantizeLinear" and node.input[0] not in constants for node in graph.node
    )
    if ranges_of_activations or operators & STATIC_OPERATORS:
        return "static"
    sizes = _sizes(graph)
    small, half = (sum(sizes[kind] for kind in kinds) for kinds in (SMALL_INTEGERS, HALVES))
    if operators & (WEIGHT_OPERATORS | {"QuantizeLinear"}) or small > sizes[onnx.TensorProto.FLOAT] + half:
        return "weight_only"
    return "fp16" if half > sizes[onnx.TensorProto.FLOAT] else "float"


def _sizes(graph: onnx.GraphProto) -> Counter[int]:
    """Return how many values the constants of each type hold."""
    sizes: Counter[int] = Counter()
    for tensor in graph.initializer:
        length = 1
        for side in tensor.dims:
            length *= side
        sizes[tensor.data_type] += length
    return sizes


def _computes_in_int8(node: onnx.NodeProto, maker: dict[str, onnx.NodeProto], constants: set[str]) -> bool:
    """Whether a layer is of integers, or stands between DequantizeLinear nodes that runtimes fuse with it."""
    if node.op_type in INTEGER_LAYERS:
        return True
    if node.op_type not in FLOAT_LAYERS:
        return False
    makers = [maker.get(name) for name in node.input[:2]]
    if not all(made is not None and made.op_type == "DequantizeLinear" for made in makers):
        return False
    activation = makers[0]
    return activation is not None and activation.input[0] not in constants
