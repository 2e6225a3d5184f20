"""The detector network: dense 3x3 convolutions that int8 hardware likes, three strides, two outputs.

Role: the PyTorch twin of the ONNX file that ships. Residual blocks squeeze with a 1x1 convolution and widen with a
dense 3x3 one, because depthwise networks of this size gain nothing from int8 on a CPU. Every level has a head of its
own, so that every activation has one range to quantize.

Invariants: N cells are ordered by rising stride, then row by row; scores lie in 0..1, distances are >= 0 and in
units of the cell's stride, as `edge.decoders.fcos` reads them (Tian et al. 2019, arXiv 1904.01355).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
PRIOR = 0.01


@dataclass(frozen=True)
class Shape:
    """Widths and depths of the network.

    Attributes:
        widths: channels at strides 2, 4, 8, 16 and 32.
        blocks: residual blocks at strides 4, 8, 16 and 32.
        head: channels of the pyramid and the heads.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 192)
    blocks: tuple[int, ...] = (1, 2, 3, 2)
    head: int = 64

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Shape:
        """Read what `to_json` wrote."""
        return cls(tuple(value["widths"]), tuple(value["blocks"]), int(value["head"]))


class Raw(NamedTuple):
    """What training reads: `logits` (B, N), `distances` (B, N, 4), and the heads' `features`, one map a level."""

    logits: Tensor
    distances: Tensor
    features: list[Tensor]


class Network(nn.Module):
    """Picture (B, 3, H, W) in 0..1, RGB, H and W divisible by 32 -> raw outputs of all cells."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape or Shape()
        widths, blocks, head = self.shape.widths, self.shape.blocks, self.shape.head
        self.stem = _conv(3, widths[0], 3, stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_conv(before, width, 3, stride=2), *(Residual(width) for _ in range(depth)))
            for before, width, depth in zip(widths[:-1], widths[1:], blocks, strict=True)
        )
        self.laterals = nn.ModuleList(_conv(width, head, 1) for width in widths[2:])
        self.context = _separable(head, head)
        self.heads = nn.ModuleList(nn.Sequential(_separable(head, head), _separable(head, head)) for _ in STRIDES)
        self.scores = nn.ModuleList(nn.Conv2d(head, 1, 1) for _ in STRIDES)
        self.sides = nn.ModuleList(nn.Conv2d(head, 4, 1) for _ in STRIDES)
        for layer in self.scores:
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]
        for layer in self.sides:
            nn.init.constant_(layer.bias, 2.0)  # type: ignore[arg-type]

    def forward(self, picture: Tensor) -> Raw:
        """Compute logits, distances and head features of every level."""
        features = [head(level) for head, level in zip(self.heads, self._pyramid(picture), strict=True)]
        logits = [layer(f).flatten(1) for layer, f in zip(self.scores, features, strict=True)]
        sides = [layer(f).flatten(2).transpose(1, 2) for layer, f in zip(self.sides, features, strict=True)]
        distances = functional.softplus(torch.cat(sides, 1).float())
        return Raw(torch.cat(logits, 1).float(), distances, features)

    def _pyramid(self, picture: Tensor) -> list[Tensor]:
        """Carry context from coarse to fine; a nearest-neighbour step up costs next to nothing."""
        level, levels = self.stem(picture), []
        for stage in self.stages:
            level = stage(level)
            levels.append(level)
        fine, middle, coarse = (lateral(x) for lateral, x in zip(self.laterals, levels[1:], strict=True))
        coarse = coarse + self.context(coarse)
        middle = middle + functional.interpolate(coarse, scale_factor=2.0)
        return [fine + functional.interpolate(middle, scale_factor=2.0), middle, coarse]


class Deployed(nn.Module):
    """The network as it ships: scores (B, N, 1) after the sigmoid, distances (B, N, 4)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the two outputs of the `fcos` family."""
        raw = self.network(picture)
        return torch.sigmoid(raw.logits).unsqueeze(2), raw.distances


class Residual(nn.Module):
    """Squeeze to half with 1x1, widen with 3x3, add (He et al. 2015, arXiv 1512.03385; Darknet-53's order)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.squeeze = _conv(width, width // 2, 1)
        self.widen = _conv(width // 2, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Add what the two convolutions find."""
        widened: Tensor = self.widen(self.squeeze(x))
        return x + widened


def cells(input_wh: tuple[int, int]) -> Tensor:
    """Return (N, 3) rows of centre x, centre y (pixels of the input) and stride, in the order of the outputs."""
    from edge.decoders.family import cell_centres

    grid = torch.tensor(cell_centres(input_wh, STRIDES))
    return torch.cat([(grid[:, :2] + 0.5) * grid[:, 2:], grid[:, 2:]], 1)


def _conv(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def _separable(inputs: int, outputs: int) -> nn.Sequential:
    """See far for little: a depthwise 5x5 and a pointwise convolution."""
    return nn.Sequential(_conv(inputs, inputs, 5, groups=inputs), _conv(inputs, outputs, 1))
