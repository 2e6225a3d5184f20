"""Words on a packaging, set in Pillow's bundled font (Aileron, CC0).

One typeface has to look like many, so a word is drawn as a mask and then made
bold, slanted, condensed, arched, outlined or stencilled before it is printed.

Example:
    >>> import numpy as np
    >>> mask = word_mask("Ovella", 40, Face(weight=0.06))
    >>> mask.ndim, int(mask.max())
    (2, 255)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from export.render.opencv import cv2
from export.render.palette import Colour
from export.render.sheet import Box, Sheet


@dataclass(frozen=True)
class Face:
    """How a word is made to look.

    ``weight``: extra stroke, in shares of the height. ``slant``: horizontal shear. ``stretch``: how far the
    width may depart from natural, as (narrowest, widest). ``arch``: rise of the middle in shares of the
    height. ``stencil``: horizontal cuts. ``upper``: capitals only. ``spacing``: extra blanks between letters.
    """

    weight: float = 0.0
    slant: float = 0.0
    stretch: tuple[float, float] = (0.75, 1.25)
    arch: float = 0.0
    stencil: int = 0
    upper: bool = False
    spacing: int = 0


PLAIN = Face()
BOLD = Face(weight=0.035)


def random_face(rng: np.random.Generator) -> Face:
    """Draw a display face for a brand."""
    narrow = float(rng.uniform(0.55, 1.0))
    return Face(
        weight=float(rng.choice([0.0, 0.02, 0.035, 0.05, 0.075])),
        slant=float(rng.choice([0.0, 0.0, 0.0, 0.18, 0.3, -0.12])),
        stretch=(narrow, narrow * float(rng.uniform(1.0, 1.7))),
        arch=float(rng.choice([0.0, 0.0, 0.0, 0.25, 0.45, -0.25])),
        stencil=int(rng.choice([0, 0, 0, 0, 0, 1, 2])),
        upper=bool(rng.random() < 0.45),
        spacing=int(rng.choice([0, 0, 0, 0, 1])),
    )


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # Pillow built without FreeType draws one bitmap size only
        raise RuntimeError("Pillow has no FreeType support here: install a Pillow wheel from the package index.")
    return font


def _shaped(word: str, face: Face) -> str:
    word = word.upper() if face.upper else word
    return (" " * face.spacing).join(word) if face.spacing else word


def word_mask(word: str, height: int, face: Face = PLAIN) -> NDArray[np.uint8]:
    """Draw a word as a tight mask.

    Args:
        word: Text of one line; an empty one gives a mask of one blank pixel.
        height: Size of the type in pixels; above 160 it is drawn at 160.
        face: How the word is made to look.

    Returns:
        (H, W) uint8 coverage, cropped to the ink.
    """
    text, size = _shaped(word, face), min(max(height, 7), 160)
    font = _font(size)
    core, _ = font.getmask2(text, mode="L", anchor="la")
    if 0 in core.size:
        return np.zeros((1, 1), np.uint8)
    mask = np.array(core, dtype=np.uint8).reshape(core.size[1], core.size[0])
    bolder = round(face.weight * size)
    if bolder:
        mask = _grown(mask, bolder)
    return _bend(_cut(mask, face.stencil), face)


def _cut(mask: NDArray[np.uint8], cuts: int) -> NDArray[np.uint8]:
    height = mask.shape[0]
    for cut in range(1, cuts + 1):
        row = round(cut * height / (cuts + 1))
        mask[row : row + max(1, height // 16)] = 0
    return mask


def _bend(mask: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    if not face.slant and not face.arch:
        return mask
    height, width = mask.shape
    rise, lean = abs(face.arch) * height, abs(face.slant) * height
    rows, columns = np.mgrid[0 : height + rise : 1.0, 0 : width + lean : 1.0].astype(np.float32)
    across = columns / max(width + lean - 1, 1) * 2 - 1
    lift = rise * across**2 if face.arch >= 0 else rise * (1 - across**2)
    source_y = rows - lift
    shift = lean * (1 - source_y / height) if face.slant > 0 else lean * source_y / height
    bent: NDArray[np.uint8] = cv2.remap(
        mask, columns - np.float32(shift if face.slant else 0), source_y.astype(np.float32), cv2.INTER_LINEAR
    )
    return bent


def fitted(mask: NDArray[np.uint8], width: int, height: int, stretch: tuple[float, float]) -> NDArray[np.uint8]:
    """Scale a mask into ``width`` x ``height`` pixels, as large as its permitted stretch allows."""
    tall, wide = mask.shape
    natural = wide / tall
    aspect = min(max(width / max(height, 1), natural * stretch[0]), natural * stretch[1])
    fit_height = min(height, width / aspect)
    size = (max(1, round(fit_height * aspect)), max(1, round(fit_height)))
    shrinking = size[0] < wide
    resized: NDArray[np.uint8] = cv2.resize(mask, size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return resized


def print_word(
    sheet: Sheet,
    word: str,
    box: Box,
    colour: Colour,
    face: Face = PLAIN,
    *,
    align: float = 0.5,
    outline: Colour | None = None,
    turned: bool = False,
) -> Box:
    """Print one line into a box.

    Args:
        sheet: Where to print.
        word: The text.
        box: Relative room for it.
        colour: Ink.
        face: Look of the letters.
        align: 0 left, 0.5 centre, 1 right.
        outline: Colour of a rim around the letters, if any.
        turned: Turn by a quarter, reading upwards.

    Returns:
        The relative box that was inked.
    """
    x0, y0, x1, y1 = sheet.place(box)
    room = (y1 - y0, x1 - x0) if turned else (x1 - x0, y1 - y0)
    mask = fitted(word_mask(word, round(room[1] * 1.3), face), *room, face.stretch)
    if turned:
        mask = np.ascontiguousarray(np.rot90(mask))
    tall, wide = mask.shape
    left, top = x0 + round((x1 - x0 - wide) * align), y0 + (y1 - y0 - tall) // 2
    if outline is not None:
        rim = max(1, room[1] // 16)
        sheet.image.paste(outline, (left - rim, top - rim), Image.fromarray(_grown(mask, rim)))
    sheet.image.paste(colour, (left, top), Image.fromarray(mask))
    width, height = sheet.image.size
    return left / width, top / height, (left + wide) / width, (top + tall) / height


def _grown(mask: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Make a mask bolder by a radius in pixels on every side."""
    room = cv2.copyMakeBorder(mask, radius, radius, radius, radius, cv2.BORDER_CONSTANT)
    grown: NDArray[np.uint8] = cv2.dilate(room, _disc(radius))
    return grown


@lru_cache(maxsize=32)
def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    disc: NDArray[np.uint8] = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    return disc


def print_lines(
    sheet: Sheet, words: list[str], box: Box, colour: Colour, face: Face = PLAIN, *, align: float = 0.5
) -> None:
    """Print several lines of equal height under each other into a box."""
    if not words:
        return
    x0, y0, x1, y1 = box
    step = (y1 - y0) / len(words)
    for row, word in enumerate(words):
        print_word(sheet, word, (x0, y0 + row * step, x1, y0 + (row + 0.82) * step), colour, face, align=align)


def print_small_text(sheet: Sheet, box: Box, colour: Colour, lines: int) -> None:
    """Print unreadably small body text: rows of word-like strokes, ragged at the right."""
    x0, y0, x1, y1 = box
    step = (y1 - y0) / max(lines, 1)
    for row in range(lines):
        left, right = x0, x1 - (x1 - x0) * float(sheet.rng.uniform(0.0, 0.25 if row < lines - 1 else 0.6))
        while left < right:
            length = float(sheet.rng.uniform(0.02, 0.11))
            top = y0 + row * step
            sheet.rectangle((left, top + 0.2 * step, min(left + length, right), top + 0.65 * step), colour)
            left += length + 0.018
