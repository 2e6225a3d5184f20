"""Pictures on a packaging: fruit, leaves, grain, drops, mountains, cups and plain emblems.

A motif is drawn around a centre with a radius in shares of the sheet's width; ``MOTIFS`` lists them by name.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from export.render.palette import NEAR_BLACK, WHITE, Colour, hsv, hue_of, mix
from export.render.sheet import Sheet

Motif = Callable[[Sheet, float, float, float, Colour], None]
Points = NDArray[np.float64]

LEAF_GREEN: Colour = (70, 140, 60)


def _at(sheet: Sheet, shape: Points, x: float, y: float, radius: float, turn: float = 0.0) -> Points:
    """Scale a unit shape (n, 2) to a radius, turn it (radians) and move it to a centre."""
    cosine, sine = np.cos(turn), np.sin(turn)
    turned = shape @ np.array([[cosine, sine], [-sine, cosine]])
    return np.array([x, y]) + turned * np.array([radius, radius * sheet.aspect])


def _round(count: int = 40) -> NDArray[np.float64]:
    return np.linspace(0, 2 * np.pi, count, endpoint=False)


def _polar(radii: NDArray[np.float64], angles: NDArray[np.float64]) -> Points:
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def leaf_shape() -> Points:
    """Return a pointed leaf from (-1, 0) to (1, 0)."""
    x = np.linspace(-1, 1, 14)
    bulge = 0.38 * (1 - x**2)
    return np.concatenate([np.stack([x, bulge], 1), np.stack([x[::-1], -bulge[::-1]], 1)])


def _leaf(sheet: Sheet, x: float, y: float, radius: float, turn: float, colour: Colour = LEAF_GREEN) -> None:
    sheet.polygon(_at(sheet, leaf_shape(), x, y, radius, turn), colour)
    vein = np.array([[-0.8, 0.0], [0.8, 0.0]])
    sheet.line(_at(sheet, vein, x, y, radius, turn), mix(colour, WHITE, 0.4), radius * 0.06)


def _shine(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    sheet.circle(x - 0.35 * radius, y - 0.35 * radius * sheet.aspect, 0.22 * radius, mix(colour, WHITE, 0.55))


def apple(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a heart-shouldered fruit with stem and leaf."""
    angles = _round()
    outline = _polar(0.92 + 0.12 * np.cos(2 * angles) - 0.1 * np.sin(angles) ** 9, angles)
    sheet.polygon(_at(sheet, outline, x, y, radius), mix(colour, NEAR_BLACK, 0.18))
    sheet.polygon(_at(sheet, outline * 0.9 - 0.06, x, y, radius), colour)
    _shine(sheet, x, y, radius, colour)
    sheet.line(_at(sheet, np.array([[0.0, -0.6], [0.12, -1.2]]), x, y, radius), (96, 66, 40), radius * 0.1)
    _leaf(sheet, x + 0.45 * radius, y - 1.05 * radius * sheet.aspect, radius * 0.42, -0.4)


def citrus(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a slice of citrus."""
    sheet.circle(x, y, radius, colour)
    sheet.circle(x, y, radius * 0.9, mix(colour, WHITE, 0.8))
    wedges = int(sheet.rng.integers(7, 11))
    wedge = _polar(np.array([0.08, 0.8, 0.84, 0.8]), np.array([0.0, -0.8, 0.0, 0.8]) * np.pi / wedges)
    for turn in np.arange(wedges) * 2 * np.pi / wedges:
        sheet.polygon(_at(sheet, wedge, x, y, radius, float(turn)), mix(colour, WHITE, 0.12))


def berries(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a cluster of berries."""
    for column, row in ((-0.5, -0.35), (0.5, -0.4), (0.0, -0.05), (-0.4, 0.45), (0.45, 0.4), (0.02, 0.8)):
        left, top = x + column * radius, y + row * radius * sheet.aspect
        sheet.circle(left, top, radius * 0.44, mix(colour, NEAR_BLACK, 0.25))
        sheet.circle(left, top, radius * 0.38, colour)
        _shine(sheet, left, top, radius * 0.4, colour)
    _leaf(sheet, x + 0.1 * radius, y - 0.85 * radius * sheet.aspect, radius * 0.5, 0.3)


def grain(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw an ear of grain."""
    sheet.line(_at(sheet, np.array([[0.0, 1.0], [0.05, -0.6]]), x, y, radius), colour, radius * 0.06)
    for row in np.linspace(-0.8, 0.4, 6):
        for side in (-1.0, 1.0):
            centre = _at(sheet, np.array([[0.2 * side, row]]), x, y, radius)[0]
            sheet.polygon(_at(sheet, leaf_shape(), *centre, radius * 0.26, -side * 1.0), colour)


def leaf_sprig(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a sprig of leaves."""
    for turn in np.linspace(-2.6, -0.5, int(sheet.rng.integers(3, 7))):
        centre = _at(sheet, np.array([[0.5, 0.0]]), x, y + 0.4 * radius * sheet.aspect, radius, float(turn))[0]
        _leaf(sheet, *centre, radius * 0.5, float(turn), colour)


def drop(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a drop."""
    angles = _round()
    shape = np.stack([0.75 * np.cos(angles) * (0.55 + 0.45 * np.sin(angles)), np.sin(angles)], 1)
    sheet.polygon(_at(sheet, shape, x, y, radius), colour)
    sheet.circle(x - 0.2 * radius, y + 0.35 * radius * sheet.aspect, 0.16 * radius, mix(colour, WHITE, 0.6))


def star(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a star or a cogged burst."""
    spikes = int(sheet.rng.choice([5, 6, 8, 12, 18]))
    inner = 0.45 if spikes < 8 else 0.8
    radii = np.tile([1.0, inner], spikes)
    sheet.polygon(_at(sheet, _polar(radii, _round(2 * spikes)), x, y, radius, -np.pi / 2), colour)


def flower(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a flower."""
    petals = int(sheet.rng.integers(5, 9))
    angles = _round(80)
    sheet.polygon(_at(sheet, _polar(0.7 + 0.3 * np.cos(petals * angles), angles), x, y, radius), colour)
    sheet.circle(x, y, radius * 0.28, hsv(hue_of(colour) + 0.5, 0.7, 0.95))


def mountains(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw snow-capped mountains."""
    for shift, size in ((0.45, 0.75), (-0.3, 1.0)):
        peak = np.array([[-0.9, 0.7], [0.0, -0.9], [0.9, 0.7]]) * size + [shift, 0.7 * (1 - size)]
        sheet.polygon(_at(sheet, peak, x, y, radius), mix(colour, NEAR_BLACK, 0.3 * size))
        snow = np.array([[-0.28, -0.4], [0.0, -0.9], [0.28, -0.4], [0.1, -0.52], [-0.08, -0.35]]) * size
        sheet.polygon(_at(sheet, snow + [shift, 0.7 * (1 - size)], x, y, radius), WHITE)


def cup(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a steaming cup."""
    sheet.polygon(_at(sheet, np.array([[-0.7, -0.2], [0.6, -0.2], [0.4, 0.8], [-0.5, 0.8]]), x, y, radius), colour)
    ring = _polar(np.full(20, 0.3), np.linspace(-1.6, 1.6, 20)) + [0.52, 0.2]
    sheet.line(_at(sheet, ring, x, y, radius), colour, radius * 0.12)
    rise = np.linspace(-0.95, -0.35, 12)
    for shift in (-0.35, 0.0, 0.35):
        steam = np.stack([shift + 0.08 * np.sin(rise * 12), rise], 1)
        sheet.line(_at(sheet, steam, x, y, radius), mix(colour, WHITE, 0.35), radius * 0.07)


def splash(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw an irregular splash with flying drops."""
    angles = _round(24)
    radii = np.where(np.arange(24) % 2 == 0, sheet.rng.uniform(0.75, 1.1, 24), sheet.rng.uniform(0.4, 0.65, 24))
    sheet.polygon(_at(sheet, _polar(radii, angles), x, y, radius), colour)
    for turn in sheet.rng.uniform(0, 2 * np.pi, 4):
        away = 1.2 * radius
        sheet.circle(x + away * np.cos(turn), y + away * np.sin(turn) * sheet.aspect, 0.08 * radius, colour)


def heart(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a heart."""
    t = _round(50)
    shape = np.stack([16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))], 1)
    sheet.polygon(_at(sheet, shape / 17, x, y, radius), colour)


def house(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a farmhouse with a sun."""
    sheet.circle(x + 0.6 * radius, y - 0.6 * radius * sheet.aspect, 0.3 * radius, (244, 190, 60))
    sheet.polygon(_at(sheet, np.array([[-0.7, 0.0], [0.5, 0.0], [0.5, 0.8], [-0.7, 0.8]]), x, y, radius), colour)
    sheet.polygon(_at(sheet, np.array([[-0.9, 0.0], [-0.1, -0.7], [0.7, 0.0]]), x, y, radius), mix(colour, NEAR_BLACK, 0.4))
    sheet.polygon(_at(sheet, np.array([[-0.25, 0.3], [0.1, 0.3], [0.1, 0.8], [-0.25, 0.8]]), x, y, radius), WHITE)


def orbit(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw concentric discs."""
    for ring, share in enumerate(np.linspace(1.0, 0.25, int(sheet.rng.integers(3, 6)))):
        sheet.circle(x, y, radius * float(share), colour if ring % 2 == 0 else mix(colour, WHITE, 0.75))


def fish(sheet: Sheet, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a fish."""
    sheet.polygon(_at(sheet, leaf_shape() * [0.9, 1.1] - [0.1, 0.0], x, y, radius), colour)
    sheet.polygon(_at(sheet, np.array([[0.55, 0.0], [1.0, -0.4], [0.9, 0.0], [1.0, 0.4]]), x, y, radius), colour)
    sheet.circle(x - 0.62 * radius, y - 0.08 * radius * sheet.aspect, 0.07 * radius, WHITE)


MOTIFS: dict[str, Motif] = {
    "apple": apple,
    "citrus": citrus,
    "berries": berries,
    "grain": grain,
    "leaf_sprig": leaf_sprig,
    "drop": drop,
    "star": star,
    "flower": flower,
    "mountains": mountains,
    "cup": cup,
    "splash": splash,
    "heart": heart,
    "house": house,
    "orbit": orbit,
    "fish": fish,
}
