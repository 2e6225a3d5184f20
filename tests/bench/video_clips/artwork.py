"""The printed label of a product, drawn with Pillow: a motif, a brand, small print, a badge.

Letters are those that come with matplotlib (DejaVu, STIX, Computer Modern), so that they are the same everywhere.

>>> label(product.design, (240, 320)).shape
(320, 240, 3)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.preprocessing import ImageArray
from tests.bench.video_clips.designs import MOTIFS, Colour, Design

FONTS = (
    "DejaVuSerif-Bold", "DejaVuSans-Bold", "STIXGeneralBol", "DejaVuSansMono-Bold", "cmb10", "STIXGeneralBolIta",
    "DejaVuSerif-BoldItalic", "cmss10",
)  # fmt: skip
SHARPER = 2
"""Labels are drawn larger by this and shrunk, for soft edges."""

Motif = Callable[[ImageDraw.ImageDraw, np.random.Generator, tuple[int, int], Colour, Colour], None]


def label(design: Design, size_wh: tuple[int, int]) -> ImageArray:
    """Draw a label.

    Args:
        design: whose.
        size_wh: width and height in pixels.

    Returns:
        (height, width, 3) uint8 RGB; equal arguments give equal pixels.
    """
    wide, tall = size_wh[0] * SHARPER, size_wh[1] * SHARPER
    rng = np.random.default_rng([design.artwork, 601])
    ground, first, second, ink = design.colours
    page = Image.new("RGB", (wide, tall), ground)
    draw = ImageDraw.Draw(page)
    name = MOTIFS[int(rng.integers(len(MOTIFS)))]
    _MOTIFS[name](draw, rng, (wide, tall), first, second)
    _letters(draw, rng, design, (wide, tall))
    _badge(draw, rng, (wide, tall), second, ground)
    draw.rectangle((0, tall * 0.965, wide, tall), fill=ink)
    return np.asarray(page.resize(size_wh, Image.Resampling.BOX))


def _letters(draw: ImageDraw.ImageDraw, rng: np.random.Generator, design: Design, size: tuple[int, int]) -> None:
    wide, tall = size
    ground, first, _, ink = design.colours
    brand_font, text_font = (FONTS[int(n)] for n in rng.permutation(len(FONTS))[:2])
    middle = tall * float(rng.choice([0.14, 0.2, 0.3]))
    brand = design.brand.upper() if rng.random() < 0.4 else design.brand
    font = _fitting(brand_font, brand, wide * 0.86, tall * 0.17)
    if rng.random() < 0.55:
        half = tall * 0.11
        draw.rectangle((0, middle - half, wide, middle + half), fill=ground)
    draw.text((wide / 2, middle), brand, ink, font, anchor="mm")
    plate = tall * float(rng.choice([0.56, 0.66, 0.74]))
    draw.rectangle((wide * 0.06, plate - tall * 0.075, wide * 0.94, plate + tall * 0.095), fill=first)
    paper = (250, 248, 240) if sum(first) < 400 else (24, 22, 26)
    kind = _fitting(text_font, design.kind, wide * 0.8, tall * 0.07)
    variety = _fitting(text_font, design.variety.upper(), wide * 0.8, tall * 0.075)
    draw.text((wide / 2, plate - tall * 0.03), design.kind, paper, kind, anchor="mm")
    draw.text((wide / 2, plate + tall * 0.05), design.variety.upper(), paper, variety, anchor="mm")
    for row in range(3):
        y = tall * (0.88 + 0.025 * row)
        draw.line((wide * 0.1, y, wide * float(rng.uniform(0.5, 0.9)), y), fill=ink, width=max(1, tall // 260))


def _badge(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], colour: Colour, paper: Colour
) -> None:
    """Draw a round seal with a number, sometimes."""
    if rng.random() < 0.4:
        return
    wide, tall = size
    radius = min(wide, tall) * 0.1
    x, y = wide * float(rng.choice([0.2, 0.8])), tall * float(rng.choice([0.42, 0.47]))
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=paper, width=4)
    number = str(int(rng.integers(2, 99)))
    draw.text((x, y), number, paper, _fitting(FONTS[1], number, radius * 1.2, radius), anchor="mm")


@lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{name}.ttf"), size)


def _fitting(name: str, text: str, wide: float, tall: float) -> ImageFont.FreeTypeFont:
    """Return the font in the largest size in which a text fits."""
    left, top, right, bottom = _font(name, 100).getbbox(text)
    return _font(name, max(6, int(100 * min(wide / (right - left), tall / (bottom - top)))))


def _halftone(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    step = min(size) / float(rng.uniform(9, 16))
    x0, y0 = wide * rng.uniform(0, 1), tall * rng.uniform(0.2, 0.8)
    for row, y in enumerate(np.arange(0, tall, step)):
        for x in np.arange(step / 2 * (row % 2), wide, step):
            radius = step * 0.62 * (1 - min(np.hypot(x - x0, y - y0) / max(size), 0.95))
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=first if row % 3 else second)


def _swell(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    x = np.linspace(0, wide, 60)
    bands, phase = int(rng.integers(3, 6)), rng.uniform(0, 6, 6)
    for band in range(bands):
        top = tall * (0.36 + 0.5 * band / bands) + tall * 0.05 * np.sin(x / wide * 7 + phase[band])
        points = [*zip(x.tolist(), top.tolist(), strict=True), (wide, tall), (0, tall)]
        draw.polygon(points, fill=_mixed(first, second, band / bands))


def _rosette(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    turns, petals = np.linspace(0, 2 * np.pi, 720), int(rng.integers(5, 12))
    for ring, colour in ((0.48, first), (0.33, second), (0.18, first)):
        radius = min(size) * ring * (1 + 0.28 * np.cos(petals * turns)) * 1.2
        points = np.stack([wide / 2 + radius * np.cos(turns), tall * 0.46 + radius * np.sin(turns)], axis=1)
        draw.line([tuple(point) for point in points.tolist()], fill=colour, width=max(2, min(size) // 28))


def _shards(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    corners = rng.uniform(-0.1, 1.1, (int(rng.integers(8, 14)), 3, 2)) * size
    for number, corner in enumerate(corners):
        pulled = corner.mean(axis=0) + (corner - corner.mean(axis=0)) * 0.75
        draw.polygon([tuple(point) for point in pulled.tolist()], fill=_mixed(first, second, number / len(corners)))


def _rays(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    x, y, count = wide * rng.uniform(0.3, 0.7), tall * rng.uniform(0.35, 0.9), int(rng.integers(7, 15))
    for ray in range(count):
        angles = 2 * np.pi * (ray + np.array([0.0, 0.5])) / count
        far = [(x + 2 * max(size) * np.cos(a), y + 2 * max(size) * np.sin(a)) for a in angles]
        draw.polygon([(x, y), *far], fill=first if ray % 2 else second)


def _berries(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    for number in range(int(rng.integers(9, 18))):
        x, y = wide * rng.uniform(0.05, 0.95), tall * rng.uniform(0.3, 0.95)
        radius = min(size) * rng.uniform(0.07, 0.14)
        colour = _mixed(first, second, float(rng.random()))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        shine, glint = radius * 0.3, _mixed(colour, (255, 255, 255), 0.6)
        draw.ellipse((x - shine * 1.8, y - shine * 1.8, x - shine * 0.4, y - shine * 0.4), fill=glint)
        if number % 3 == 0:
            draw.arc((x - radius, y - 3 * radius, x + 2 * radius, y + radius), 180, 270, fill=second, width=6)


def _plaid(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    wide, tall = size
    widths = rng.uniform(0.02, 0.09, 12)
    for number, at in enumerate(np.linspace(0.04, 0.94, 6)):
        draw.rectangle((wide * at, 0, wide * (at + widths[number]), tall), fill=_mixed(first, second, number / 6))
    for number, at in enumerate(np.linspace(0.06, 0.92, 7)[::2]):
        draw.rectangle((0, tall * at, wide, tall * (at + widths[number + 6] / 2)), fill=second if number % 2 else first)


def _rings(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], first: Colour, second: Colour
) -> None:
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.uniform(0, 1, 2) * size
        for step in range(5, 0, -1):
            radius = min(size) * 0.09 * step
            colour = first if step % 2 else second
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


_MOTIFS: dict[str, Motif] = {
    "halftone": _halftone, "swell": _swell, "rosette": _rosette, "shards": _shards,
    "rays": _rays, "berries": _berries, "plaid": _plaid, "rings": _rings,
}  # fmt: skip
