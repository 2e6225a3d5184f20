"""What a student's maps must tell: the teacher's, read off by one 1x1 convolution a map.

The readers serve training only; nothing of them ships.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.train.embedder.network import Shape
from export.train.embedder.teacher import CHANNELS


class Readers(nn.ModuleList):
    """One convolution for each of the five maps of a network."""

    def __init__(self, shape: Shape) -> None:
        first, middle, last = shape.width
        widths = (first, middle, middle, last, last)
        super().__init__(nn.Conv2d(width, kept, 1) for width, kept in zip(widths, CHANNELS, strict=True))

    def imitation_loss(self, maps: Sequence[Tensor], taught: Sequence[Tensor]) -> Tensor:
        """Add up the share of each of the teacher's maps that is not told: 0 is a perfect copy, 5 nothing at all.

        Args:
            maps: five of the student's, (n, width, h, w).
            taught: five of the teacher's, (n, kept, h', w'); brought to the student's grid by area.
        """
        loss = torch.zeros((), device=maps[0].device)
        for read, own, target in zip(self, maps, taught, strict=True):
            target = functional.interpolate(target, size=own.shape[2:], mode="area")
            loss = loss + functional.mse_loss(read(own), target) / (target.var() + 1e-3)
        return loss
