"""Which object a photo is about, its surroundings, and what is only a part of another object."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detections import Detections, Float32s
from edge.prominence import (
    MIDDLE_SHARE,
    by_prominence,
    is_aimed_at,
    middle_box,
    parts,
    prominence,
    surroundings,
)

WH = (100, 200)
MIDDLE = (25, 50, 75, 150)
CORNER = (0, 0, 50, 100)
SMALL_MIDDLE = (45, 90, 55, 110)
SIDE = st.integers(1, 4000)
SHARE = st.integers(0, 64).map(lambda steps: steps / 64)
BOXES = st.lists(st.tuples(SHARE, SHARE, SHARE, SHARE), max_size=6)


def inside(boxes: list[tuple[float, float, float, float]], wh: tuple[int, int]) -> Float32s:
    shares = np.array(boxes, np.float32).reshape(-1, 4)
    corners = np.concatenate([np.minimum(shares[:, :2], shares[:, 2:]), np.maximum(shares[:, :2], shares[:, 2:])], 1)
    return np.asarray(corners * np.tile(np.array(wh, np.float32), 2), np.float32)


def test_nothing_found_has_no_main_object() -> None:
    assert prominence(Detections.empty(), WH).shape == (0,)
    assert len(by_prominence(Detections.empty(), WH)) == 0
    assert parts(np.zeros((0, 4), np.float32), np.zeros(0, np.int32), np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize(
    ("main", "other"),
    [
        pytest.param((MIDDLE, 0.6), (CORNER, 0.9), id="nearer the middle"),
        pytest.param((MIDDLE, 0.6), (SMALL_MIDDLE, 0.8), id="larger"),
        pytest.param((MIDDLE, 0.9), ((26, 50, 76, 150), 0.6), id="surer"),
    ],
)
def test_the_main_object_is(main: tuple[tuple[int, ...], float], other: tuple[tuple[int, ...], float]) -> None:
    found = Detections.of([other[0], main[0]], [other[1], main[1]])
    assert by_prominence(found, WH).xyxy[0].tolist() == list(main[0])


def test_prominence_is_the_written_rule() -> None:
    found = Detections.of([(0, 50, 50, 150)], [0.8])  # a quarter of the picture, a quarter of its width off the middle
    assert prominence(found, WH)[0] == pytest.approx(0.8 * 0.25**0.25 * np.exp(-((0.25 / 0.15) ** 2) / 2), rel=1e-5)


@given(BOXES, SIDE, SIDE)
def test_ordering_keeps_every_object(shares: list[tuple[float, float, float, float]], width: int, height: int) -> None:
    found = Detections.of(inside(shares, (width, height)), np.linspace(1, 0.5, len(shares)))
    ordered = by_prominence(found, (width, height))
    assert sorted(ordered.xyxy.tolist()) == sorted(found.xyxy.tolist())
    values = prominence(ordered, (width, height))
    assert (np.diff(values) <= 0).all()
    assert ((values >= 0) & (values <= 1)).all()


@given(BOXES, SIDE, SIDE)
def test_surroundings_lie_in_the_picture_around_the_box(
    shares: list[tuple[float, float, float, float]], width: int, height: int
) -> None:
    for box in inside(shares, (width, height)):
        (window,) = surroundings(box, (width, height))
        near = 1e-3 * max(width, height)
        assert (window[:2] <= box[:2] + near).all() and (window[2:] >= box[2:] - near).all()
        assert (window >= -near).all() and (window <= np.array([width, height] * 2) + near).all()
        assert (window[2:] - window[:2] >= MIDDLE_SHARE * np.array([width, height]) - near).all()


def test_what_is_small_or_at_the_side_is_not_aimed_at() -> None:
    assert is_aimed_at(np.float32(MIDDLE), WH)
    assert is_aimed_at(middle_box(WH)[0], WH)
    assert not is_aimed_at(np.float32(SMALL_MIDDLE), WH)
    assert not is_aimed_at(np.float32(CORNER), WH)


@pytest.mark.parametrize(
    ("product", "similarity", "told"),
    [
        pytest.param([1, 2], [0.9, 0.8], [False, True], id="another product within a surer one"),
        pytest.param([1, 2], [0.8, 0.9], [False, False], id="the surer one within"),
        pytest.param([1, 1], [0.9, 0.8], [False, False], id="the same product"),
        pytest.param([1, 2], [0.9, 0.9], [False, False], id="equally sure"),
    ],
)
def test_parts_are(product: list[int], similarity: list[float], told: list[bool]) -> None:
    boxes = np.float32([MIDDLE, SMALL_MIDDLE])
    assert parts(boxes, np.array(product), np.array(similarity)).tolist() == told


def test_a_neighbour_that_overlaps_is_no_part() -> None:
    boxes = np.float32([[0, 0, 50, 100], [30, 0, 80, 100]])
    assert parts(boxes, np.array([1, 2]), np.array([0.9, 0.8])).tolist() == [False, False]
