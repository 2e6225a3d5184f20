"""A larger model as a teacher: what it sees at five depths, in few numbers.

Maps of a file that the user names (Romero et al. 2014, FitNets, arXiv 1412.6550): it lends no weights. Activations
after ReLU are skewed, so their square root is taken; then they are centred, reduced to their main directions and
half whitened (each direction divided by the square root of its deviation), so that one loud channel does not speak
for all. Five maps, since what is printed on a packaging shows early in a network and its kind late.

The file is computed by PyTorch, on the device that learns: a chain of convolutions with ReLU or ReLU6.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from edge.errors import MissingExtra, ModelError

CHANNELS = (48, 96, 96, 128, 192)
MOST_CELLS = 60_000
CHAIN = ("Conv", "Relu", "Clip")


class Teacher(nn.Module):
    """Five maps of an ONNX file that takes (n, 3, s, s), (pixel - 127.5) / 127.5 RGB.

    Attributes:
        size: side of the pictures that it looks at.
    """

    def __init__(self, path: Path, names: Sequence[str], size: int = 224) -> None:
        super().__init__()
        if len(names) != len(CHANNELS):
            raise ModelError(f"{path}: {len(names)} maps were named, {len(CHANNELS)} are imitated")
        self.size, self._names = size, list(names)
        self.links = nn.ModuleDict()
        for output, link in _chain(path, names):
            self.links[output] = link
        self._bases = list[tuple[Tensor, Tensor]]()
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def fit(self, pictures: Tensor) -> None:
        """Find the main directions of every map on some pictures (n, 3, size, size) in -1..1.

        Raises:
            ModelError: a map has fewer directions than are imitated: there are too few pictures or channels.
        """
        levels = zip(self._look(pictures), CHANNELS, strict=True)
        self._bases = [_main_directions(level, kept) for level, kept in levels]

    @torch.no_grad()
    def maps(self, pictures: Tensor) -> list[Tensor]:
        """Return five maps (n, kept, h, w) float32, about 1 in size."""
        levels = zip(self._look(pictures), self._bases, strict=True)
        return [torch.einsum("nchw,ck->nkhw", level.float().sqrt() - mean, axes) for level, (mean, axes) in levels]

    def _look(self, x: Tensor) -> list[Tensor]:
        found = {}
        for output, link in self.links.items():
            x = link(x)
            if output in self._names:
                found[output] = x.clamp(min=0)
        return [found[name] for name in self._names]


class _Link(nn.Module):
    """A convolution with its ONNX padding (left, top, right, bottom)."""

    def __init__(self, weight: Tensor, bias: Tensor, stride: Sequence[int], pads: Sequence[int], groups: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        top, left, bottom, right = pads
        self.stride, self.padding, self.groups = tuple(stride), (left, right, top, bottom), groups

    def forward(self, x: Tensor) -> Tensor:
        """Convolve (n, c, h, w)."""
        padded = functional.pad(x, self.padding)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, groups=self.groups)


def _chain(path: Path, names: Sequence[str]) -> list[tuple[str, nn.Module]]:
    """Read the nodes up to the last named value."""
    try:
        import onnx
    except ImportError as e:
        raise MissingExtra("onnx, which reads the teacher's file,", "train") from e
    try:
        graph = onnx.load(path).graph
    except Exception as e:  # onnx and protobuf share no public base class
        raise ModelError(f"{path}: cannot be read as an ONNX model") from e
    known = [node.output[0] for node in graph.node]
    if missing := [name for name in names if name not in known]:
        raise ModelError(f"{path}: has no values named {', '.join(missing)}: look for its ReLU outputs in a viewer")
    nodes = list(graph.node)[: max(known.index(name) for name in names) + 1]
    values = {tensor.name: torch.tensor(onnx.numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    before = graph.input[0].name
    for node in nodes:
        if node.op_type not in CHAIN or node.input[0] != before:
            raise ModelError(f"{path}: is no chain of convolutions (node {node.op_type} {node.output[0]})")
        before = node.output[0]
    return [(node.output[0], _link(node, values)) for node in nodes]


def _link(node: Any, values: dict[str, Tensor]) -> nn.Module:
    if node.op_type == "Relu":
        return nn.ReLU()
    if node.op_type == "Clip":
        return nn.Hardtanh(float(values[node.input[1]]), float(values[node.input[2]]))
    told = {a.name: list(a.ints) for a in node.attribute}
    groups = next((int(a.i) for a in node.attribute if a.name == "group"), 1)
    weight = values[node.input[1]].float()
    bias = values[node.input[2]].float() if len(node.input) > 2 else torch.zeros(len(weight))
    return _Link(weight, bias, told.get("strides", [1, 1]), told.get("pads", [0] * 4), groups)


def _main_directions(maps: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """Return the mean (1, channels, 1, 1) and the half whitening directions (channels, kept) of a map."""
    cells = maps.float().permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).sqrt()
    cells = cells[:: max(1, len(cells) // MOST_CELLS)]
    mean = cells.mean(0)
    if min(cells.shape) < kept:
        raise ModelError(f"the teacher's map has {min(cells.shape)} directions, not {kept}: give more pictures")
    variance, axes = torch.linalg.eigh((cells - mean).T @ (cells - mean) / len(cells))
    directions = (axes / variance.clamp(min=1e-12).pow(0.25)).flip(1)[:, :kept]
    loudness = ((cells - mean) @ directions).square().mean().sqrt()
    return mean[None, :, None, None], directions / loudness
