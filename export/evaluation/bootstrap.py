"""How sure a share is: confidence intervals of ratios whose rows come in clusters.

Photos of one product are not independent: a product that is hard is hard in all of its photos. So whole products are
drawn again, not photos (cluster bootstrap: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 8;
Field and Welsh, J. R. Statist. Soc. B 69, 2007). The percentile interval of a share that was 0 or 1 in every cluster
has no width: it says that nothing else was seen, not that nothing else can happen.

Invariants: the same rows and seed give the same interval; a ratio that fewer than two clusters bear has none.

    >>> hits = np.array([[1.0, 1.0], [0.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    >>> low, high = ratio_interval(hits, np.arange(4), np.zeros(4, np.int32))
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32] | npt.NDArray[np.int64]

RESAMPLES = 2000
COUNTS_AT_ONCE = 4_000_000


def ratio_interval(
    counts: Float64s, cluster: Ints, stratum: Ints, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """Estimate the 95 % interval of a ratio of sums.

    Args:
        counts: (n, 2) numerator and denominator of each row.
        cluster: (n,) rows with the same number are drawn together.
        stratum: (n,) clusters are drawn from each stratum as often as it has clusters; one stratum for a cluster.
        resamples: how many sets are drawn.
        seed: seed of the draw.

    Returns:
        Lower and upper bound, or None where fewer than two clusters have a denominator.
    """
    drawn = _resampled(counts, cluster, stratum, resamples, seed)
    if drawn is None:
        return None
    ratios = drawn[drawn[:, 1] > 0]
    return _percentiles(ratios[:, 0] / ratios[:, 1])


def drop_interval(
    counts: Float64s, cluster: Ints, stratum: Ints, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[float, float] | None:
    """Estimate the 95 % interval of the difference of two ratios over the same rows (paired: both see each draw).

    Args:
        counts: (n, 4) numerator and denominator of the first ratio, then of the second.
        cluster: see `ratio_interval`.
        stratum: likewise.
        resamples: how many sets are drawn.
        seed: seed of the draw.

    Returns:
        Lower and upper bound of first - second, or None where fewer than two clusters have both denominators.
    """
    drawn = _resampled(counts, cluster, stratum, resamples, seed)
    if drawn is None:
        return None
    both = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    return _percentiles(both[:, 0] / both[:, 1] - both[:, 2] / both[:, 3])


def _resampled(counts: Float64s, cluster: Ints, stratum: Ints, resamples: int, seed: int) -> Float64s | None:
    """Return (resamples, columns) sums over drawn clusters; None if a denominator is borne by fewer than two."""
    _, first, member = np.unique(cluster, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), counts.shape[1]))
    np.add.at(sums, member, counts)
    if np.count_nonzero(sums[:, 1::2], axis=0).min() < 2:
        return None
    strata = stratum[first]
    rng = np.random.default_rng(seed)
    return np.asarray(
        np.sum([_draw_sums(sums[strata == s], resamples, rng) for s in np.unique(strata)], axis=0), np.float64
    )


def _percentiles(values: Float64s) -> tuple[float, float]:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def _draw_sums(sums: Float64s, resamples: int, rng: np.random.Generator) -> Float64s:
    """Return (resamples, columns): the sums over as many clusters as there are, drawn with replacement."""
    n = len(sums)
    step = max(1, COUNTS_AT_ONCE // n)
    blocks = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([rng.multinomial(n, np.full(n, 1 / n), size) @ sums for size in blocks])
