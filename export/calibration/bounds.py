"""Exact bounds of a rate from a count: how often something happens at most, if it was seen k times in n trials.

Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika 26,
1934. They hold for every n, not only for large ones, where the trials are drawn independently and alike.

    >>> trials_needed(0.05, 0.95), round(upper_bound(0, 59, 0.05), 3)
    (59, 0.05)
"""

from __future__ import annotations

import math
from collections.abc import Callable
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


def mean_p_values(means: Float64s, n: int, rate: float) -> Float64s:
    """Return (g,): how likely so small a mean of n values of 0..1 is, at most, where `rate` is the true mean.

    The smaller of Hoeffding's bound (J. Am. Statist. Ass. 58, 1963, theorem 1) and Bentkus' (Ann. Probab. 32, 2004),
    as in Bates and others, "Distribution-free, risk-controlling prediction sets", J. ACM 68, 2021.

    Args:
        means: (g,) means, 0..1.
        n: of how many values, at least 1.
        rate: above 0, below 1.
    """
    below = np.minimum(means, rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * np.log(below / rate) + (1 - below) * np.log((1 - below) / (1 - rate))
    hoeffding = np.exp(-n * np.where(below > 0, apart, -math.log1p(-rate)))
    bentkus = math.e * p_values(n, rate)[np.ceil(np.round(means * n, 9)).astype(np.int64)]
    return np.asarray(np.minimum(np.minimum(hoeffding, bentkus), 1.0), np.float64)


def upper_bound(k: int, n: int, error: float) -> float:
    """Return the rate that k of n do not exceed, but for a chance of `error` to be wrong."""
    return 1.0 if k >= n else _largest(lambda rate: float(p_values(n, rate)[k]), error)


def mean_upper_bound(mean: float, n: int, error: float) -> float:
    """Return what the true mean of n values of 0..1 does not exceed, but for a chance of `error` to be wrong."""
    return _largest(lambda rate: float(mean_p_values(np.array([mean]), n, rate)[0]), error)


def interval(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval of a rate that was seen k times in n trials; (0, 1) where nothing was tried."""
    error = (1 - confidence) / 2
    return 1 - upper_bound(n - k, n, error) if n else 0.0, upper_bound(k, n, error) if n else 1.0


def trials_needed(rate: float, confidence: float) -> int:
    """Return the fewest trials that can show a rate of at most `rate`: those of which none may fail."""
    return math.ceil(round(math.log1p(-confidence) / math.log1p(-rate), 9))


def _largest(chance: Callable[[float], float], error: float) -> float:
    """Return the largest rate, by halving, at which what was seen is no less likely than `error`."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        rate = (low + high) / 2
        if rate < 1 and chance(rate) > error:
            low = rate
        else:
            high = rate
    return high
