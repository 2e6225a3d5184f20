from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.detections import Detections, Float32s
from edge.geometry import area, clip_xyxy, iou, nms, share_inside

COORDINATE = st.floats(-2000, 2000, width=32)
BOXES = hnp.arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=COORDINATE)
SIDE = st.integers(1, 4000)


def ordered(boxes: Float32s) -> Float32s:
    return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_every_function_takes_n_boxes(n: int) -> None:
    boxes = np.tile(np.float32([[1, 2, 3, 5]]), (n, 1))
    assert clip_xyxy(boxes, (10, 10)).shape == (n, 4)
    assert area(boxes).tolist() == [6.0] * n
    assert iou(boxes, boxes).shape == (n, n)
    assert share_inside(boxes, boxes).tolist() == [[1.0] * n] * n
    assert nms(boxes, np.ones(n, np.float32), 0.5).tolist() == [0][:n]


@given(BOXES, SIDE, SIDE)
def test_clipping_is_idempotent_and_stays_inside(boxes: Float32s, width: int, height: int) -> None:
    once = clip_xyxy(boxes, (width, height))
    assert np.array_equal(clip_xyxy(once, (width, height)), once)
    assert (once >= 0).all() and (once[:, 0::2] <= width).all() and (once[:, 1::2] <= height).all()


@given(BOXES, BOXES)
def test_iou_is_symmetric_and_within_0_and_1(a: Float32s, b: Float32s) -> None:
    table = iou(ordered(a), ordered(b))
    assert ((table >= 0) & (table <= 1 + 1e-5)).all()
    assert np.allclose(table, iou(ordered(b), ordered(a)).T, atol=1e-5)


def test_iou_of_boxes_without_area_is_0_not_nan() -> None:
    point = np.float32([[3, 3, 3, 3]])
    assert iou(point, point).tolist() == [[0.0]]


@given(BOXES, BOXES)
def test_a_share_inside_is_within_0_and_1_and_no_less_than_the_iou(a: Float32s, b: Float32s) -> None:
    share = share_inside(ordered(a), ordered(b))
    assert ((share >= 0) & (share <= 1 + 1e-5)).all()
    assert (share >= iou(ordered(a), ordered(b)) - 1e-5).all()


def test_share_inside_is_of_the_first_box() -> None:
    small, large, point = [0, 0, 2, 2], [0, 0, 4, 4], [1, 1, 1, 1]
    assert share_inside(np.float32([small, large, point]), np.float32([large, small])).tolist() == [
        [1.0, 1.0],
        [1.0, 0.25],
        [0.0, 0.0],
    ]


@given(BOXES, st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_nms_keeps_the_best_and_no_two_that_overlap(boxes: Float32s, seed: int, threshold: float) -> None:
    boxes = ordered(boxes)
    confidence = np.random.default_rng(seed).random(len(boxes), np.float32)
    kept = nms(boxes, confidence, threshold)
    assert len(set(kept.tolist())) == len(kept)
    assert (np.diff(confidence[kept]) <= 0).all()
    between = iou(boxes[kept], boxes[kept])
    assert (between[~np.eye(len(kept), dtype=bool)] <= threshold).all()
    dropped = np.setdiff1d(np.arange(len(boxes)), kept)
    assert all((iou(boxes[[row]], boxes[kept])[0] > threshold).any() for row in dropped)


def test_nms_of_equal_confidences_keeps_the_first() -> None:
    twice = np.float32([[0, 0, 10, 10], [0, 0, 10, 10.5]])
    assert nms(twice, np.float32([0.5, 0.5]), 0.5).tolist() == [0]


def test_nms_stops_at_its_limit() -> None:
    apart = np.float32([[i * 10, 0, i * 10 + 5, 5] for i in range(6)])
    assert nms(apart, np.linspace(0, 1, 6, dtype=np.float32), 0.5, limit=2).tolist() == [5, 4]


def test_rejects_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"confidence must have shape \(2,\), has \(1,\)"):
        Detections.of(np.zeros((2, 4)), [0.5])
