"""How wide text stands in a terminal, and text that is safe to print there.

Columns only line up where CJK and emoji count as two cells and combining marks as none. Titles and file names come
from outside, so control characters, which a terminal would obey, never reach it.

    >>> display_width("日本"), fit("Oat drink", 6), fit("日本", 6)
    (4, 'Oat d…', '日本  ')
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

_JOINER = "\u200d"
_EMOJI_STYLE = "\ufe0f"
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def printable(text: str) -> str:
    """Return one line of text without anything that a terminal would obey.

    White space becomes a space; control characters, direction overrides and undecodable bytes of a file name become
    the replacement character. The joiner of emoji stays.
    """
    return "".join(map(_printable, " ".join(text.split())))


def display_width(text: str) -> int:
    """Return how many cells the text takes (Unicode Standard Annex 11: wide and full-width take two)."""
    return sum(width for _, width in _clusters(text))


def shorten(text: str, width: int) -> str:
    """Return the text, its end replaced by an ellipsis where it is wider than `width` cells; never half a sign."""
    if display_width(text) <= width:
        return text
    return _leading(_clusters(text), width - 1).rstrip() + "…" if width > 0 else ""


def shorten_start(text: str, width: int) -> str:
    """Return the text, its start replaced by an ellipsis where it is too wide: of a path, the end tells more."""
    if display_width(text) <= width:
        return text
    kept = _leading(((cluster[::-1], cells) for cluster, cells in reversed(list(_clusters(text)))), width - 1)
    return "…" + kept[::-1] if width > 0 else ""


def fit(text: str, width: int, right: bool = False) -> str:
    """Return the text shortened or filled with spaces to exactly `width` cells; `right` aligns it to the right."""
    short = shorten(text, width)
    filling = " " * (width - display_width(short))
    return filling + short if right else short + filling


def _leading(clusters: Iterable[tuple[str, int]], width: int) -> str:
    kept = []
    for cluster, cells in clusters:
        width -= cells
        if width < 0:
            break
        kept.append(cluster)
    return "".join(kept)


def _printable(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Co", "Cn") or unicodedata.bidirectional(character) in _DIRECTION_CONTROLS:
        return "\N{REPLACEMENT CHARACTER}"
    return character


_DIRECTION_CONTROLS = frozenset(["LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"])


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Yield what a terminal draws as one sign, with its width in cells."""
    cluster, width = "", 0
    for character in text:
        if cluster and _extends(cluster, character):
            cluster += character
            if character == _EMOJI_STYLE:
                width = max(width, 2)
            continue
        if cluster:
            yield cluster, width
        cluster, width = character, _cells(character)
    if cluster:
        yield cluster, width


def _extends(cluster: str, character: str) -> bool:
    if cluster[-1] == _JOINER or _cells(character) == 0 or ord(character) in _SKIN_TONES:
        return True
    return len(cluster) == 1 and ord(cluster) in _FLAG_LETTERS and ord(character) in _FLAG_LETTERS


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    if ord(character) in _FLAG_LETTERS:
        return 2
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
