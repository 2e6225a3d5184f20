"""Boxes and names on a picture, legible on any background.

Status is told by more than colour: a match has a solid line, an ambiguous one ends in a question mark, an object
that is not in the catalogue has a dashed line and no fill behind its name.

    >>> draw_marks(image, marks_at(source, 1.5))
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageDraw

from edge.output.lettering import letters, shorten_to
from edge.output.overlay import Mark
from edge.preprocessing import ImageArray

Colour = tuple[int, int, int]
LINE: dict[str, Colour] = {"match": (11, 143, 96), "ambiguous": (214, 120, 10), "unmatched": (214, 217, 222)}
INK: dict[str, Colour] = {"match": (255, 255, 255), "ambiguous": (20, 14, 4), "unmatched": (236, 238, 241)}
GROUND: dict[str, Colour] = {"match": (9, 92, 64), "ambiguous": (246, 173, 66), "unmatched": (48, 52, 58)}
SHADE: Colour = (12, 14, 16)
LEAST_NAME = 0.22


def draw_marks(image: ImageArray, marks: Iterable[Mark]) -> ImageArray:
    """Return a copy of a picture with boxes and names.

    Args:
        image: (H, W, 3) uint8 RGB.
        marks: in the order that they are drawn; boxes in pixels of this picture. Boxes outside of it are left out.
    """
    picture = Image.fromarray(image)
    draw = ImageDraw.Draw(picture)
    inside = [(mark, box) for mark in marks if (box := _clipped(mark, picture.size)) is not None]
    for mark, box in inside:
        _draw_box(draw, box, mark.status, picture.size)
    for mark, box in inside:
        _draw_name(draw, mark, box, picture.size)
    return np.asarray(picture)


def _clipped(mark: Mark, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the box in whole pixels of the picture, None where nothing of it is inside."""
    width, height = size
    x0, y0, x1, y1 = mark.xyxy
    left, top, right, bottom = max(round(x0), 0), max(round(y0), 0), min(round(x1), width), min(round(y1), height)
    return (left, top, right - 1, bottom - 1) if right - left >= 2 and bottom - top >= 2 else None


def _thickness(size: tuple[int, int]) -> int:
    return max(2, round(min(size) / 240))


def _draw_box(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], status: str, size: tuple[int, int]) -> None:
    line = _thickness(size)
    x0, y0, x1, y1 = box
    if status == "unmatched":
        _draw_dashes(draw, box, LINE[status], line)
        return
    halo = (max(x0 - 1, 0), max(y0 - 1, 0), min(x1 + 1, size[0] - 1), min(y1 + 1, size[1] - 1))
    draw.rectangle(halo, outline=SHADE, width=1)
    draw.rectangle(box, outline=LINE[status], width=line)


def _draw_dashes(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], colour: Colour, line: int) -> None:
    """Draw a dashed outline, light on dark, that shows on any background."""
    x0, y0, x1, y1 = box
    dash = 4 * line
    draw.rectangle(box, outline=SHADE, width=line)
    for x in range(x0, x1, 2 * dash):
        end = min(x + dash, x1)
        draw.rectangle((x, y0, end, min(y0 + line - 1, y1)), fill=colour)
        draw.rectangle((x, max(y1 - line + 1, y0), end, y1), fill=colour)
    for y in range(y0, y1, 2 * dash):
        end = min(y + dash, y1)
        draw.rectangle((x0, y, min(x0 + line - 1, x1), end), fill=colour)
        draw.rectangle((max(x1 - line + 1, x0), y, x1, end), fill=colour)


def _draw_name(draw: ImageDraw.ImageDraw, mark: Mark, box: tuple[int, int, int, int], size: tuple[int, int]) -> None:
    """Draw the name above the box, inside it where there is no room above, and never over the picture's border."""
    height = max(11, round(min(size) / 30 * (0.8 if mark.status == "unmatched" else 1)))
    name, font = letters(mark.name, mark.product_id, height)
    padding = max(3, height // 4)
    detail = f"  {mark.detail}" if mark.detail else ""
    room = min(size[0] - 2 * padding, max(box[2] - box[0], round(size[0] * LEAST_NAME) + height * 4))
    name = shorten_to(name, font, room - font.getlength(detail))
    text = (name + detail).strip()
    width, tall = round(font.getlength(text)) + 2 * padding, height + 2 * padding
    left = min(max(box[0], 0), max(size[0] - width, 0))
    top = box[1] - tall if box[1] >= tall else min(box[1], max(size[1] - tall, 0))
    draw.rectangle((left, top, left + width - 1, top + tall - 1), fill=GROUND[mark.status])
    draw.text((left + padding, top + tall / 2), text, font=font, fill=INK[mark.status], anchor="lm")
