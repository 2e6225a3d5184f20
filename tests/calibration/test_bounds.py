"""Exact bounds against known values and against the sum that they stand for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.calibration.bounds import (
    interval,
    mean_p_values,
    mean_upper_bound,
    p_values,
    trials_needed,
    upper_bound,
)


def test_nothing_tried_says_nothing() -> None:
    assert interval(0, 0) == (0.0, 1.0)
    assert upper_bound(0, 0, 0.05) == 1.0


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (10, 10, 0.6915, 1.0),
        (2, 59, 0.0041, 0.1171),
    ],
)
def test_intervals_of_clopper_and_pearson(k: int, n: int, low: float, high: float) -> None:
    assert interval(k, n) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize(
    ("rate", "confidence", "needed"), [(0.05, 0.95, 59), (0.01, 0.95, 299), (0.05, 0.99, 90), (0.5, 0.5, 1)]
)
def test_so_many_trials_are_needed(rate: float, confidence: float, needed: int) -> None:
    assert trials_needed(rate, confidence) == needed
    error = 1 - confidence
    assert p_values(needed, rate)[0] <= error + 1e-12 < p_values(needed - 1, rate)[0] + 1e-12


@given(st.integers(1, 60), st.floats(0.001, 0.999))
def test_p_values_are_sums_of_the_binomial_distribution(n: int, rate: float) -> None:
    exact = [math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(n + 1)]
    assert p_values(n, rate).tolist() == pytest.approx([sum(exact[: k + 1]) for k in range(n + 1)], abs=1e-9)


@given(st.integers(0, 80), st.integers(1, 80), st.floats(0.001, 0.4))
def test_a_bound_is_where_so_few_become_unlikely(k: int, n: int, error: float) -> None:
    if k >= n:
        return
    bound = upper_bound(k, n, error)
    assert p_values(n, bound)[k] == pytest.approx(error, rel=1e-6)
    assert bound > k / n or k == 0 or error > 0.3


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.floats(0.01, 0.99))
def test_of_values_that_are_0_or_1_the_bound_of_a_mean_is_no_less_careful(values: list[bool], rate: float) -> None:
    k, n = sum(values), len(values)
    mean = mean_p_values(np.array([k / n]), n, rate)[0]
    assert mean >= min(p_values(n, rate)[k], 1) - 1e-9 or k / n >= rate
    assert mean_upper_bound(k / n, n, 0.05) >= upper_bound(k, n, 0.05) - 1e-6


def test_without_a_failure_products_are_counted_like_photos() -> None:
    assert mean_upper_bound(0.0, 59, 0.05) == pytest.approx(upper_bound(0, 59, 0.05))
    assert mean_p_values(np.array([0.0, 0.2, 1.0]), 59, 0.05)[1:].tolist() == [1.0, 1.0]


def test_large_numbers_do_not_overflow() -> None:
    assert upper_bound(4_900, 100_000, 0.05) == pytest.approx(0.0501, abs=2e-4)
