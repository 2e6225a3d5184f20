"""Intervals of a drop, and whether the pictures can decide the budget."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export.evaluation.bootstrap import drop_interval
from export.evaluation.coco import ImageDetections, ImageMatch, ImageTruth, match_image, measure
from export.quantize.judging import average_precision
from export.quantize.judging.average_precision import Ap50
from export.quantize.judging.certainty import pictures_needed


@pytest.mark.parametrize(
    ("drop", "ci95", "pictures", "budget", "expected"),
    [
        (0.0, None, 1, 1.0, 300),
        (0.0, (0.0, 0.0), 100, 1.0, 300),
        (0.0, (0.0, 0.0), 300, 1.0, None),
        (0.0, (-0.2, 0.3), 100, 1.0, None),
        (0.5, (-0.5, 1.5), 100, 1.0, 400),
        (3.0, (2.0, 4.0), 50, 1.0, None),
        (2.0, (-1.0, 5.0), 50, 1.0, 450),
        (1.0, (-1.0, 3.0), 50, 1.0, 20000),
    ],
)
def test_about_how_many_pictures_would_decide(
    drop: float, ci95: tuple[float, float] | None, pictures: int, budget: float, expected: int | None
) -> None:
    assert pictures_needed(drop, ci95, pictures, budget) == expected


@given(st.floats(-5, 5), st.floats(0.01, 5), st.integers(1, 2000), st.floats(0, 5))
def test_more_pictures_are_asked_for_exactly_where_the_interval_reaches_over_the_budget(
    drop: float, reach: float, pictures: int, budget: float
) -> None:
    needed = pictures_needed(drop, (drop - reach, drop + reach), pictures, budget)
    if drop - reach <= budget <= drop + reach and abs(drop - budget) < reach * 0.999:
        assert needed is not None and needed > pictures
    if abs(drop - budget) > reach * 1.001:
        assert needed is None


def images(seed: int, n: int) -> list[ImageMatch]:
    rng = np.random.default_rng(seed)
    matches = []
    for _ in range(n):
        corner = rng.uniform(0, 50, (rng.integers(0, 4), 2))
        boxes = np.hstack([corner, corner + rng.uniform(5, 30, corner.shape)])
        found = np.concatenate([boxes + rng.normal(0, 4, boxes.shape), rng.uniform(0, 80, (rng.integers(0, 3), 4))])
        confidence = rng.uniform(0, 1, len(found))
        matches.append(match_image(ImageTruth(boxes), ImageDetections(found, confidence)))
    return matches


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 8))
def test_average_precision_equals_that_of_the_evaluation(seed: int, n: int) -> None:
    matches = images(seed, n)
    assert Ap50.of(matches).figure() == pytest.approx(measure(matches).ap50, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_weights_say_the_same_as_drawing_the_images_again(seed: int, n: int) -> None:
    matches = images(seed, n)
    draw = np.random.default_rng(seed).integers(0, n, n)
    weight = np.bincount(draw, minlength=n).astype(np.float64)
    drawn = measure([matches[i] for i in sorted(draw)]).ap50
    assert Ap50.of(matches).figure(weight) == pytest.approx(drawn, nan_ok=True)


def test_interval_of_the_same_model_has_no_width_and_one_image_gives_none() -> None:
    whole = Ap50.of(images(3, 8))
    assert average_precision.drop_interval(whole, whole) == (0, 0)
    assert average_precision.drop_interval(Ap50.of(images(3, 1)), Ap50.of(images(3, 1))) is None
    assert average_precision.drop_interval(Ap50.of([]), Ap50.of([])) is None


def test_paired_interval_is_narrower_than_two_separate_ones() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 2, 200).astype(np.float64)
    second = np.where(rng.uniform(size=200) < 0.03, 1 - first, first)
    one = np.ones(200)
    where = np.arange(200), np.zeros(200, np.int32)
    paired = drop_interval(np.stack([first, one, second, one], axis=1), *where)
    apart = drop_interval(np.stack([first, one, rng.permutation(second), one], axis=1), *where)
    assert paired is not None and apart is not None
    assert paired[0] <= first.mean() - second.mean() <= paired[1]
    assert paired[1] - paired[0] < 0.6 * (apart[1] - apart[0])
    assert drop_interval(np.array([[1.0, 1, 1, 1]]), np.zeros(1, np.int64), np.zeros(1, np.int32)) is None
