"""The range of a tensor over many pictures, in memory that does not grow with them.

A histogram of fixed size covers [-reach, reach]. Where a value lies beyond, the reach is doubled and neighbouring
bins are merged, so nothing is looked at twice. Least and largest value are exact; of a large tensor the histogram
counts at most 65,536 values of each picture, evenly chosen.

    >>> seen = RangeHistogram()
    >>> seen.observe(np.float32([0, 1, 2, 50]))
    >>> seen.least, seen.largest
    (0.0, 50.0)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

HALF = 2048
"""Bins on each side of zero."""
VALUES_OF_A_PICTURE = 65_536
LEVELS = 255
CANDIDATES = 64


class RangeHistogram:
    """What values a tensor took."""

    def __init__(self) -> None:
        self.counts = np.zeros(2 * HALF, np.int64)
        self.reach = 0.0
        self.least = float("inf")
        self.largest = float("-inf")

    def observe(self, values: npt.NDArray[np.float32]) -> None:
        """Count the values of one picture; those that are not finite are left out."""
        flat = values.reshape(-1)
        if not flat.size:
            return
        least, largest = float(flat.min()), float(flat.max())
        if not np.isfinite(least + largest):
            self.observe(flat[np.isfinite(flat)])
            return
        self.least, self.largest = min(self.least, least), max(self.largest, largest)
        self._reach_to(max(abs(self.least), abs(self.largest)))
        chosen = flat[:: -(-flat.size // VALUES_OF_A_PICTURE)]
        bins = ((chosen / self.reach + 1) * HALF).astype(np.int64)
        self.counts += np.bincount(np.clip(bins, 0, 2 * HALF - 1), minlength=2 * HALF)

    def _reach_to(self, largest: float) -> None:
        if self.reach == 0:
            self.reach = max(largest, 1e-6)
        while self.reach < largest:
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([np.zeros(HALF // 2, np.int64), merged, np.zeros(HALF // 2, np.int64)])
            self.reach *= 2

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and largest value, widened to hold 0 as quantization needs; (0, 0) where nothing was seen."""
        if self.least > self.largest:
            return 0.0, 0.0
        return min(self.least, 0.0), max(self.largest, 0.0)

    def least_error_range(self) -> tuple[float, float]:
        """Return the range within `extremes` that 255 steps lose the least square error over: clipping plus rounding.

        The upper end is searched first, then the lower one (Sung, Shin and Hwang 2015, "Resiliency of deep neural
        networks under quantization", arXiv 1511.06488, choose the step by the same error).
        """
        low, high = self.extremes
        if low == high:
            return low, high
        high = self._best([(low, high * share) for share in _shares()])[1]
        return self._best([(low * share, high) for share in _shares()])

    def _best(self, ranges: list[tuple[float, float]]) -> tuple[float, float]:
        centres = ((np.arange(2 * HALF) + 0.5) / HALF - 1) * self.reach
        used = self.counts > 0
        values, weights = centres[used], self.counts[used]
        ends = np.asarray(ranges)
        below, above = np.maximum(ends[:, :1] - values, 0), np.maximum(values - ends[:, 1:], 0)
        rounding = ((ends[:, 1] - ends[:, 0]) / LEVELS) ** 2 / 12
        inside = ((below == 0) & (above == 0)) @ weights
        errors = (below**2 + above**2) @ weights + rounding * inside
        low, high = ranges[int(errors.argmin())]
        return float(low), float(high)


def _shares() -> npt.NDArray[np.float64]:
    return np.linspace(1.0, 1 / CANDIDATES, CANDIDATES)
