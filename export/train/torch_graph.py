"""A convolutional ONNX file computed by PyTorch, so that a teacher runs where its pupil learns.

Only the operators of a plain convolutional network are known. Weights are constants: nothing here is learnt. On a GPU
it is computed in bfloat16.

    >>> graph = TorchGraph(onnx.load(path), ["t22", "t54"], torch.device("cpu"))
    >>> [values.shape for values in graph(torch.zeros(1, 3, 224, 224))]
    [torch.Size([1, 256, 28, 28]), torch.Size([1, 1024, 7, 7])]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor
from torch.nn import functional

from edge.errors import ModelError
from export.train.onnx_reading import needed_values

Operator = Callable[[dict[str, Any], list[Any]], Tensor]


class TorchGraph:
    """Computes some values of an ONNX graph with one input, (B, C, H, W), on a device.

    Args:
        model: what is not needed for the outputs is left out.
        outputs: names of values.
        device: where it computes.

    Raises:
        ModelError: an operator is not known here.
    """

    def __init__(self, model: onnx.ModelProto, outputs: Sequence[str], device: torch.device) -> None:
        graph, needed = model.graph, needed_values(model.graph, outputs)
        nodes = [node for node in graph.node if node.output[0] in needed]
        unknown = sorted({node.op_type for node in nodes} - OPERATORS.keys())
        if unknown:
            raise ModelError(f"the teacher has operators that PyTorch is not told of here: {', '.join(unknown)}")
        self._kind = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._input, self._outputs = graph.input[0].name, list(outputs)
        self._nodes = [(OPERATORS[n.op_type], _attributes(n), list(n.input), n.output[0]) for n in nodes]
        self._done_with = _last_uses(nodes, outputs)
        read_here = {name for node in nodes if node.op_type in READ_HERE for name in node.input[1:]}
        self._constants: dict[str, Any] = {"": None}
        for row in graph.initializer:
            value = numpy_helper.to_array(row)
            here = row.name in read_here
            self._constants[row.name] = value.tolist() if here else torch.tensor(value, dtype=self._kind, device=device)

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> list[Tensor]:
        """Compute the outputs as float32 for pictures on the device."""
        values = {**self._constants, self._input: pictures.to(self._kind)}
        for (operator, attributes, inputs, output), done_with in zip(self._nodes, self._done_with, strict=True):
            values[output] = operator(attributes, [values[name] for name in inputs])
            for name in done_with:
                del values[name]
        return [values[name].float() for name in self._outputs]


def _last_uses(nodes: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> list[list[str]]:
    """Return for each node which outputs of nodes no later one takes: all of them at once would fill the memory."""
    last = {name: i for i, node in enumerate(nodes) for name in (node.output[0], *node.input)}
    made = {node.output[0] for node in nodes} - set(outputs)
    return [[name for name in made if last[name] == i] for i in range(len(nodes))]


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _padding(attributes: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Return what PyTorch pads by itself, alike on both sides, and what is padded before (left, right, top, bottom)."""
    top, left, bottom, right = attributes.get("pads", [0, 0, 0, 0])
    alike = top == bottom and left == right
    return ([top, left], []) if alike else ([0, 0], [left, right, top, bottom])


def _conv(attributes: dict[str, Any], inputs: list[Any]) -> Tensor:
    padding, before = _padding(attributes)
    return functional.conv2d(
        functional.pad(inputs[0], before) if before else inputs[0],
        *inputs[1:],
        stride=attributes.get("strides", [1, 1]),
        padding=padding,
        dilation=attributes.get("dilations", [1, 1]),
        groups=attributes.get("group", 1),
    )


def _clip(_: dict[str, Any], inputs: list[Any]) -> Tensor:
    """Limit values; the limits are scalars, which many files keep as a list of one."""
    low, high = (limit[0] if isinstance(limit, list) else limit for limit in (*inputs[1:], None, None)[:2])
    return torch.clamp(inputs[0], low, high)


def _max_pool(attributes: dict[str, Any], inputs: list[Any]) -> Tensor:
    padding, before = _padding(attributes)
    value = functional.pad(inputs[0], before, value=-torch.inf) if before else inputs[0]
    return functional.max_pool2d(value, attributes["kernel_shape"], attributes.get("strides", [1, 1]), padding)


def _slice(attributes: dict[str, Any], inputs: list[Any]) -> Tensor:
    value, starts, ends, axes, steps = inputs
    index = [slice(None)] * value.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        index[axis] = slice(start, min(end, value.shape[axis]), step)
    return value[tuple(index)]


def _resize(attributes: dict[str, Any], inputs: list[Any]) -> Tensor:
    return functional.interpolate(inputs[0], scale_factor=tuple(inputs[2][2:]), mode="nearest")


READ_HERE = ("Slice", "Resize", "Clip")
"""Their constants are read as plain numbers."""
OPERATORS: dict[str, Operator] = {
    "Conv": _conv,
    "Clip": _clip,
    "MaxPool": _max_pool,
    "Slice": _slice,
    "Resize": _resize,
    "Sigmoid": lambda _, inputs: torch.sigmoid(inputs[0]),
    "Relu": lambda _, inputs: torch.relu(inputs[0]),
    "Mul": lambda _, inputs: inputs[0] * inputs[1],
    "Add": lambda _, inputs: inputs[0] + inputs[1],
    "Concat": lambda attributes, inputs: torch.cat(inputs, attributes["axis"]),
}
