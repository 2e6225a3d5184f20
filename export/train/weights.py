"""First weights for a training, out of an ONNX file that this kit wrote.

The file holds convolutions with the normalisation folded in. They are taken in the order in which they compute, and
the normalisation is set to leave the values of some pictures as they are, so that training can go on from there.
Weights stored as float16 or as int8 with a scale are read through the casts that restore them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edge.errors import MissingExtra, ModelError
from export.train.detector.network import Network

RESTORING = ("Identity", "Cast", "Mul", "DequantizeLinear")
"""What may stand between a stored weight and its convolution; the exporter writes equal weights once, by Identity."""


def load_weights(network: Network, path: Path, pictures: Tensor) -> None:
    """Fill a network with the weights of a file.

    Args:
        network: of the shape that the file was written from; changed in place.
        path: ONNX file of the kit's own detector.
        pictures: (B, 3, H, W) 0..1 RGB, some pictures to take the statistics of the normalisation from.

    Raises:
        ModelError: the file cannot be read, or is not of this network.
    """
    stored = list(_convolutions(path))
    layers = _in_order(network, pictures[:1])
    shapes = [tuple(layer.weight.shape) for layer, _ in layers]
    if [weight.shape for weight, _ in stored] != shapes:
        raise ModelError(f"{path}: is not a detector of this kit's present shape, so its weights cannot be taken over")
    for (weight, bias), (layer, norm) in zip(stored, layers, strict=True):
        layer.weight.data.copy_(torch.tensor(weight))
        if norm is None:
            assert layer.bias is not None
            layer.bias.data.copy_(torch.tensor(bias))
        else:
            norm.bias.data.copy_(torch.tensor(bias))
            norm.weight.data.fill_(1.0)
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
    _standardise(network, [norm for _, norm in layers if norm is not None], pictures)


@torch.no_grad()
def _standardise(network: Network, norms: Sequence[Any], pictures: Tensor) -> None:
    """Write what each normalisation does in terms of the statistics of its input, so that training keeps it."""
    statistics: dict[Any, tuple[Tensor, Tensor]] = {}

    def note(norm: Any, inputs: tuple[Tensor]) -> None:
        statistics[norm] = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))

    hooks = [norm.register_forward_pre_hook(note) for norm in norms]
    network.eval()(pictures)
    for hook in hooks:
        hook.remove()
    for norm, (mean, var) in statistics.items():
        norm.weight.copy_(torch.sqrt(var + norm.eps))
        norm.bias.add_(mean)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(var)


@torch.no_grad()
def _in_order(network: Network, picture: Tensor) -> list[tuple[nn.Conv2d, Any]]:
    """Return the convolutions in the order in which they compute, each with the normalisation after it, if any."""
    order: list[list[Any]] = []

    def note(layer: Any, _: Any) -> None:
        if isinstance(layer, nn.Conv2d):
            order.append([layer, None])
        else:
            order[-1][1] = layer

    kinds = (nn.Conv2d, nn.BatchNorm2d)
    hooks = [m.register_forward_pre_hook(note) for m in network.modules() if isinstance(m, kinds)]
    network.eval()(picture)
    for hook in hooks:
        hook.remove()
    return [(layer, norm) for layer, norm in order]


def _convolutions(path: Path) -> Any:
    """Yield weight and bias of each convolution of a file in the order of its nodes."""
    try:
        import onnx
    except ImportError as e:
        raise MissingExtra("onnx, which reads the first weights,", "train") from e
    try:
        graph = onnx.load(path).graph
    except Exception as e:  # onnx and protobuf share no public base class
        raise ModelError(f"{path}: cannot be read as an ONNX model") from e
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = onnx.numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type in RESTORING and all(name in values for name in node.input):
            values[node.output[0]] = _restored(node, values)
        elif node.op_type == "Conv":
            if len(node.input) != 3 or not all(name in values for name in node.input[1:]):
                raise ModelError(f"{path}: a convolution has no constant weight and bias, so they cannot be taken over")
            yield tuple(np.asarray(values[name], np.float32) for name in node.input[1:])


def _restored(node: Any, values: dict[str, Any]) -> Any:
    """Undo one step of how a weight is stored: shared, cast, or times its scale (along an axis, less a zero point)."""
    stored = values[node.input[0]]
    if node.op_type == "Identity":
        return stored
    if node.op_type == "Cast":
        return stored.astype(np.float32)
    if node.op_type == "Mul":
        return stored * values[node.input[1]]
    parts = [np.asarray(values[name], np.float32) for name in node.input[1:]]
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    parts = [p.reshape([-1 if i == axis else 1 for i in range(stored.ndim)]) if p.size > 1 else p for p in parts]
    return (stored.astype(np.float32) - (parts[1] if len(parts) > 1 else 0)) * parts[0]
