"""The histogram that ranges come from: exact ends, fixed size, clipping that pays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from export.quantize.histogram import HALF, RangeHistogram

VALUES = arrays.arrays(np.float32, st.integers(1, 50), elements=st.floats(-1e4, 1e4, width=32))


def test_nothing_seen_has_no_range() -> None:
    assert RangeHistogram().extremes == (0.0, 0.0)
    assert RangeHistogram().least_error_range() == (0.0, 0.0)


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_ends_are_exact_and_no_value_is_lost_while_the_reach_grows(parts: list[np.ndarray]) -> None:
    seen = RangeHistogram()
    for part in parts:
        seen.observe(part)
    everything = np.concatenate(parts)
    assert (seen.least, seen.largest) == (everything.min(), everything.max())
    assert seen.counts.sum() == everything.size
    assert seen.counts.shape == (2 * HALF,)


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_least_error_range_lies_inside_the_extremes_and_holds_zero(parts: list[np.ndarray]) -> None:
    seen = RangeHistogram()
    for part in parts:
        seen.observe(part)
    low, high = seen.least_error_range()
    assert seen.extremes[0] <= low <= 0 <= high <= seen.extremes[1]


def test_one_far_value_among_many_is_clipped() -> None:
    seen = RangeHistogram()
    for seed in range(40):
        seen.observe(np.random.default_rng(seed).normal(size=50_000).astype(np.float32))
    seen.observe(np.float32([100]))
    assert seen.extremes[1] == 100
    assert 4 < seen.least_error_range()[1] < 60


def test_even_values_are_not_clipped() -> None:
    seen = RangeHistogram()
    seen.observe(np.linspace(0, 1, 50_000, dtype=np.float32))
    assert seen.least_error_range()[1] > 0.97


def test_values_that_are_not_finite_are_left_out() -> None:
    seen = RangeHistogram()
    seen.observe(np.float32([np.nan, np.inf, -np.inf, 2, -1]))
    assert seen.extremes == (-1.0, 2.0)
    seen.observe(np.float32([np.nan]))
    assert seen.counts.sum() == 2
