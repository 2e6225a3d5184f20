"""Intervals: known ones, seeded ones, and those that cannot be given."""

from __future__ import annotations

import numpy as np
import pytest

from export.evaluation.bootstrap import ratio_interval


def shares(hits: np.ndarray) -> np.ndarray:
    return np.stack([hits, np.ones(len(hits))], axis=1).astype(np.float64)


def one_stratum(n: int) -> np.ndarray:
    return np.zeros(n, np.int32)


@pytest.mark.parametrize("clusters", [[], [7], [7, 7, 7]], ids=["no row", "one row", "one product"])
def test_gives_no_interval_for_fewer_than_two_clusters(clusters: list[int]) -> None:
    counts = shares(np.ones(len(clusters)))
    assert ratio_interval(counts, np.array(clusters, np.int32), one_stratum(len(clusters))) is None


def test_gives_no_interval_where_only_one_cluster_has_a_denominator() -> None:
    counts = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    assert ratio_interval(counts, np.arange(3), one_stratum(3)) is None


def test_interval_of_independent_rows_is_that_of_the_binomial() -> None:
    hits = np.arange(1000) % 2
    bounds = ratio_interval(shares(hits), np.arange(1000), one_stratum(1000), resamples=4000)
    half = 1.96 * np.sqrt(0.25 / 1000)
    assert bounds == pytest.approx((0.5 - half, 0.5 + half), abs=0.004)


def test_interval_by_product_is_wider_than_by_photo_where_photos_of_a_product_agree() -> None:
    product = np.repeat(np.arange(20), 10)
    counts = shares(product % 2)
    by_product = ratio_interval(counts, product, one_stratum(200))
    by_photo = ratio_interval(counts, np.arange(200), one_stratum(200))
    assert by_product is not None and by_photo is not None
    widths = [high - low for low, high in (by_product, by_photo)]
    assert widths[0] / widths[1] == pytest.approx(np.sqrt(10), rel=0.15)


def test_same_seed_gives_the_same_interval_and_another_one_another() -> None:
    product = np.arange(200) // 4
    counts = shares((np.arange(200) * 7919) % 13 < 5)
    first, again, other = (ratio_interval(counts, product, one_stratum(200), seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_blocks_of_draws_change_nothing_but_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    counts, product = shares(np.arange(60) % 3 == 0), np.arange(60) // 4
    whole = ratio_interval(counts, product, one_stratum(60), resamples=500)
    monkeypatch.setattr("export.evaluation.bootstrap.COUNTS_AT_ONCE", 100)
    assert ratio_interval(counts, product, one_stratum(60), resamples=500) == whole


def test_strata_are_drawn_apart() -> None:
    """Drawn together, ten certain clusters and ten certain failures would make the share vary; apart, it cannot."""
    counts = shares(np.repeat([1, 0], 10))
    stratum = np.repeat([0, 1], 10).astype(np.int32)
    assert ratio_interval(counts, np.arange(20), stratum) == (0.5, 0.5)
    together = ratio_interval(counts, np.arange(20), one_stratum(20))
    assert together is not None and together[0] < 0.4 and together[1] > 0.6
