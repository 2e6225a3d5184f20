"""Fonts for names on pictures: a font that has the letters, or letters that the font has.

Pillow's own font holds little more than ASCII. Where the system has a font with all letters of a name, that one is
used; else letters lose their accents; else, as for a Japanese name on a bare system, the product's id stands there.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

SYSTEM_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "Helvetica.ttc",
    "NotoSansCJK-Regular.ttc",
)
_ABSENT = "\uffff"
_PLAIN = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "–": "-", "’": "'", "·": "-"}
)


@lru_cache(maxsize=256)
def letters(name: str, fallback: str, size: int) -> tuple[str, Font]:
    """Return a name as it can be drawn, and the font to draw it with.

    Args:
        name: what should stand there.
        fallback: what stands there where no font has the letters; empty where there is nothing better.
        size: height of the font in pixels.
    """
    text = " ".join(name.split())
    for font in _fonts(size):
        if _draws(font, text):
            return text, font
    plain_font = _fonts(size)[-1]
    plain = without_accents(text)
    if _draws(plain_font, plain):
        return plain, plain_font
    return fallback or plain, plain_font


def without_accents(text: str) -> str:
    """Return the text with its letters' accents taken off (Unicode normal form KD)."""
    parts = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    return "".join(c for c in parts if not unicodedata.combining(c))


def shorten_to(text: str, font: Font, width: float) -> str:
    """Return the text, its end replaced by an ellipsis where it is wider than `width` pixels."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


@lru_cache(maxsize=8)
def _fonts(size: int) -> tuple[Font, ...]:
    """Return the system's fonts in the order of preference, and last Pillow's own."""
    found: list[Font] = []
    for name in SYSTEM_FONTS:
        try:
            found.append(ImageFont.truetype(name, size))
        except OSError:
            continue
    return (*found, ImageFont.load_default(size))


def _draws(font: Font, text: str) -> bool:
    absent = bytes(font.getmask(_ABSENT))
    return all(c.isspace() or bytes(font.getmask(c)) != absent for c in set(text))
