"""Thresholds from trials: what is refused, what is kept, and that the promise holds as often as it says."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.errors import BudgetNotMet
from export.calibration.choosing import GRID, Promise, choose, margins_of
from export.calibration.trials import RightTags, Trials

BUNDLE = Matching(0.7, 0.05)
PROMISE = Promise(0.05, 0.95)


def trials(similarity: list[float], count: int, name: str = "nothing", margin: float = 1.0) -> Trials:
    """Return trials of which the first ones have a false tag each."""
    k = len(similarity)
    return Trials(name, count, np.arange(k), np.array(similarity, np.float64), np.full(k, margin))


def right(similarity: list[float], margin: list[float]) -> RightTags:
    return RightTags(len(similarity), np.array(similarity, np.float64), np.array(margin, np.float64))


@pytest.mark.parametrize(
    ("count", "promise", "needed"), [(0, PROMISE, 59), (58, PROMISE, 59), (200, Promise(0.01, 0.95), 299)]
)
def test_too_few_are_refused_with_the_number_needed(count: int, promise: Promise, needed: int) -> None:
    with pytest.raises(BudgetNotMet, match=f"^{count} photos that show nothing .* at least {needed} are needed"):
        choose([trials([], count)], None, promise, BUNDLE)


def test_every_kind_must_be_large_enough() -> None:
    with pytest.raises(BudgetNotMet, match=r"^20 photos of a product are too few"):
        choose([trials([], 200), trials([], 20, "shows")], None, PROMISE, BUNDLE)


def test_as_few_as_can_be_leave_room_for_no_false_tag() -> None:
    chosen = choose([trials([0.61], 59)], None, PROMISE, BUNDLE)
    assert chosen.matching == Matching(0.615, 0.05)
    assert chosen.kept is None
    (trial,) = chosen.trials
    assert (trial.count, trial.false, trial.bound) == (59, 0, pytest.approx(0.0495, abs=1e-3))


def test_without_false_tags_every_threshold_holds() -> None:
    assert choose([trials([], 100)], None, PROMISE, BUNDLE).matching.similarity_threshold == 0


def test_a_product_that_stands_twice_in_the_catalogue_lets_nothing_hold() -> None:
    with pytest.raises(BudgetNotMet, match=r"even at similarity 1.00 100 of 100 .* twice"):
        choose([trials([1.0] * 100, 100)], None, PROMISE, BUNDLE)


def test_the_strictest_kind_decides() -> None:
    easy, hard = trials([0.3] * 50, 200), trials([0.8] * 50, 200, "left_out")
    assert choose([easy], None, PROMISE, BUNDLE).matching.similarity_threshold == pytest.approx(0.305)
    assert choose([easy, hard], None, PROMISE, BUNDLE).matching.similarity_threshold == pytest.approx(0.805)


def test_a_margin_is_chosen_where_it_keeps_more_right_tags() -> None:
    """False tags are as similar as right ones, but have no lead."""
    false = trials([0.9] * 100, 400, margin=0.07)
    chosen = choose([false], right([0.6] * 50, [0.3] * 50), PROMISE, BUNDLE)
    assert chosen.matching.margin_threshold == pytest.approx(0.1)
    assert chosen.kept is not None and chosen.kept.kept == 50
    assert chosen.trials[0].false == 0


def test_the_family_depends_on_how_many_trials_there_are_only() -> None:
    tags = right([0.9], [0.9])
    assert margins_of(BUNDLE, [trials([], 86)], tags, PROMISE) == (0.05, 0.0, 0.1, 0.2)
    assert margins_of(BUNDLE, [trials([], 85)], tags, PROMISE) == (0.05,)
    assert margins_of(BUNDLE, [trials([], 86)], None, PROMISE) == (0.05,)
    assert len(margins_of(Matching(0.7, 0.0), [trials([], 500)], tags, PROMISE)) == 4


def test_by_product_many_photos_of_few_products_are_too_few() -> None:
    few = replace(trials([], 600, "left_out"), product=np.arange(600) % 20)
    with pytest.raises(BudgetNotMet, match=r"^20 products with photos asked without their product are too few .* 59"):
        choose([few], None, PROMISE, BUNDLE)


def test_by_product_each_product_counts_once() -> None:
    """One product of 80 fails in all of its 40 photos: a third of the photos, but an eightieth of the products."""
    product = np.concatenate([np.zeros(40, np.int64), np.arange(1, 80)])
    photos = trials([0.9] * 40, 119, "left_out")
    by_photo = choose([photos], None, PROMISE, BUNDLE)
    by_product = choose([replace(photos, product=product)], None, Promise(0.1, 0.95), BUNDLE)
    assert by_photo.matching.similarity_threshold == pytest.approx(0.905)
    assert by_product.matching.similarity_threshold == 0
    (trial,) = by_product.trials
    assert (trial.count, trial.products, trial.false) == (119, 80, 40) and 1 / 80 < trial.bound < 0.1


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_by_product_the_promise_is_about_products(seed: int) -> None:
    """Every product has its own similarity to its sisters; new ones are drawn from the same."""
    rng = np.random.default_rng(seed)
    broken = 0
    for _ in range(100):
        product = np.repeat(np.arange(80), 10)
        similarity = 0.9 * rng.random(80)[product] + rng.normal(0, 0.01, 800)
        some = Trials("left_out", 800, np.arange(800), similarity, np.ones(800), product=product)
        threshold = choose([some], None, PROMISE, BUNDLE).matching.similarity_threshold
        broken += float(np.mean(0.9 * rng.random(20_000) + rng.normal(0, 0.01, 20_000) >= threshold)) > 0.05
    assert broken <= 12


tag = st.tuples(st.integers(0, 99), st.integers(0, 200), st.sampled_from([0.0, 0.05, 0.1, 0.3]))


@settings(deadline=None)
@given(st.lists(tag, max_size=60))
def test_stricter_thresholds_never_give_more_false_tags(tags: list[tuple[int, int, float]]) -> None:
    """What fixed-sequence testing needs so that its first failure is the last word."""
    rows = np.array(tags, np.float64).reshape(-1, 3)
    some = Trials("nothing", 100, rows[:, 0].astype(np.int64), rows[:, 1] / 200, rows[:, 2])
    by_margin = [some.p_values(margin, GRID, 0.05) for margin in (0.0, 0.05, 0.1, 0.3)]
    assert all((np.diff(p) >= 0).all() for p in by_margin)
    assert all((looser >= stricter).all() for looser, stricter in pairwise(by_margin))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_promise_is_broken_no_more_often_than_it_says(seed: int) -> None:
    """Photos are drawn anew 200 times; each time the true rate at the chosen thresholds is known."""
    rng = np.random.default_rng(seed)
    broken = 0
    for _ in range(200):
        n = 150
        similarity, margin = rng.random(n), rng.choice([0.0, 0.05, 0.1, 0.2], n)
        drawn = Trials("nothing", n, np.arange(n), similarity, margin)
        chosen = choose([drawn], right([0.5, 0.97], [0.05, 0.2]), PROMISE, BUNDLE).matching
        reach = np.mean(np.array([0.0, 0.05, 0.1, 0.2]) >= chosen.margin_threshold)
        broken += (1 - chosen.similarity_threshold) * reach > PROMISE.max_false_tags
    assert broken / 200 <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)
