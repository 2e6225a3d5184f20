"""Varied pictures, on the device that learns: turned, shifted, lit, blurred, covered anew in every draw.

Rendering and reading give a picture once; this makes it a hundred. All chances are drawn by PyTorch on the device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Variety:
    """How much pictures vary.

    Attributes:
        turn: deviation of the angle in radians.
        zoom: deviation of the logarithm of the scale.
        shift: deviation of the middle, in shares of half the side.
        tilt: deviation of the perspective; 0.1 makes one side a tenth shorter than the other.
        light: see `relight`.
        blur: chance that a picture loses sharpness.
        noise: largest deviation of the noise that half of the pictures get, of pixels in -1..1.
        cover: chance that a part of another picture covers a corner or the middle.
    """

    turn: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    tilt: float = 0.0
    light: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    cover: float = 0.0

    @property
    def moves(self) -> bool:
        """Tell whether the pictures are turned, scaled or shifted at all."""
        return any((self.turn, self.zoom, self.shift, self.tilt))


NOISY = 0.5
PHOTO = Variety(turn=0.1, zoom=0.12, shift=0.05, tilt=0.06, light=0.1, blur=0.3, noise=0.04, cover=0.2)
PACKSHOT = Variety(turn=0.02, zoom=0.05, shift=0.02, tilt=0.01, light=0.05, blur=0.2, noise=0.01)


@torch.no_grad()
def varied(pictures: Tensor, size: int, variety: Variety) -> Tensor:
    """Vary pictures.

    Args:
        pictures: (n, s, s, 3) uint8 RGB.
        size: side of the result.
        variety: how much.

    Returns:
        (n, 3, size, size) float32 in -1..1, on the device of the pictures.
    """
    batch = pictures.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
    if len(batch) == 0:
        return batch.new_zeros(0, 3, size, size)
    if variety.moves or batch.shape[-1] != size:
        batch = functional.grid_sample(batch, _grid(batch, size, variety), padding_mode="border", align_corners=False)
    if variety.cover:
        batch = _covered(batch, variety.cover)
    batch = relight(batch, variety.light)
    for chance, spoil in ((variety.blur, _blurred), (NOISY if variety.noise else 0, _grainy)):
        rows = torch.nonzero(torch.rand(len(batch), device=batch.device) < chance)[:, 0]
        if len(rows):
            batch[rows] = spoil(batch[rows], variety)
    return batch


def relight(batch: Tensor, strength: float) -> Tensor:
    """Vary white balance, brightness and contrast of each picture of a batch in -1..1."""
    n, device = len(batch), batch.device
    balance = 1 + 0.6 * strength * torch.randn(n, 3, 1, 1, device=device)
    brightness = strength * torch.randn(n, 1, 1, 1, device=device)
    contrast = 1 + strength * torch.randn(n, 1, 1, 1, device=device)
    return ((batch * balance + brightness) * contrast).clamp_(-1, 1)


def _grid(batch: Tensor, size: int, variety: Variety) -> Tensor:
    """Return where each pixel of the result lies in its picture: (n, size, size, 2) in -1..1."""
    n, device = len(batch), batch.device
    at = (torch.arange(size, device=device) + 0.5) * (2 / size) - 1
    plane = torch.stack([at[None].expand(size, size), at[:, None].expand(size, size)], -1)
    noise = torch.randn(n, 7, 1, 1, device=device)
    angle, scale, aspect = noise[:, 0] * variety.turn, noise[:, 1] * variety.zoom, noise[:, 2] * variety.zoom / 2
    x, y = plane[..., 0][None], plane[..., 1][None]
    depth = 1 + variety.tilt * (noise[:, 3] * x + noise[:, 4] * y)
    wide, tall = torch.exp(scale + aspect), torch.exp(scale - aspect)
    cos, sin = torch.cos(angle), torch.sin(angle)
    turned_x, turned_y = (cos * x - sin * y) * wide, (sin * x + cos * y) * tall
    return torch.stack(
        [turned_x / depth + noise[:, 5] * variety.shift, turned_y / depth + noise[:, 6] * variety.shift], -1
    )


def _covered(batch: Tensor, chance: float) -> Tensor:
    """Lay a rectangle of another picture of the batch over a part of some."""
    size, device = batch.shape[-1], batch.device
    at = torch.arange(size, device=device) / size
    middle, half = _each(batch, 2), 0.08 + 0.17 * _each(batch, 2)
    inside_x = (at[None, None, None] - middle[:, :1]).abs() < half[:, :1]
    inside_y = (at[None, None, :, None] - middle[:, 1:]).abs() < half[:, 1:]
    return torch.where(inside_x & inside_y & (_each(batch) < chance), batch.roll(max(1, len(batch) // 3), 0), batch)


def _each(batch: Tensor, count: int = 1) -> Tensor:
    """Draw numbers in 0..1 for each picture, (n, count, 1, 1)."""
    return torch.rand(len(batch), count, 1, 1, device=batch.device)


def _blurred(batch: Tensor, variety: Variety) -> Tensor:
    """Mix pictures with their average over 5 x 5 pixels."""
    averages = functional.avg_pool2d(functional.pad(batch, (2, 2, 2, 2), mode="replicate"), 5, 1)
    return torch.lerp(batch, averages, _each(batch))


def _grainy(batch: Tensor, variety: Variety) -> Tensor:
    return (batch + torch.randn_like(batch) * (variety.noise * _each(batch))).clamp_(-1, 1)
