"""Layouts of the training world: ten grammars, each with many free choices taken from the family's seed."""

from __future__ import annotations

import numpy as np

from export.render.layouts import Front, Layout
from export.render.lettering import print_lines, print_small_text
from export.render.motifs import MOTIFS
from export.render.palette import Colour, mix, readable_on
from export.render.panels import badge, barcode
from export.render.patterns import random_pattern
from export.render.sheet import Box, Sheet

ALL = (0.0, 0.0, 1.0, 1.0)


def _ground(front: Front, box: Box = ALL, plain: float = 0.35) -> None:
    palette, rng = front.sheet.palette, front.sheet.rng
    other = mix(palette.ground, palette.second, float(rng.uniform(0.1, 0.6)))
    random_pattern(rng, plain=plain)(front.sheet, box, palette.ground, other)


def _extras(front: Front) -> None:
    """Add the small things that stand on most packagings: a badge, the foot, some small print, a barcode."""
    sheet, rng = front.sheet, front.sheet.rng
    ink = readable_on(sheet.palette.ground, sheet.palette.ink)
    if rng.random() < 0.35:
        x, y = float(rng.choice([0.18, 0.82])), float(rng.uniform(0.3, 0.85))
        badge(sheet, x, y, float(rng.uniform(0.1, 0.17)), front.product.claim, sheet.palette.accent)
    if rng.random() < 0.7:
        front.foot((0.07, 0.93, 0.93, 0.975), ink)
    if rng.random() < 0.25:
        left = float(rng.uniform(0.05, 0.5))
        print_small_text(sheet, (left, 0.86, left + 0.4, 0.92), ink, 3)
    if rng.random() < 0.06:
        barcode(sheet, (0.62, 0.86, 0.95, 0.96))


def _sprinkle(front: Front, box: Box, count: int, colour: Colour | None = None) -> None:
    """Scatter a secondary motif of the family."""
    sheet, rng = front.sheet, front.sheet.rng
    draw = MOTIFS[str(rng.choice(list(MOTIFS)))]
    for _ in range(count):
        x, y = float(rng.uniform(box[0], box[2])), float(rng.uniform(box[1], box[3]))
        draw(sheet, x, y, float(rng.uniform(0.04, 0.1)), colour or sheet.palette.second)


def bands(front: Front) -> None:
    """Horizontal bands of uneven height, one carries the brand."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front)
    count = int(rng.integers(2, 6))
    edges = np.sort(rng.uniform(0.0, 1.0, count * 2))
    colours = (palette.second, palette.accent, palette.paper)
    for band in range(count):
        sheet.rectangle((0, float(edges[2 * band]), 1, float(edges[2 * band + 1])), colours[band % 3])
    top = float(rng.uniform(0.05, 0.4))
    strip = colours[int(rng.integers(3))]
    sheet.rectangle((0, top, 1, top + 0.26), strip)
    front.brand((0.06, top + 0.03, 0.94, top + 0.16), readable_on(strip, palette.ink))
    front.name((0.1, top + 0.17, 0.9, top + 0.24), readable_on(strip, palette.ink))
    if rng.random() < 0.85:
        front.motif(float(rng.uniform(0.3, 0.7)), top + 0.45, float(rng.uniform(0.16, 0.3)))
    front.flavour_strip((0.0, min(top + 0.62, 0.86), 1.0, min(top + 0.7, 0.93)))
    _extras(front)


def diagonal(front: Front) -> None:
    """The face is cut by one or two slanted lines."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front)
    for colour in (palette.second, palette.paper)[: int(rng.integers(1, 3))]:
        left, right = rng.uniform(0.15, 0.9, 2)
        low = 1.0 if rng.random() < 0.6 else 0.0
        sheet.polygon(np.array([[0, left], [1, right], [1, low], [0, low]]), colour)
    front.motif(float(rng.uniform(0.25, 0.75)), float(rng.uniform(0.55, 0.72)), float(rng.uniform(0.2, 0.42)))
    head = float(rng.uniform(0.04, 0.15))
    front.brand((0.06, head, 0.94, head + float(rng.uniform(0.12, 0.24))), palette.ink, outline=palette.ground)
    front.name((0.08, head + 0.25, 0.92, head + 0.33), palette.ink, align=float(rng.choice([0.0, 0.5, 1.0])))
    front.flavour_strip((0.1, 0.84, float(rng.uniform(0.6, 1.0)), 0.91))
    _extras(front)


def plaque(front: Front) -> None:
    """A patterned ground with a label plaque, round or square."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front, plain=0.05)
    x0, y0, y1 = float(rng.uniform(0.04, 0.16)), float(rng.uniform(0.08, 0.3)), float(rng.uniform(0.6, 0.9))
    shape = sheet.ellipse if rng.random() < 0.35 else sheet.rectangle
    paper = palette.paper if rng.random() < 0.7 else palette.second
    shape((x0 - 0.025, y0 - 0.015, 1.025 - x0, y1 + 0.015), palette.accent)
    shape((x0, y0, 1 - x0, y1), paper)
    ink, tall = readable_on(paper, palette.second, palette.ink), y1 - y0
    front.brand((x0 + 0.08, y0 + 0.14 * tall, 0.92 - x0, y0 + 0.4 * tall), ink)
    front.name((x0 + 0.12, y0 + 0.43 * tall, 0.88 - x0, y0 + 0.54 * tall), ink)
    front.motif(0.5, y0 + 0.7 * tall, 0.13)
    front.flavour((x0 + 0.2, y0 + 0.85 * tall, 0.8 - x0, y0 + 0.94 * tall), ink)
    _extras(front)


def hero(front: Front) -> None:
    """One motif fills half of the face."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front)
    low = bool(rng.random() < 0.7)
    radius = float(rng.uniform(0.28, 0.55))
    front.motif(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.58, 0.75)) if low else 0.25, radius)
    if rng.random() < 0.4:
        _sprinkle(front, (0.0, 0.35, 1.0, 0.9), int(rng.integers(2, 8)))
    head = float(rng.uniform(0.04, 0.1)) if low else 0.5
    rim = palette.ground if rng.random() < 0.6 else None
    front.brand((0.06, head, 0.94, head + 0.2), palette.ink, outline=rim)
    front.name((0.1, head + 0.21, 0.9, head + 0.28), palette.ink)
    front.flavour_strip((0.15, head + 0.3, 0.85, head + 0.37))
    _extras(front)


def stack(front: Front) -> None:
    """Big type only: brand, name and flavour stacked, set flush or centred."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front, plain=0.75)
    product, align = front.product, float(rng.choice([0.0, 0.5]))
    words = [product.brand, *product.name.split(), product.flavour.name]
    if rng.random() < 0.4:
        words.insert(int(rng.integers(len(words))), product.claim)
    top, low = float(rng.uniform(0.03, 0.12)), float(rng.uniform(0.55, 0.86))
    print_lines(sheet, words, (0.06, top, 0.94, low), palette.ink, product.design.face, align=align)
    sheet.rectangle((0.06, low + 0.01, float(rng.uniform(0.3, 0.94)), low + 0.04), palette.accent)
    if rng.random() < 0.5:
        front.motif(float(rng.choice([0.25, 0.75])), low + 0.02, 0.16)
    _extras(front)


def spine(front: Front) -> None:
    """The brand climbs one side on a coloured spine, the rest is stacked beside it."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front)
    wide = float(rng.uniform(0.24, 0.42))
    x0, x1 = (0.0, wide) if rng.random() < 0.6 else (1 - wide, 1.0)
    other = (wide + 0.03, 0.97) if x0 == 0.0 else (0.03, 0.97 - wide)
    sheet.rectangle((x0, 0, x1, 1), palette.second)
    front.brand((x0 + 0.04, 0.05, x1 - 0.04, 0.95), readable_on(palette.second, palette.paper), turned=True)
    order = rng.permutation(3)
    for slot, part in enumerate(order):
        y = 0.08 + 0.29 * slot
        if part == 0:
            front.name((other[0], y + 0.06, other[1], y + 0.18), palette.ink)
        elif part == 1:
            front.motif(sum(other) / 2, y + 0.12, 0.2)
        else:
            front.flavour_strip((other[0], y + 0.08, other[1], y + 0.16))
    _extras(front)


def frame(front: Front) -> None:
    """A border, single or double, around a quiet middle."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    random_pattern(rng, plain=0.4)(sheet, ALL, palette.second, palette.accent)
    rim = float(rng.uniform(0.04, 0.14))
    tall = rim * sheet.aspect
    corner = float(rng.choice([0.0, 0.1, 0.25]))
    sheet.rectangle((rim, tall, 1 - rim, 1 - tall), palette.ground, corner)
    middle = float(rng.uniform(0.3, 0.6))
    front.motif(0.5, middle, float(rng.uniform(0.16, 0.3)))
    front.brand((rim + 0.05, tall + 0.04, 0.95 - rim, middle - 0.14), palette.ink)
    front.name((rim + 0.08, middle + 0.16, 0.92 - rim, middle + 0.23), palette.ink)
    front.flavour((rim + 0.1, middle + 0.25, 0.9 - rim, middle + 0.31), palette.ink)
    _extras(front)


def quarters(front: Front) -> None:
    """Four fields of colour, each with a duty."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    x, y = float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.35, 0.65))
    boxes: list[Box] = [(0, 0, x, y), (x, 0, 1, y), (0, y, x, 1), (x, y, 1, 1)]
    fills = [palette.ground, palette.second, palette.accent, palette.paper]
    for box, turn in zip(boxes, rng.permutation(4), strict=True):
        fill = fills[int(turn)]
        random_pattern(rng, plain=0.6)(sheet, box, fill, mix(fill, palette.paper, 0.3))
        if turn == 1:
            front.motif((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 0.45 * (box[2] - box[0]))
    low = float(rng.uniform(0.1, 0.7))
    sheet.rectangle((0.05, low, 0.95, low + 0.22), palette.ground)
    front.brand((0.09, low + 0.02, 0.91, low + 0.13), palette.ink)
    front.name((0.12, low + 0.14, 0.88, low + 0.2), palette.ink)
    front.flavour_strip((0.05, low + 0.22, 0.95, low + 0.28))
    _extras(front)


def collage(front: Front) -> None:
    """Overlapping discs, bars and motifs under a loud brand."""
    sheet, palette, rng = front.sheet, front.sheet.palette, front.sheet.rng
    _ground(front)
    colours = (palette.second, palette.accent, palette.paper, mix(palette.second, palette.ground, 0.5))
    for step in range(int(rng.integers(4, 12))):
        x, y, size = (float(v) for v in rng.uniform([0, 0, 0.05], [1, 1, 0.4]))
        if rng.random() < 0.5:
            sheet.circle(x, y, size, colours[step % 4])
        else:
            sheet.rectangle((x - size, y - 0.3 * size, x + size, y + 0.3 * size), colours[step % 4])
    _sprinkle(front, ALL, int(rng.integers(2, 6)))
    front.motif(float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.3, 0.8)), float(rng.uniform(0.15, 0.35)))
    top = float(rng.uniform(0.05, 0.6))
    front.brand((0.04, top, 0.96, top + 0.22), palette.ink, outline=palette.ground)
    front.flavour_strip((0.1, top + 0.24, 0.9, top + 0.31))
    front.name((0.1, min(top + 0.33, 0.85), 0.9, min(top + 0.4, 0.92)), palette.ink)
    _extras(front)


def plain(front: Front) -> None:
    """Little on an empty ground: a small mark, the name, one line of colour."""
    sheet: Sheet = front.sheet
    palette, rng = sheet.palette, sheet.rng
    sheet.rectangle(ALL, palette.ground)
    y = float(rng.uniform(0.15, 0.5))
    front.brand((0.2, y, 0.8, y + float(rng.uniform(0.07, 0.15))), palette.ink)
    front.name((0.2, y + 0.17, 0.8, y + 0.22), palette.ink)
    line = float(rng.uniform(0.0, 0.9))
    sheet.rectangle((0, line, 1, line + float(rng.uniform(0.01, 0.06))), palette.accent)
    if rng.random() < 0.6:
        front.motif(0.5, y + 0.36, float(rng.uniform(0.08, 0.16)))
    front.flavour((0.2, 0.8, 0.8, 0.86), palette.ink)
    _extras(front)


LAYOUTS: dict[str, Layout] = {
    "bands": bands,
    "diagonal": diagonal,
    "plaque": plaque,
    "hero": hero,
    "stack": stack,
    "spine": spine,
    "frame": frame,
    "quarters": quarters,
    "collage": collage,
    "plain": plain,
}
