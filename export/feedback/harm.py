"""What a view that devices contributed could do to the rest of a catalogue: take pictures or canaries from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.bundle import Matching
from edge.detections import Float32s
from export.catalog.extra import Base
from export.catalog.limits import Limits
from export.catalog.scanning import NONE, Ints, Queries, Views, scan, unit

UNSURE = "views that would not surely be tagged as their product"
TAKES_A_PICTURE = "views that would take a picture of another product"
TAKES_A_CANARY = "views that would take a canary"
TAKES_A_VOICE = "views that would take what a device has shown to be another product"
_ROWS, _COLUMNS = 1024, 8192


@dataclass(frozen=True)
class Sightings:
    """Objects on canaries' photos.

    Attributes:
        vectors: float32 (n, ndim) of length 1.
        product: int64 (n,), row of the product that each must go on being; -1: of none.
    """

    vectors: Float32s
    product: Ints


def held_against(vectors: Float32s, product: Ints, base: Base) -> tuple[Float32s, Float32s]:
    """Return for each vector its similarity to its own product's pictures, and to those of all others."""
    queries = Queries(lambda start, stop: vectors[start:stop], product, np.full(len(product), -1))
    found = scan(queries, base.views)
    return found.own, found.other


Made = tuple[int, Float32s]
"""Product row and vector, float32 (ndim,) of length 1, of a view that might be added."""


def harms(made: Sequence[Made], base: Base, matching: Matching, canaries: Sightings | None) -> list[str | None]:
    """Return for each view why it must not be added, None where it may."""
    if not made:
        return []
    vectors, row = np.stack([vector for _, vector in made]), np.array([row for row, _ in made], np.int64)
    own, other = held_against(vectors, row, base)
    unsure = (own < matching.similarity_threshold) | (own - other < matching.margin_threshold)
    takers = _takers_of_pictures(vectors, row, base, matching)
    canary_takers = _takers_of_canaries(vectors, row, base, matching, canaries) if canaries else set()
    return [
        UNSURE if unsure[at] else TAKES_A_PICTURE if at in takers else TAKES_A_CANARY if at in canary_takers else None
        for at in range(len(made))
    ]


def _takers_of_pictures(vectors: Float32s, row: Ints, base: Base, matching: Matching) -> set[int]:
    """Return the views by which a picture of another product would come out as theirs, or newly as ambiguous.

    Two ways to lose, as in `export lint`: the product becomes a near-duplicate of this one; or, with the picture left
    out of the catalogue, this view is nearer to it than its own product's other pictures, and was not before.
    """
    views, limit = base.views, Limits.of(matching).near
    takers: set[int] = set()
    for start in range(0, len(vectors), _ROWS):
        rows = vectors[start : start + _ROWS]
        for first in range(0, len(views), _COLUMNS):
            pictures = unit(views.vectors[first : first + _COLUMNS])
            likeness = rows @ pictures.T
            theirs = views.product[None, first : first + _COLUMNS] != row[start : start + _ROWS, None]
            for at, view in np.argwhere(theirs & (likeness >= min(limit, matching.similarity_threshold))).tolist():
                taken = float(likeness[at, view])
                if start + at not in takers and _takes(taken, int(row[start + at]), first + view, views, limit):
                    takers.add(start + at)
    return takers


def _takes(likeness: float, row: int, view: int, views: Views, limit: float) -> bool:
    picture = unit(views.vectors[view : view + 1])[0]
    before = _likest(picture, views, row, but=-1)
    if likeness >= limit > before:
        return True
    own = _likest(picture, views, int(views.product[view]), but=view)
    return own > NONE and before <= own < likeness


def _likest(picture: Float32s, views: Views, row: int, but: int) -> float:
    """Return the similarity of a product's pictures, but for one of them, to a picture; `NONE` where there is none."""
    rows = [at for at in range(int(views.offsets[row]), int(views.offsets[row + 1])) if at != but]
    return float((unit(views.vectors[rows]) @ picture).max()) if rows else NONE


def _takers_of_canaries(vectors: Float32s, row: Ints, base: Base, matching: Matching, canaries: Sightings) -> set[int]:
    """Return the views by which an object of a canary, sure of its product without them, would not be so any more."""
    own, other = held_against(canaries.vectors, np.maximum(canaries.product, 0), base)
    sure = (own >= matching.similarity_threshold) & (own - other >= matching.margin_threshold)
    likeness = vectors @ canaries.vectors.T
    of_nothing = canaries.product[None, :] < 0
    invented = of_nothing & (likeness >= matching.similarity_threshold)
    of_others = ~of_nothing & (canaries.product[None, :] != row[:, None])
    lost = of_others & sure[None, :] & (own[None, :] - likeness < matching.margin_threshold)
    return set(np.flatnonzero((invented | lost).any(axis=1)).tolist())


def without_takers(made: Sequence[Made], voices: Mapping[int, Sequence[Float32s]], base: Base) -> list[Made]:
    """Return the views that take no voice from another product, having left out those that take the most first.

    Args:
        made: views that might be added.
        voices: by product row, one vector of each device.
        base: the catalogue's own pictures.
    """
    if not made:
        return []
    product = np.array([row for row, of in voices.items() for _ in of], np.int64)
    heard = np.stack([vector for of in voices.values() for vector in of])
    own, _ = held_against(heard, product, base)
    voice, view, likeness = _nearer_than_pictures(heard, own, np.stack([vector for _, vector in made]))
    theirs = product[voice] == np.array([row for row, _ in made], np.int64)[view]
    kept = np.ones(len(made), np.bool_)
    while True:
        best = own.copy()
        helps = theirs & kept[view]
        np.maximum.at(best, voice[helps], likeness[helps])
        takes = ~theirs & kept[view] & (likeness > best[voice])
        taken = np.bincount(view[takes], minlength=len(made))
        if not taken.any():
            return [one for one, stays in zip(made, kept, strict=True) if stays]
        kept[taken.argmax()] = False


def _nearer_than_pictures(heard: Float32s, own: Float32s, views: Float32s) -> tuple[Ints, Ints, Float32s]:
    """Return voice, view and similarity wherever a view is nearer to a voice than its own product's pictures are."""
    found = []
    rows = max(1, _ROWS * _COLUMNS // len(views))
    for start in range(0, len(heard), rows):
        likeness = heard[start : start + rows] @ views.T
        voice, view = np.nonzero(likeness > own[start : start + rows, None])
        found.append((voice + start, view, likeness[voice, view]))
    voices, at, similarities = (np.concatenate(column) for column in zip(*found, strict=True))
    return voices, at, similarities
