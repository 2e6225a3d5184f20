"""The layers of a graph: what multiplies, what belongs to it, and what is left in float behind the last of it.

A layer is one convolution or matrix product with the nodes behind it, up to the next one. Nodes behind the last
layers (box decoding, activations of scores, the last concat, normalisation of a vector) are the tail: it stays in
float, so that one scale never covers boxes and scores together.

    >>> graph = Layers.of(prepared.model)
    >>> sum(graph.macs.values())
    1080000000
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import onnx

MULTIPLYING = ("Conv", "ConvTranspose", "Gemm", "MatMul")
FUSED = ("Relu", "Clip")
"""onnxruntime computes these inside the quantized layer before them: the range of the output says where they cut."""


@dataclass(frozen=True)
class Layers:
    """A float graph, layer by layer.

    Attributes:
        macs: multiply-adds of each layer by the name of its multiplying node, in the order of the graph.
        weights: how many weights each layer has, by the same name.
        constants: name of the tensor that a layer multiplies with, by the same name.
        members: the nodes of each layer, the multiplying one first.
        tail: names of the nodes that stay in float.
        heads: tensors that the tail takes from the layers, and outputs that come from a layer directly.
    """

    macs: Mapping[str, int]
    weights: Mapping[str, int]
    constants: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    tail: tuple[str, ...]
    heads: tuple[str, ...]

    @classmethod
    def of(cls, model: onnx.ModelProto) -> Layers:
        """Read the layers of a graph whose nodes have names and whose tensors have shapes."""
        graph = model.graph
        macs = multiply_adds(graph)
        tail = _tail(graph)
        members = _members(graph, macs, tail)
        constants = {node.name: node.input[1] for node in graph.node if node.name in macs}
        return cls(macs, _weights(graph), constants, members, tail, _heads(graph, tail))

    def share(self, kept_float: Collection[str]) -> float:
        """Return the share of multiply-adds that is not in the given layers, 0..1."""
        whole = sum(self.macs.values())
        return 1 - sum(self.macs[name] for name in kept_float) / whole if whole else 0.0

    def weights_of(self, names: Collection[str]) -> frozenset[str]:
        """Return the names of the tensors that the given layers multiply with."""
        return frozenset(self.constants[name] for name in names)


def multiply_adds(graph: onnx.GraphProto) -> dict[str, int]:
    """Count the multiply-adds of each convolution and matrix product, by node name; 0 where a shape is not known."""
    shapes = tensor_shapes(graph)
    return {node.name: _macs(node, shapes) for node in graph.node if node.op_type in MULTIPLYING}


def _weights(graph: onnx.GraphProto) -> dict[str, int]:
    sizes = {tensor.name: math.prod(tensor.dims) for tensor in graph.initializer}
    return {node.name: sizes.get(node.input[1], 0) for node in graph.node if node.op_type in MULTIPLYING}


def tensor_shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes that a graph states; tensors with an open side are left out."""
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.input, *graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
            shapes[value.name] = tuple(dim.dim_value for dim in dims)
    return shapes


def _macs(node: onnx.NodeProto, shapes: Mapping[str, tuple[int, ...]]) -> int:
    out, weight, into = shapes.get(node.output[0]), shapes.get(node.input[1]), shapes.get(node.input[0])
    if out is None or weight is None or into is None:
        return 0
    if node.op_type == "Conv":
        return math.prod(out) * math.prod(weight[1:])
    if node.op_type == "ConvTranspose":
        return math.prod(into) * math.prod(weight[1:])
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(out) * (into[0] if transposed else into[-1])


def _tail(graph: onnx.GraphProto) -> tuple[str, ...]:
    """Return the nodes from which no multiplying node is reached, those that a layer computes with it left out."""
    leads_on: set[str] = set()
    makers = {name: node for node in graph.node for name in node.output}
    tail: list[str] = []
    for node in reversed(graph.node):
        if node.op_type in MULTIPLYING or any(name in leads_on for name in node.output):
            leads_on.update(node.input)
        elif not (node.op_type in FUSED and makers.get(node.input[0], node).op_type in MULTIPLYING):
            tail.append(node.name)
    return tuple(reversed(tail))


def _members(graph: onnx.GraphProto, macs: Mapping[str, int], tail: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Give each node to the latest layer that it takes something from."""
    order = {name: number for number, name in enumerate(macs)}
    owner_of: dict[str, str] = {}
    members: dict[str, list[str]] = {name: [name] for name in macs}
    for node in graph.node:
        owners = [owner_of[name] for name in node.input if name in owner_of]
        owner = node.name if node.name in macs else max(owners, key=order.__getitem__, default=None)
        if owner is None:
            continue
        owner_of.update(dict.fromkeys(node.output, owner))
        if owner != node.name and node.name not in tail:
            members[owner].append(node.name)
    return {name: tuple(nodes) for name, nodes in members.items()}


def _heads(graph: onnx.GraphProto, tail: Collection[str]) -> tuple[str, ...]:
    ends = set(tail)
    constants = {tensor.name for tensor in graph.initializer}
    made_before = {name for node in graph.node if node.name not in ends for name in node.output}
    read = [name for node in graph.node if node.name in ends for name in node.input]
    given = [value.name for value in graph.output]
    return tuple(dict.fromkeys(name for name in (*read, *given) if name in made_before and name not in constants))
