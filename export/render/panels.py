"""The duties of a packaging: barcode, nutrition table, badges, weight and the small print."""

from __future__ import annotations

import numpy as np

from export.render.lettering import BOLD, print_small_text, print_word
from export.render.motifs import star
from export.render.palette import NEAR_BLACK, WHITE, Colour, mix, readable_on
from export.render.patterns import random_pattern
from export.render.sheet import Box, Sheet


def barcode(sheet: Sheet, box: Box) -> None:
    """Print black bars on a white field."""
    x0, y0, x1, y1 = box
    sheet.rectangle(box, WHITE)
    widths = sheet.rng.integers(1, 4, 44).astype(np.float64)
    edges = x0 + (x1 - x0) * (0.06 + 0.88 * np.concatenate([[0.0], np.cumsum(widths)]) / widths.sum())
    for left, right in zip(edges[:-1:2], edges[1::2], strict=True):
        sheet.rectangle((float(left), y0 + 0.08 * (y1 - y0), float(right), y1 - 0.2 * (y1 - y0)), NEAR_BLACK)


def nutrition(sheet: Sheet, box: Box, ink: Colour) -> None:
    """Print a framed table of rows with a heavy head line."""
    x0, y0, x1, y1 = box
    sheet.rectangle(box, ink)
    inset = 0.012
    paper = readable_on(ink)
    sheet.rectangle((x0 + inset, y0 + inset * sheet.aspect, x1 - inset, y1 - inset * sheet.aspect), paper)
    rows = int(sheet.rng.integers(5, 9))
    step = (y1 - y0) / (rows + 1.5)
    print_word(sheet, "Nutrition", (x0 + 0.03, y0 + 0.15 * step, x1 - 0.03, y0 + 1.3 * step), ink, BOLD, align=0)
    for row in range(rows):
        top = y0 + (1.5 + row) * step
        sheet.rectangle((x0 + 0.02, top, x1 - 0.02, top + 0.006), ink)
        label = x0 + (x1 - x0) * float(sheet.rng.uniform(0.3, 0.55))
        sheet.rectangle((x0 + 0.04, top + 0.35 * step, label, top + 0.75 * step), mix(ink, paper, 0.3))
        sheet.rectangle((x1 - 0.18, top + 0.35 * step, x1 - 0.05, top + 0.75 * step), mix(ink, paper, 0.3))


def badge(sheet: Sheet, x: float, y: float, radius: float, word: str, colour: Colour) -> None:
    """Print a round or cogged badge with a word."""
    if sheet.rng.random() < 0.5:
        star(sheet, x, y, radius, colour)
    else:
        sheet.circle(x, y, radius, colour)
    reach, tall = radius * 0.72, radius * sheet.aspect * 0.3
    print_word(sheet, word, (x - reach, y - tall, x + reach, y + tall), readable_on(colour), BOLD)


def side_panel(sheet: Sheet, brand: str, name: str) -> None:
    """Fill a whole sheet as the side of a packaging: brand, small print, nutrition, barcode."""
    palette, rng = sheet.palette, sheet.rng
    random_pattern(rng, plain=0.7)(sheet, (0, 0, 1, 1), palette.ground, mix(palette.ground, palette.second, 0.35))
    head = 0.06 + 0.1 * float(rng.random())
    print_word(sheet, brand, (0.1, head, 0.9, head + 0.1), palette.ink, BOLD)
    print_word(sheet, name, (0.15, head + 0.12, 0.85, head + 0.17), palette.ink)
    if rng.random() < 0.75:
        sheet.rectangle((0.07, head + 0.2, 0.93, head + 0.42), palette.paper, 0.05)
        print_small_text(sheet, (0.12, head + 0.22, 0.9, head + 0.4), readable_on(palette.paper, palette.ink), 7)
    if rng.random() < 0.8:
        nutrition(sheet, (0.12, head + 0.45, 0.88, head + 0.65), readable_on(palette.paper, NEAR_BLACK))
    if rng.random() < 0.8:
        barcode(sheet, (0.2, 0.86, 0.8, 0.96))
