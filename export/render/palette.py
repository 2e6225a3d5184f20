"""Colours that could have been chosen by a packaging designer.

A palette has five roles, always in the same order, so that a layout can be
recoloured for another flavour without knowing how it was made.

Example:
    >>> import numpy as np
    >>> palette = random_palette(np.random.default_rng(1))
    >>> contrast(palette.ground, palette.ink) > 2.5
    True
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace

import numpy as np

Colour = tuple[int, int, int]

WHITE: Colour = (252, 252, 250)
NEAR_BLACK: Colour = (28, 26, 30)


@dataclass(frozen=True)
class Palette:
    """Five roles of colour on one packaging, each (r, g, b) in 0..255."""

    ground: Colour
    second: Colour
    accent: Colour
    ink: Colour
    paper: Colour


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return the RGB colour of a hue (turns, any number), saturation and value (both clipped to 0..1)."""
    saturation, value = min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def ripe(hue: float, saturation: float, value: float) -> Colour:
    """Return a colour as ``hsv`` does, but with greens and cyans calmed, which print never shows as a screen does."""
    calm = 0.22 * max(0.0, 1 - abs(hue % 1.0 - 0.36) / 0.2)
    return hsv(hue, saturation * (1 - 0.8 * calm), value * (1 - calm))


def hue_of(colour: Colour) -> float:
    """Return the hue of a colour in turns, 0..1."""
    return colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))[0]


def mix(first: Colour, other: Colour, share: float) -> Colour:
    """Blend two colours; ``share`` 0 is the first, 1 the other."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, other, strict=True))
    return red, green, blue


def luminance(colour: Colour) -> float:
    """Return the relative luminance, 0..1 (WCAG 2.1, section "relative luminance")."""
    linear = [(c / 12.92) if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: Colour, other: Colour) -> float:
    """Return the contrast ratio of two colours, 1..21 (WCAG 2.1, section "contrast ratio")."""
    low, high = sorted((luminance(first), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def readable_on(ground: Colour, *candidates: Colour) -> Colour:
    """Return the first candidate that reads well on the ground, else black or white, whichever reads better."""
    for colour in candidates:
        if contrast(ground, colour) >= 3.2:
            return colour
    return max((WHITE, NEAR_BLACK), key=lambda colour: contrast(ground, colour))


def random_palette(rng: np.random.Generator) -> Palette:
    """Draw a palette: bold, pastel, white, dark or natural, with a harmonic second and accent colour."""
    hue = float(rng.random())
    mood = rng.choice(["bold", "pastel", "white", "dark", "natural"], p=[0.34, 0.16, 0.24, 0.14, 0.12])
    jitter = rng.uniform(-0.06, 0.06, 2)
    if mood == "bold":
        ground = ripe(hue, 0.55 + 0.42 * rng.random(), 0.5 + 0.45 * rng.random())
    elif mood == "pastel":
        ground = hsv(hue, 0.12 + 0.22 * rng.random(), 0.88 + 0.1 * rng.random())
    elif mood == "white":
        ground = hsv(hue, 0.06 * rng.random(), 0.94 + 0.05 * rng.random())
    elif mood == "dark":
        ground = hsv(hue, 0.3 + 0.5 * rng.random(), 0.12 + 0.18 * rng.random())
    else:
        ground = hsv(0.08 + 0.05 * rng.random(), 0.25 + 0.25 * rng.random(), 0.6 + 0.25 * rng.random())
    turn = float(rng.choice([0.04, 0.09, 0.33, 0.42, 0.5, 0.58]))
    second = ripe(hue + turn + jitter[0], 0.5 + 0.5 * rng.random(), 0.35 + 0.6 * rng.random())
    accent = ripe(hue + 0.5 * turn + jitter[1] + 0.5, 0.7 + 0.3 * rng.random(), 0.65 + 0.35 * rng.random())
    ink = readable_on(ground, hsv(hue, 0.7, 0.3), second, WHITE)
    return Palette(ground, second, accent, ink, mix(WHITE, ground, 0.08))


def recolour(palette: Palette, hue: float, *, subtle: bool) -> Palette:
    """Return the palette of another flavour of the same brand.

    Args:
        palette: Colours of the brand.
        hue: Hue of the flavour in turns.
        subtle: Change the accent only; otherwise the second colour (or a coloured ground) follows too.

    Returns:
        The recoloured palette; paper and legibility are kept.
    """
    accent = ripe(hue, 0.75, 0.85)
    if subtle:
        return replace(palette, accent=accent)
    _, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in palette.ground))
    if saturation < 0.2 or value < 0.3:
        return replace(palette, second=ripe(hue, 0.8, 0.7), accent=accent)
    ground = ripe(hue, saturation, value)
    return replace(palette, ground=ground, accent=ripe(hue + 0.12, 0.8, 0.9), ink=readable_on(ground, palette.ink))
