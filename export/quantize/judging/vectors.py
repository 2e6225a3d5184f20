"""Vectors of a variant beside those of its float model: the same directions, the same neighbours?

Invariants: a variant's vectors are searched among the float model's, as on a device, both rounded to int8 as a shard
and a query are.

    >>> search(variant_vectors, float_vectors, picture, margin=0.03).agrees.mean()
    0.98
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s, Int32s
from edge.shard.vectors import inverse_lengths, quantize
from export.quantize.judging.reasons import why_vectors_are_refused

LARGEST_MARGIN = 0.2
"""A margin is at most this share of the mean distance of two crops: a space may be narrow altogether."""
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class VectorAgreement:
    """How alike two sets of n vectors are.

    Attributes:
        cosine_p05: 5th percentile of the cosine of each pair, -1..1.
        cosine_median: their median.
        spread: mean distance of different crops (1 - cosine) as a share of the float model's.
        neighbours: share of crops whose nearest neighbour is the float model's, or as near to it.
    """

    cosine_p05: float
    cosine_median: float
    spread: float
    neighbours: float

    def details(self) -> dict[str, float]:
        """Return the figures by name."""
        return {
            "cosine_p05": self.cosine_p05,
            "cosine_median": self.cosine_median,
            "spread": self.spread,
            "neighbour_agreement": self.neighbours,
        }

    @property
    def reason(self) -> str:
        """Why the variant is refused whatever its figure; empty where nothing is wrong."""
        return why_vectors_are_refused(self.cosine_p05, self.spread, self.neighbours)


def agreement(floating: Float32s, quantized: Float32s, agrees: npt.NDArray[np.bool_]) -> VectorAgreement:
    """Compare (n, d) unit vectors of the same crops, given which of them find an agreeing neighbour."""
    cosine = np.einsum("ij,ij->i", floating.astype(np.float64), quantized.astype(np.float64))
    p05, median = np.percentile(cosine, [5, 50])
    apart = _mean_distance(floating)
    spread = _mean_distance(quantized) / apart if apart > 0 else 1.0
    return VectorAgreement(float(p05), float(median), float(spread), float(agrees.mean()))


@dataclass(frozen=True)
class Found:
    """What n crops find.

    Attributes:
        row: int (n,) the nearest crop of another picture.
        agrees: bool (n,) whether the float model finds the same, or holds it for as near.
    """

    row: Rows
    agrees: npt.NDArray[np.bool_]


def search(queries: Float32s, floating: Float32s, picture: Int32s, margin: float) -> Found:
    """Search each crop among the float model's vectors of other pictures.

    Args:
        queries: float32 (n, d) vectors of a variant, row i being a crop of picture `picture[i]`.
        floating: float32 (n, d) vectors of the float model, likewise; they are the catalogue.
        picture: int32 (n,) of at least two pictures.
        margin: two crops whose similarities to a third differ by less are as near to it: below the margin of a
            bundle `edge tag` calls an answer ambiguous.
    """
    own = picture[:, None] == picture[None, :]
    by_variant, by_float = _cosine(queries, floating), _cosine(floating, floating)
    by_variant[own] = by_float[own] = -2
    row = by_variant.argmax(axis=1)
    lead = by_float.max(axis=1) - by_float[np.arange(len(row)), row]
    return Found(np.asarray(row, np.intp), lead <= min(margin, LARGEST_MARGIN * _mean_distance(floating)))


def _cosine(queries: Float32s, gallery: Float32s) -> npt.NDArray[np.float64]:
    asked, known = quantize(queries), quantize(gallery)
    dots = asked.astype(np.float64) @ known.astype(np.float64).T
    return np.asarray(dots * inverse_lengths(asked)[:, None] * inverse_lengths(known), np.float64)


def _mean_distance(vectors: Float32s) -> float:
    """Return the mean of 1 - cosine over all pairs of different rows of unit vectors; 0 for fewer than two."""
    n = len(vectors)
    if n < 2:
        return 0.0
    total = vectors.sum(axis=0, dtype=np.float64)
    return float(1 - (total @ total - n) / (n * (n - 1)))
