"""Checks that hold the views of a catalogue against each other: the same, nearly the same, in the wrong place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from export.catalog.limits import Limits
from export.catalog.scanning import NONE, Scanned, Views
from export.lint.findings import Finding
from export.lint.places import Places


def misfits(scanned: Scanned, views: Views, rule: Limits, places: Places) -> Iterator[Finding]:
    """Yield the views that the rest of the catalogue would surely tag as another product (each left out in turn).

    One that is not even similar enough to its own product to be tagged at all may be left out without a look.
    """
    lead = scanned.other - scanned.own
    wrong = (scanned.own > NONE) & (scanned.other >= rule.photo) & (lead >= rule.lead)
    for view in np.flatnonzero(wrong).tolist():
        row, at = int(views.product[view]), int(scanned.other_view[view])
        other = places.view(int(views.product[at]), at)
        own, similarity = float(scanned.own[view]), float(scanned.other[view])
        sentence = (
            f"fits {other.title} ({other.product_id}) by {similarity:.2f}, "
            f"but the other pictures of its own product by {own:.2f}"
        )
        yield Finding("misfits", sentence, places.view(row, view), other, similarity, exclude=own < rule.photo)


def alike(scanned: Scanned, views: Views, rule: Limits, places: Places) -> Iterator[Finding]:
    """Yield the pairs of products that have the same picture, or nearly so, the most alike first."""
    by_likeness = sorted(scanned.pairs.items(), key=lambda pair: (-pair[1][0], pair[0]))
    for (a, b), (similarity, of_a, of_b) in by_likeness:
        if np.array_equal(views.vectors[of_a], views.vectors[of_b]):
            yield _same(a, b, of_a, of_b, scanned, views, places)
        else:
            yield _near(a, b, of_a, of_b, similarity, rule, places)


def _same(a: int, b: int, of_a: int, of_b: int, scanned: Scanned, views: Views, places: Places) -> Finding:
    """Return the finding of a picture that two products have, of the product that it fits less.

    Only where both products have other pictures is it certain which of them has lost nothing without it.
    """
    fits_a, fits_b = float(scanned.own[of_a]), float(scanned.own[of_b])
    if fits_b < fits_a:
        a, b, of_a, of_b = b, a, of_b, of_a
    certain = fits_a != fits_b and min(fits_a, fits_b) > NONE
    other = places.view(b, of_b)
    sentence = f"has the same picture as {other.title} ({other.product_id})"
    return Finding("same_picture", sentence, places.view(a, of_a), other, 1.0, exclude=certain)


def _near(a: int, b: int, of_a: int, of_b: int, similarity: float, rule: Limits, places: Places) -> Finding:
    other = places.view(b, of_b)
    told = "not even the picture itself is told apart" if similarity >= rule.same else "weak photos come out ambiguous"
    sentence = f"is {similarity:.3f} like {other.title} ({other.product_id}): {told}"
    return Finding("near_duplicates", sentence, places.view(a, of_a), other, similarity)
