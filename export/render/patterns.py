"""Grounds that a packaging is printed on: gradients, stripes, dots, waves, checks, rays, blobs.

Every pattern takes a sheet, a box and two colours, and fills the box; ``PATTERNS`` lists them by name.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from export.render.palette import Colour
from export.render.sheet import Box, Sheet

Pattern = Callable[[Sheet, Box, Colour, Colour], None]


def _fill(sheet: Sheet, box: Box, share: NDArray[np.float32], first: Colour, second: Colour) -> None:
    """Blend two colours by ``share`` (h, w) in 0..1 and paste the result into the box."""
    x0, y0, x1, y1 = sheet.place(box)
    start, step = np.float32(first), np.float32(second) - np.float32(first)
    pixels = start + share[..., None] * step
    sheet.image.paste(Image.fromarray(pixels.astype(np.uint8)), (x0, y0, x1, y1))


def _grid(sheet: Sheet, box: Box) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return x and y (h, w) of a box, both in widths of the sheet."""
    x0, y0, x1, y1 = sheet.place(box)
    columns, rows = np.arange(x1 - x0, dtype=np.float32), np.arange(y1 - y0, dtype=np.float32)
    x, y = np.meshgrid(columns / sheet.image.width, rows / sheet.image.width)
    return x, y


def solid(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Fill with the first colour."""
    del second
    sheet.rectangle(box, first)


def gradient(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Run from the first colour to the second in a random direction."""
    x, y = _grid(sheet, box)
    angle = sheet.rng.choice([np.pi / 2, np.pi / 2, 0.0, 0.8, 2.3])
    ramp = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    _fill(sheet, box, (ramp - ramp.min()) / max(float(np.ptp(ramp)), 1e-6), first, second)


def stripes(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw stripes: upright, level or slanted, of one of several widths."""
    x, y = _grid(sheet, box)
    angle = sheet.rng.choice([0.0, np.pi / 2, 0.6, -0.6, float(sheet.rng.uniform(0, np.pi))])
    period, duty = float(sheet.rng.choice([0.05, 0.08, 0.14, 0.25, 0.4])), float(sheet.rng.uniform(0.2, 0.6))
    phase = (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y) / np.float32(period)
    _fill(sheet, box, np.float32(phase % 1.0 < duty), first, second)


def dots(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw a staggered raster of dots."""
    x, y = _grid(sheet, box)
    period, radius = float(sheet.rng.choice([0.06, 0.1, 0.16, 0.24])), float(sheet.rng.uniform(0.15, 0.4))
    row = np.floor(y / period)
    across = (x / period + 0.5 * (row % 2)) % 1.0 - 0.5
    down = (y / period) % 1.0 - 0.5
    _fill(sheet, box, np.float32(across**2 + down**2 < radius**2), first, second)


def waves(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw horizontal waves."""
    x, y = _grid(sheet, box)
    length, height = float(sheet.rng.uniform(0.15, 0.7)), float(sheet.rng.uniform(0.02, 0.1))
    period = float(sheet.rng.uniform(0.08, 0.35))
    phase = (y + height * np.sin(x * np.float32(2 * np.pi / length))) / np.float32(period)
    _fill(sheet, box, np.float32(phase % 1.0 < 0.45), first, second)


def checks(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw a checkerboard or, turned, lozenges; gingham where the two colours overlap by half."""
    x, y = _grid(sheet, box)
    if sheet.rng.random() < 0.4:
        x, y = x + y, x - y
    period = float(sheet.rng.choice([0.07, 0.12, 0.2, 0.33]))
    across, down = np.floor(x / period) % 2, np.floor(y / period) % 2
    share = np.abs(across - down) if sheet.rng.random() < 0.5 else (across + down) / 2
    _fill(sheet, box, np.float32(share), first, second)


def rays(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw a sunburst around a point."""
    x, y = _grid(sheet, box)
    centre_x, centre_y = x.max() * sheet.rng.uniform(0.2, 0.8), y.max() * sheet.rng.uniform(0.2, 1.0)
    count = int(sheet.rng.integers(7, 22))
    turn = np.arctan2(y - np.float32(centre_y), x - np.float32(centre_x)) / np.float32(2 * np.pi)
    _fill(sheet, box, np.float32((turn * count) % 1.0 < 0.5), first, second)


def rings(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw rings around a point."""
    x, y = _grid(sheet, box)
    away = np.hypot(x - np.float32(x.max() * sheet.rng.random()), y - np.float32(y.max() * sheet.rng.random()))
    period = float(sheet.rng.uniform(0.06, 0.3))
    _fill(sheet, box, np.float32((away / period) % 1.0 < sheet.rng.uniform(0.3, 0.6)), first, second)


def blobs(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Draw soft-edged organic spots, like camouflage or a cow's coat."""
    x, _ = _grid(sheet, box)
    height, width = x.shape
    cells = int(sheet.rng.integers(3, 9))
    coarse = sheet.rng.random((max(2, round(cells * height / width)) + 1, cells)).astype(np.float32)
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    _fill(sheet, box, np.float32(np.clip((field - sheet.rng.uniform(0.45, 0.65)) * 40, 0, 1)), first, second)


def confetti(sheet: Sheet, box: Box, first: Colour, second: Colour) -> None:
    """Scatter small lozenges."""
    sheet.rectangle(box, first)
    size = float(sheet.rng.uniform(0.015, 0.05))
    corners = np.array([[-1, 0], [0, -1], [1, 0], [0, 1]], dtype=np.float64) * size
    corners[:, 1] *= sheet.aspect
    x0, y0, x1, y1 = box
    for _ in range(int(sheet.rng.integers(15, 60))):
        centre = np.array([sheet.rng.uniform(x0, x1), sheet.rng.uniform(y0, y1)])
        sheet.polygon(np.clip(centre + corners, (x0, y0), (x1, y1)), second)


PATTERNS: dict[str, Pattern] = {
    "solid": solid,
    "gradient": gradient,
    "stripes": stripes,
    "dots": dots,
    "waves": waves,
    "checks": checks,
    "rays": rays,
    "rings": rings,
    "blobs": blobs,
    "confetti": confetti,
}


def random_pattern(rng: np.random.Generator, *, plain: float = 0.3) -> Pattern:
    """Draw a pattern; ``plain`` is the chance of a solid ground."""
    if rng.random() < plain:
        return solid
    return PATTERNS[str(rng.choice(list(PATTERNS)[1:]))]
