"""A larger model as a teacher: what it sees at five depths, in few numbers.

Maps of a file that the user names (Romero et al. 2014, FitNets, arXiv 1412.6550): it lends no weights. Activations
after ReLU are skewed, so their square root is taken; then they are centred, reduced to their main directions and
half whitened (each direction divided by the square root of its deviation), so that one loud channel does not speak
for all. Five maps, since what is printed on a packaging shows early in a network and its kind late.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from edge.errors import ModelError
from export.train.onnx_reading import read_onnx
from export.train.torch_graph import TorchGraph

CHANNELS = (48, 96, 96, 128, 192)
MOST_CELLS = 60_000
AT_ONCE = 32


class Teacher:
    """Five maps of an ONNX file that takes (n, 3, s, s), (pixel - 127.5) / 127.5 RGB.

    Attributes:
        size: side of the pictures that it looks at.
    """

    def __init__(self, path: Path, names: Sequence[str], device: torch.device, size: int = 224) -> None:
        if len(names) != len(CHANNELS):
            raise ModelError(f"{path}: {len(names)} maps were named, {len(CHANNELS)} are imitated")
        self.size = size
        self._graph = _graph(path, names, device)
        self._bases = list[tuple[Tensor, Tensor]]()

    @torch.no_grad()
    def fit(self, pictures: Tensor) -> None:
        """Find the main directions of every map on some pictures (n, 3, size, size) in -1..1.

        Raises:
            ModelError: a map has fewer directions than are imitated: there are too few pictures or channels.
        """
        looked_at = [self._graph(few) for few in pictures.split(AT_ONCE)]
        levels = zip(map(torch.cat, zip(*looked_at, strict=True)), CHANNELS, strict=True)
        self._bases = [_main_directions(level.clamp(min=0), kept) for level, kept in levels]

    @torch.no_grad()
    def maps(self, pictures: Tensor) -> list[Tensor]:
        """Return five maps (n, kept, h, w) float32, about 1 in size."""
        levels = zip(self._graph(pictures), self._bases, strict=True)
        return [torch.einsum("nchw,ck->nkhw", level.clamp(min=0).sqrt() - mean, axes) for level, (mean, axes) in levels]


def _graph(path: Path, names: Sequence[str], device: torch.device) -> TorchGraph:
    model = read_onnx(path, "the teacher's file")
    known = {output for node in model.graph.node for output in node.output}
    if missing := [name for name in names if name not in known]:
        raise ModelError(f"{path}: has no values named {', '.join(missing)}: look for its ReLU outputs in a viewer")
    return TorchGraph(model, names, device)


def _main_directions(maps: Tensor, kept: int) -> tuple[Tensor, Tensor]:
    """Return the mean (1, channels, 1, 1) and the half whitening directions (channels, kept) of a map."""
    cells = maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1]).sqrt()
    cells = cells[:: max(1, len(cells) // MOST_CELLS)]
    mean = cells.mean(0)
    if min(cells.shape) < kept:
        raise ModelError(f"the teacher's map has {min(cells.shape)} directions, not {kept}: give more pictures")
    variance, axes = torch.linalg.eigh((cells - mean).T @ (cells - mean) / len(cells))
    directions = (axes / variance.clamp(min=1e-12).pow(0.25)).flip(1)[:, :kept]
    loudness = ((cells - mean) @ directions).square().mean().sqrt()
    return mean[None, :, None, None], directions / loudness
