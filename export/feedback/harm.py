"""What a view that devices contributed could do to the rest of a catalogue: take pictures or canaries from others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.bundle import Matching
from edge.detections import Float32s
from export.catalog.extra import Base
from export.catalog.limits import Limits
from export.catalog.scanning import Ints, Queries, Views, scan, unit

UNSURE = "views that would not surely be tagged as their product"
TAKES_A_PICTURE = "views that would take a picture of another product"
TAKES_A_CANARY = "views that would take a canary"
_AT_ONCE = 65_536


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


def harm(vector: Float32s, row: int, base: Base, matching: Matching, canaries: Sightings | None) -> str | None:
    """Return why a view must not be added, None where it may."""
    own, other = held_against(vector[None], np.array([row]), base)
    lead = matching.margin_threshold
    if own[0] < matching.similarity_threshold or own[0] - other[0] < lead:
        return UNSURE
    if _takes_a_picture(vector, row, base, matching):
        return TAKES_A_PICTURE
    if canaries is not None and _takes_a_canary(vector, row, base, matching, canaries):
        return TAKES_A_CANARY
    return None


def _takes_a_picture(vector: Float32s, row: int, base: Base, matching: Matching) -> bool:
    """Return whether a picture of another product would come out as this one, or newly as ambiguous with it.

    Two ways to lose, as in `export lint`: the product becomes a near-duplicate of this one; or, with the picture left
    out of the catalogue, this view is nearer to it than its own product's other pictures, and was not before.
    """
    views, limit = base.views, Limits.of(matching).near
    mine = slice(int(views.offsets[row]), int(views.offsets[row + 1]))
    pictures = unit(views.vectors[mine])
    for start in range(0, len(views), _AT_ONCE):
        block = unit(views.vectors[start : start + _AT_ONCE])
        likeness = block @ vector
        before = (block @ pictures.T).max(axis=1)
        theirs = views.product[start : start + _AT_ONCE] != row
        if (theirs & (likeness >= limit) & (before < limit)).any():
            return True
        for at in np.flatnonzero(theirs & (likeness >= matching.similarity_threshold)).tolist():
            others = _other_pictures(views, start + at)
            if len(others) and before[at] <= float((others @ block[at]).max()) < likeness[at]:
                return True
    return False


def _other_pictures(views: Views, view: int) -> Float32s:
    product = int(views.product[view])
    rows = [at for at in range(int(views.offsets[product]), int(views.offsets[product + 1])) if at != view]
    return unit(views.vectors[rows])


def _takes_a_canary(vector: Float32s, row: int, base: Base, matching: Matching, canaries: Sightings) -> bool:
    """Return whether an object of a canary, sure of its product without this view, would not be so with it."""
    likeness = canaries.vectors @ vector
    nothing = canaries.product < 0
    if (nothing & (likeness >= matching.similarity_threshold)).any():
        return True
    known = np.flatnonzero(~nothing & (canaries.product != row))
    own, other = held_against(canaries.vectors[known], canaries.product[known], base)
    sure = (own >= matching.similarity_threshold) & (own - other >= matching.margin_threshold)
    return bool((sure & (own - likeness[known] < matching.margin_threshold)).any())
