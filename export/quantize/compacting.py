"""Take out of a quantized ONNX file what no runtime reads: a small model's names weigh more than its biases.

Names of nodes and of tensors that quantization added become short, shapes of inner tensors and remarks go, zero points
that are all zero go where the operator takes none for zero. Tensors keep the names of the float model, so that both
can be compared tensor by tensor.

    >>> smaller = compacted(model, named=prepared_names)
"""

from __future__ import annotations

from collections.abc import Collection

import onnx
from onnx import numpy_helper

from export.quantize.layers import MULTIPLYING

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def compacted(model: onnx.ModelProto, named: Collection[str]) -> onnx.ModelProto:
    """Return the same model in fewer bytes.

    Args:
        model: any ONNX model without subgraphs.
        named: names that stay as they are, such as the float model's tensors; inputs and outputs always stay.
    """
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    graph = smaller.graph
    del graph.value_info[:]
    smaller.doc_string = graph.doc_string = ""
    _drop_zero_points(graph)
    _rename(graph, {*named, *(value.name for value in (*graph.input, *graph.output))})
    for node in graph.node:
        node.doc_string = ""
        if node.op_type not in MULTIPLYING:
            node.name = ""
    return smaller


def _drop_zero_points(graph: onnx.GraphProto) -> None:
    """Leave out the zero points of int8 constants that are all 0: DequantizeLinear takes none for 0."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    signed = onnx.TensorProto.INT8, onnx.TensorProto.INT32
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and len(node.input) == 3 and node.input[0] in constants:
            zero = constants.get(node.input[2])
            if zero is not None and zero.data_type in signed and not numpy_helper.to_array(zero).any():
                del node.input[2]
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _rename(graph: onnx.GraphProto, kept: Collection[str]) -> None:
    short: dict[str, str] = {}
    taken = set(kept)
    number = 0
    for name in _names(graph):
        if name in kept or name in short:
            continue
        while (brief := _brief(number)) in taken:
            number += 1
        short[name] = brief
        number += 1
    for tensor in graph.initializer:
        tensor.name = short.get(tensor.name, tensor.name)
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = short.get(name, name)
        for at, name in enumerate(node.output):
            node.output[at] = short.get(name, name)


def _names(graph: onnx.GraphProto) -> list[str]:
    made = [name for node in graph.node for name in node.output if name]
    return [*made, *(tensor.name for tensor in graph.initializer)]


def _brief(number: int) -> str:
    text = ALPHABET[number % len(ALPHABET)]
    while number := number // len(ALPHABET):
        text += ALPHABET[number % len(ALPHABET)]
    return text
