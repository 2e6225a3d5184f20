"""Layouts of the demo world; training never sees them."""

from __future__ import annotations

import numpy as np

from export.render.layouts import Front, Layout
from export.render.palette import WHITE, mix, readable_on
from export.render.patterns import gradient, rays, stripes

ALL = (0.0, 0.0, 1.0, 1.0)


def arch(front: Front) -> None:
    """A tall arched window with the motif, brand above, name below on the ground."""
    sheet, palette = front.sheet, front.sheet.palette
    gradient(sheet, ALL, palette.ground, mix(palette.ground, palette.second, 0.35))
    crown = min(0.34 * sheet.aspect, 0.21)
    sheet.ellipse((0.16, 0.25, 0.84, 0.25 + 2 * crown), palette.paper)
    sheet.rectangle((0.16, 0.25 + crown, 0.84, 0.68), palette.paper)
    front.motif(0.5, 0.48, min(0.24, 0.15 / sheet.aspect))
    front.brand((0.1, 0.05, 0.9, 0.22), palette.ink)
    front.name((0.1, 0.71, 0.9, 0.78), palette.ink)
    front.flavour_strip((0.1, 0.80, 0.9, 0.88))
    front.foot((0.1, 0.92, 0.9, 0.96), palette.ink)


def ribbon(front: Front) -> None:
    """A ribbon with forked ends over stripes, the motif twice below."""
    sheet, palette = front.sheet, front.sheet.palette
    stripes(sheet, ALL, palette.ground, mix(palette.ground, WHITE, 0.22))
    tail = np.array([[0.0, 0.2], [0.2, 0.2], [0.2, 0.4], [0.0, 0.4], [0.07, 0.3]])
    sheet.polygon(tail, mix(palette.second, (0, 0, 0), 0.35))
    sheet.polygon(tail * [-1, 1] + [1, 0], mix(palette.second, (0, 0, 0), 0.35))
    sheet.rectangle((0.08, 0.16, 0.92, 0.35), palette.second)
    front.brand((0.13, 0.18, 0.87, 0.33), readable_on(palette.second, WHITE))
    front.name((0.12, 0.42, 0.88, 0.50), palette.ink)
    sheet.rectangle((0.0, 0.55, 1.0, 0.8), palette.paper)
    for x in (0.3, 0.7):
        front.motif(x, 0.68, 0.15)
    front.flavour_strip((0.0, 0.82, 1.0, 0.9))
    front.foot((0.1, 0.92, 0.9, 0.97), palette.ink)


def medallion(front: Front) -> None:
    """A round medallion with rim in the middle of a quiet ground."""
    sheet, palette = front.sheet, front.sheet.palette
    sheet.rectangle(ALL, palette.ground)
    sheet.rectangle((0.0, 0.0, 1.0, 0.1), palette.second)
    sheet.rectangle((0.0, 0.9, 1.0, 1.0), palette.second)
    rim = min(0.44, 0.26 / sheet.aspect)
    tall = rim * sheet.aspect
    for radius, colour in ((rim, palette.accent), (0.93 * rim, palette.paper)):
        sheet.circle(0.5, 0.38, radius, colour)
    front.motif(0.5, 0.38 - 0.38 * tall, 0.34 * rim)
    brand_box = (0.5 - 0.78 * rim, 0.38 + 0.05 * tall, 0.5 + 0.78 * rim, 0.38 + 0.55 * tall)
    front.brand(brand_box, readable_on(palette.paper, palette.second))
    front.name((0.1, 0.67, 0.9, 0.76), palette.ink)
    front.flavour((0.1, 0.78, 0.9, 0.86), palette.ink)
    front.foot((0.08, 0.93, 0.92, 0.975), readable_on(palette.second, WHITE))


def sunrise(front: Front) -> None:
    """Rays behind hills, a sun with the motif, the brand in the sky."""
    sheet, palette = front.sheet, front.sheet.palette
    rays(sheet, (0, 0, 1, 0.72), palette.ground, mix(palette.ground, WHITE, 0.3))
    sheet.circle(0.5, 0.55, 0.3, mix(palette.accent, WHITE, 0.35))
    front.motif(0.5, 0.5, 0.18)
    x = np.linspace(0, 1, 24)
    for level, height, colour in ((0.66, 0.04, palette.second), (0.73, 0.03, mix(palette.second, (0, 0, 0), 0.25))):
        crest = np.stack([x, level - height * np.sin(x * 7 + level * 9)], 1)
        sheet.polygon(np.concatenate([crest, [[1, 1], [0, 1]]]), colour)
    dark = mix(palette.second, (0, 0, 0), 0.25)
    front.brand((0.08, 0.05, 0.92, 0.24), palette.ink, outline=mix(palette.ground, WHITE, 0.15))
    front.name((0.08, 0.77, 0.92, 0.85), readable_on(dark, WHITE))
    front.flavour((0.08, 0.865, 0.92, 0.92), readable_on(dark, palette.accent))
    front.foot((0.08, 0.94, 0.92, 0.98), readable_on(dark, WHITE))


def stamp(front: Front) -> None:
    """A perforated stamp, tilted motif, brand upright at its side."""
    sheet, palette = front.sheet, front.sheet.palette
    sheet.rectangle(ALL, palette.ground)
    sheet.rectangle((0.26, 0.08, 0.94, 0.62), palette.paper)
    for step in np.linspace(0.26, 0.94, 11):
        for y in (0.08, 0.62):
            sheet.circle(float(step), y, 0.022, palette.ground)
    for step in np.linspace(0.08, 0.62, 13):
        for x in (0.26, 0.94):
            sheet.circle(x, float(step), 0.022, palette.ground)
    front.motif(0.6, 0.36, 0.24)
    front.brand((0.03, 0.06, 0.22, 0.94), palette.ink, turned=True)
    front.name((0.28, 0.67, 0.94, 0.76), palette.ink)
    front.flavour_strip((0.28, 0.79, 0.94, 0.87))
    front.foot((0.28, 0.91, 0.94, 0.95), palette.ink)


LAYOUTS: dict[str, Layout] = {
    "arch": arch,
    "ribbon": ribbon,
    "medallion": medallion,
    "sunrise": sunrise,
    "stamp": stamp,
}
