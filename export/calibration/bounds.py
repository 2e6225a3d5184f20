"""Exact bounds of a rate from a count: how often something happens at most, if it was seen k times in n trials.

Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26,
1934. They hold for every n, not only for large ones, where the trials are drawn independently and alike.

    >>> trials_needed(0.05, 0.95), round(upper_bound(0, 59, 0.05), 3)
    (59, 0.05)
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
_HALVINGS = 60


@lru_cache(maxsize=64)
def p_values(n: int, rate: float) -> Float64s:
    """Return (n + 1,): for k = 0..n, how likely k or fewer of n happen where `rate`, above 0, below 1, is the truth."""
    k = np.arange(n + 1)
    log_factorials = np.array([math.lgamma(i + 1) for i in range(n + 1)])
    choices = log_factorials[n] - log_factorials[k] - log_factorials[n - k]
    chances = np.exp(choices + k * math.log(rate) + (n - k) * math.log1p(-rate))
    return np.asarray(np.minimum(np.cumsum(chances), 1.0), np.float64)


def upper_bound(k: int, n: int, error: float) -> float:
    """Return the rate that k of n do not exceed, but for a chance of `error` to be wrong."""
    if k >= n:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        rate = (low + high) / 2
        if _chance(k, n, rate) > error:
            low = rate
        else:
            high = rate
    return high


def interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of a rate that was seen k times in n trials; (0, 1) where nothing was tried."""
    error = (1 - confidence) / 2
    return 1 - upper_bound(n - k, n, error) if n else 0.0, upper_bound(k, n, error) if n else 1.0


def trials_needed(rate: float, confidence: float) -> int:
    """Return the fewest trials that can show a rate of at most `rate`: those of which none may fail."""
    return math.ceil(round(math.log1p(-confidence) / math.log1p(-rate), 9))


def _chance(k: int, n: int, rate: float) -> float:
    return float(p_values(n, rate)[k]) if 0 < rate < 1 else float(rate == 0)
