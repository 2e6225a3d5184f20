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
    _, first, member = np.unique(cluster, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), 2))
    np.add.at(sums, member, counts)
    if np.count_nonzero(sums[:, 1]) < 2:
        return None
    strata = stratum[first]
    rng = np.random.default_rng(seed)
    drawn = np.sum([_draw_sums(sums[strata == s], resamples, rng) for s in np.unique(strata)], axis=0)
    ratios = drawn[drawn[:, 1] > 0]
    low, high = np.percentile(ratios[:, 0] / ratios[:, 1], [2.5, 97.5])
    return float(low), float(high)


def _draw_sums(sums: Float64s, resamples: int, rng: np.random.Generator) -> Float64s:
    """Return (resamples, 2): the sums over as many clusters as there are, drawn with replacement."""
    n = len(sums)
    step = max(1, COUNTS_AT_ONCE // n)
    blocks = [min(step, resamples - start) for start in range(0, resamples, step)]
    return np.concatenate([rng.multinomial(n, np.full(n, 1 / n), size) @ sums for size in blocks])
