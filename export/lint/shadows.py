"""Products that no photo can win, because others lie nearer to where photos of them fall: hubs and what they shadow.

In many dimensions some points are the nearest neighbour of very many queries, others of none (hubs and anti-hubs:
Radovanovic, Nanopoulos and Ivanovic, Hubs in Space, JMLR 11, 2010), and hubs are points near the mean of the data.
Photos fall towards that mean: a photo is the product and, beside it, anything. So photos of each product are imagined:
of similarity `Limits.photo` to one of its pictures, and for the rest a draw from the normal distribution with the mean
and covariance of the catalogue's own vectors. A product that wins none of them is shadowed.

Whoever wins one photo need not be asked again, so that the draws cost little more than a first look at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge.detections import Float32s
from export.catalog.limits import DRAWS
from export.catalog.scanning import Ints, Queries, Views, Watch, scan, unit

SEED = 20261127
_AT_ONCE = 8192


@dataclass(frozen=True)
class Shadow:
    """A product that won no photo.

    Attributes:
        by: row of the product that won most of its photos.
        share: of its photos that this one won, 0..1.
    """

    by: int
    share: float


def find_shadowed(views: Views, photo: float, watch: Watch | None = None) -> Mapping[int, Shadow]:
    """Return the products, by row, that win none of `DRAWS` imagined photos.

    Args:
        views: the catalogue.
        photo: similarity of a photo to the picture that it is of, -1..1.
        watch: see `scan`.
    """
    if views.products < 2:
        return {}
    left = np.arange(views.products)
    winners: dict[int, Counter[int]] = {}
    for number, anything in enumerate(_anything(views)):
        seen = views.offsets[left] + number % np.diff(views.offsets)[left]
        found = scan(_photos(views, left, seen, anything, photo), views, watch=watch, doing=f"photos {number + 1}")
        winner = views.product[found.other_view]
        lost = (found.other > found.own) | ((found.other == found.own) & (winner < left))
        left, winner = left[lost], winner[lost]
        for row, by in zip(left.tolist(), winner.tolist(), strict=True):
            winners.setdefault(row, Counter())[by] += 1
        if not len(left):
            return {}
    first = {row: winners[row].most_common(1)[0] for row in left.tolist()}
    return {row: Shadow(by, count / DRAWS) for row, (by, count) in first.items()}


def _photos(views: Views, products: Ints, seen: Ints, anything: Float32s, photo: float) -> Queries:
    """Return one imagined photo for each of some products: of the view in `seen`, with the same `anything` beside."""

    def rows(start: int, stop: int) -> Float32s:
        pictures = unit(views.vectors[seen[start:stop]])
        beside = unit(anything - (pictures @ anything)[:, None] * pictures)
        return np.asarray(photo * pictures + np.sqrt(1 - photo**2) * beside, np.float32)

    return Queries(rows, products, np.full(len(products), -1))


def _anything(views: Views) -> Float32s:
    """Return float32 (DRAWS, ndim) from the normal distribution with the mean and covariance of the views."""
    ndim = views.vectors.shape[1]
    total, squares = np.zeros(ndim), np.zeros((ndim, ndim))
    for start in range(0, len(views), _AT_ONCE):
        block = unit(views.vectors[start : start + _AT_ONCE]).astype(np.float64)
        total += block.sum(axis=0)
        squares += block.T @ block
    mean = total / len(views)
    values, directions = np.linalg.eigh(squares / len(views) - np.outer(mean, mean))
    spread = directions * np.sqrt(np.maximum(values, 0))
    drawn = np.random.default_rng(SEED).standard_normal((DRAWS, ndim))
    return np.asarray(mean + drawn @ spread.T, np.float32)
