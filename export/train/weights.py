"""First weights for a training, out of an ONNX file that this kit wrote.

The file holds convolutions with the normalisation folded in. They are taken in the order in which they compute, and
the normalisation is set to leave the values of some pictures as they are, so that training can go on from there. Linear
layers and normalisations of vectors stand in the file as they are. Weights stored as float16 or as int8 with a scale
are read through the nodes that restore them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from edge.errors import ModelError
from export.train.onnx_reading import read_onnx

RESTORING = ("Identity", "Cast", "Mul", "DequantizeLinear")
"""What may stand between a stored weight and its layer; the exporter writes equal weights once, by Identity."""
LAYERS = {"Conv": "a convolution", "Gemm": "a linear layer", "BatchNormalization": "a normalisation"}
Weights = list[npt.NDArray[np.float32]]


def load_weights(network: nn.Module, path: Path, pictures: Tensor, kind: str) -> None:
    """Fill a network with the weights of a file.

    Args:
        network: of the shape that the file was written from; changed in place.
        path: ONNX file of the kit's own detector or embedder.
        pictures: (B, 3, H, W) as the network takes them, to take the statistics of the normalisation from.
        kind: what the file should be, for the error message: "detector" or "embedder".

    Raises:
        ModelError: the file cannot be read, or is not of this network.
    """
    stored = list(_stored_layers(path))
    layers = _in_order(network, pictures[:1])
    if [weights[0].shape for weights in stored] != [tuple(layer.weight.shape) for layer, _ in layers]:
        raise ModelError(
            f"{path}: is not a{'n' * (kind[0] in 'aeiou')} {kind} of this kit's present shape, so its "
            "weights cannot be taken over"
        )
    for weights, (layer, norm) in zip(stored, layers, strict=True):
        _fill(layer, norm, [torch.tensor(values) for values in weights])
    _standardise(network, [norm for _, norm in layers if norm is not None], pictures)


@torch.no_grad()
def _fill(layer: Any, norm: Any, weights: Sequence[Tensor]) -> None:
    """Set a layer, or a convolution and the normalisation after it, which then changes nothing but the bias."""
    layer.weight.copy_(weights[0])
    if norm is None:
        layer.bias.copy_(weights[1])
    else:
        norm.bias.copy_(weights[1])
        norm.weight.fill_(1.0)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0 - norm.eps)
    if isinstance(layer, nn.BatchNorm1d):
        layer.running_mean.copy_(weights[2])  # type: ignore[union-attr]
        layer.running_var.copy_(weights[3])  # type: ignore[union-attr]


@torch.no_grad()
def _standardise(network: nn.Module, norms: Sequence[Any], pictures: Tensor) -> None:
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
def _in_order(network: nn.Module, picture: Tensor) -> list[tuple[Any, Any]]:
    """Return the layers in the order in which they compute, a convolution with the normalisation after it, if any."""
    order: list[list[Any]] = []

    def note(layer: Any, _: Any) -> None:
        if isinstance(layer, nn.BatchNorm2d):
            order[-1][1] = layer
        else:
            order.append([layer, None])

    kinds = (nn.Conv2d, nn.BatchNorm2d, nn.BatchNorm1d, nn.Linear)
    hooks = [m.register_forward_pre_hook(note) for m in network.modules() if isinstance(m, kinds)]
    network.eval()(picture)
    for hook in hooks:
        hook.remove()
    return [(layer, norm) for layer, norm in order]


def _stored_layers(path: Path) -> Iterator[Weights]:
    """Yield weight, bias and what else each layer of a file has, in the order of its nodes."""
    graph = read_onnx(path, "the first weights").graph
    from onnx import numpy_helper

    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            values[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        elif node.op_type in RESTORING and all(name in values for name in node.input):
            values[node.output[0]] = _restored(node, values)
        elif node.op_type in LAYERS:
            names = node.input[1:]
            if len(names) < 2 or not all(name in values for name in names):
                raise ModelError(
                    f"{path}: {LAYERS[node.op_type]} has no constant weight and bias, so they cannot be taken over"
                )
            yield [np.asarray(values[name], np.float32) for name in names]


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
