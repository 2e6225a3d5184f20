"""Boxes, confidences and classes of a variant beside the float model's, and the sentence for each way to be broken."""

from __future__ import annotations

import numpy as np
import pytest

from edge.detections import Detections
from export.quantize.judging.boxes import Agreement, Compared, Sure, compare
from export.quantize.judging.reasons import why_boxes_are_refused, why_tags_are_refused, why_vectors_are_refused

BOXES = [[0, 0, 10, 10], [20, 20, 40, 40], [5, 5, 9, 9]]
CANDIDATES = Detections.of(BOXES, [0.9, 0.6, 0.1], [1, 2, 3])
SURE = Sure.of(CANDIDATES, 0.3)


def agreement(candidates: Detections, in_order: bool = True) -> Agreement:
    return Agreement.of([compare(SURE, candidates, in_order)])


def test_nothing_found_is_compared_with_nothing() -> None:
    nothing = Sure.of(Detections.empty(), 0.3)
    for in_order in (True, False):
        assert len(compare(nothing, Detections.empty(), in_order).iou) == 0


@pytest.mark.parametrize("in_order", [True, False])
def test_the_same_candidates_agree_in_everything(in_order: bool) -> None:
    same = agreement(CANDIDATES, in_order)
    assert (same.candidates, same.box_iou_mean, same.score_agreement, same.class_agreement) == (2, 1, 1, 1)
    assert same.reason == ""


def test_collapsed_boxes_with_right_scores_are_named_as_such() -> None:
    collapsed = agreement(CANDIDATES.with_xyxy(CANDIDATES.xyxy * np.float32(0.02)))
    assert collapsed.score_agreement == 1 and collapsed.box_iou_mean < 0.05
    assert "boxes have collapsed while its scores look right" in collapsed.reason


def test_without_an_order_each_box_is_compared_with_the_nearest_one() -> None:
    shuffled = CANDIDATES[np.array([2, 0, 1])]
    assert agreement(shuffled).box_iou_mean < 0.6
    found = agreement(shuffled, in_order=False)
    assert (found.box_iou_mean, found.score_agreement, found.class_agreement) == (1, 1, 1)
    missing = agreement(Detections.empty(), in_order=False)
    assert (missing.box_iou_mean, missing.class_agreement) == (0, 0)
    assert missing.score_agreement == pytest.approx(0.25)


def test_another_number_of_candidates_falls_back_to_the_nearest_boxes() -> None:
    assert agreement(CANDIDATES[np.array([0, 1])]).box_iou_mean == 1


def test_every_candidate_counts_once_whatever_picture_it_is_in() -> None:
    one = np.ones(3, np.float32)
    many = Compared(one, 0 * one, one)
    few = Compared(one[:1] * 0, one[:1], one[:1] * 0)
    both = Agreement.of([many, few])
    assert (both.candidates, both.box_iou_mean, both.score_agreement) == (4, 0.75, 0.75)


@pytest.mark.parametrize(
    ("figures", "part"),
    [
        ((0.95, 0.98, 1.0), ""),
        ((0.2, 0.98, 1.0), "boxes have collapsed while its scores look right"),
        ((0.2, 0.4, 1.0), "neither its boxes nor its scores follow"),
        ((0.95, 0.4, 1.0), "scores do not follow the float model while its boxes do"),
        ((0.95, 0.98, 0.2), "80% of the float model's boxes another class"),
    ],
)
def test_each_way_to_be_broken_has_its_sentence(figures: tuple[float, float, float], part: str) -> None:
    reason = why_boxes_are_refused(*figures)
    assert part in reason if part else reason == ""


@pytest.mark.parametrize(
    ("figures", "part"),
    [
        ((0.97, 1.0, 0.95), ""),
        ((0.9, 0.02, 0.5), "vectors have collapsed"),
        ((0.3, 1.0, 0.9), "left the float model's"),
    ],
)
def test_broken_vectors_have_their_sentences(figures: tuple[float, float, float], part: str) -> None:
    reason = why_vectors_are_refused(*figures)
    assert part in reason if part else reason == ""


def test_tags_that_are_lost_for_certain_are_a_reason() -> None:
    shares = {"tag_recall": (0.6, 0.3), "tag_precision": (0.9, 0.9)}
    assert why_tags_are_refused(shares, {"tag_recall": (-2.0, 40.0), "tag_precision": None}, 1.0) == ""
    reason = why_tags_are_refused(shares, {"tag_recall": (20.0, 40.0), "tag_precision": None}, 1.0)
    assert "tag recall falls from 60.0 to 30.0 %" in reason
