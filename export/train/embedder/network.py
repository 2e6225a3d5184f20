"""The embedder's network: bottleneck blocks of dense convolutions, read at three strides.

Dense 3x3 convolutions on few channels run faster than depthwise ones of the same size on every runtime measured here,
and they gain from int8. What is printed on a packaging shows early in a network, its kind late: the vector is made
from the maps at strides 8, 16 and 32 together.

Blocks after He et al. 2015 (arXiv 1512.03385); generalised-mean pooling after Radenovic et al. 2017
(arXiv 1711.02512).

    >>> Network()(torch.zeros(2, 3, 160, 160)).shape
    torch.Size([2, 128])
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 160
POOLING_POWER = 3
SMALLEST_ACTIVATION = 1e-4


@dataclass(frozen=True)
class Shape:
    """Widths and depths of the network.

    Attributes:
        stem: channels at strides 2 and 4.
        width: channels at strides 8, 16 and 32.
        inner: channels inside the blocks at strides 8, 16 and 32.
        depth: blocks after the first at strides 8, 16 and 32.
        tap: channels pooled at strides 8, 16 and 32.
        ndim: length of the vector.
    """

    stem: tuple[int, int] = (16, 32)
    width: tuple[int, int, int] = (96, 224, 512)
    inner: tuple[int, int, int] = (32, 56, 112)
    depth: tuple[int, int, int] = (2, 4, 1)
    tap: tuple[int, int, int] = (128, 224, 320)
    ndim: int = 128


class Bottleneck(nn.Module):
    """Narrow, look around, widen, add what came in; ReLU of the sum."""

    def __init__(self, channels: int, width: int, inner: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, inner, 1),
            convolution(inner, inner, 3, stride),
            nn.Conv2d(inner, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.skip: nn.Module = nn.Identity()
        if stride == 1 and channels == width:
            nn.init.zeros_(self.body[-1].weight)  # type: ignore[arg-type]
        else:
            halve = [nn.AvgPool2d(2, 2, ceil_mode=True)] if stride == 2 else []
            self.skip = nn.Sequential(*halve, nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, h, w) to (n, width, h / stride, w / stride), rounded up."""
        return functional.relu(self.body(x) + self.skip(x))


class Network(nn.Module):
    """From a picture (n, 3, s, s), (pixel - 127.5) / 127.5 RGB, to unit vectors (n, ndim)."""

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or Shape()
        self.stem = nn.Sequential(convolution(3, shape.stem[0], 3, 2), convolution(shape.stem[0], shape.stem[1], 3, 2))
        entries = (shape.stem[1], *shape.width[:2])
        stages = zip(entries, shape.width, shape.inner, shape.depth, strict=True)
        self.stages = nn.ModuleList(_stage(*stage) for stage in stages)
        self.taps = nn.ModuleList(convolution(w, t, 1) for w, t in zip(shape.width, shape.tap, strict=True))
        self.norm = nn.BatchNorm1d(sum(shape.tap))
        self.project = nn.Linear(sum(shape.tap), shape.ndim)

    def maps(self, picture: Tensor) -> list[Tensor]:
        """Return five feature maps: stride 8, stride 16 half way and at its end, stride 32 likewise."""
        found, x = list[Tensor](), self.stem(picture)
        for stage in self.stages:
            assert isinstance(stage, nn.Sequential)
            half = max(1, len(stage) // 2)
            middle = stage[:half](x)
            x = stage[half:](middle)
            found += [middle, x] if found else [x]
        return found

    def vector(self, maps: list[Tensor]) -> Tensor:
        """Pool maps into vectors (n, ndim), not yet of unit length."""
        pooled = [generalised_mean(tap(m)) for tap, m in zip(self.taps, maps[::2], strict=True)]
        return torch.as_tensor(self.project(self.norm(torch.cat(pooled, 1))))

    def forward(self, picture: Tensor) -> Tensor:
        """Return unit vectors (n, ndim) float32."""
        return functional.normalize(self.vector(self.maps(picture)).float(), dim=1)


def convolution(channels: int, width: int, side: int, stride: int = 1) -> nn.Sequential:
    """Make a convolution with batch normalisation and ReLU."""
    plain = nn.Conv2d(channels, width, side, stride, side // 2, bias=False)
    return nn.Sequential(plain, nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def generalised_mean(x: Tensor) -> Tensor:
    """Pool (n, c, h, w) to (n, c) by the cubic mean: between the average and the maximum."""
    x = x.float().clamp(min=SMALLEST_ACTIVATION)
    return (x * x * x).mean((2, 3)).pow(1 / POOLING_POWER)


def _stage(channels: int, width: int, inner: int, depth: int) -> nn.Sequential:
    rest = [Bottleneck(width, width, inner) for _ in range(depth)]
    return nn.Sequential(Bottleneck(channels, width, inner, stride=2), *rest)
