"""Anchors made by rule are those that the published models were trained with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.decoders.anchors import AnchorRule
from edge.decoders.ssd_raw import BLAZE_ANCHORS, TENSORFLOW_ANCHORS


@pytest.mark.parametrize(
    "rule, side, count",
    [
        (TENSORFLOW_ANCHORS, 300, 1917),
        (TENSORFLOW_ANCHORS, 320, 2034),
        (BLAZE_ANCHORS[0], 128, 896),
        (BLAZE_ANCHORS[0], 192, 2016),
        (BLAZE_ANCHORS[1], 256, 896),
        (BLAZE_ANCHORS[2], 192, 2304),
    ],
)
def test_there_are_as_many_as_the_published_models_have(rule: AnchorRule, side: int, count: int) -> None:
    anchors = rule.anchors((side, side))
    assert anchors.shape == (count, 4) and anchors.dtype == np.float32
    assert ((anchors[:, :2] > 0) & (anchors[:, :2] < 1)).all()


def test_anchors_of_the_first_and_last_cell_are_known() -> None:
    anchors = TENSORFLOW_ANCHORS.anchors((300, 300))
    first = 0.5 / 19
    # The reduced lowest layer: scale 0.1, then the layer's 0.2 twice as wide as high, and the other way round.
    expected = [[first, first, 0.1, 0.1], [first, first, 0.28284, 0.14142], [first, first, 0.14142, 0.28284]]
    assert np.abs(anchors[:3] - expected).max() < 1e-5
    assert np.abs(anchors[-1] - [0.5, 0.5, 0.97468, 0.97468]).max() < 1e-5
    blaze = BLAZE_ANCHORS[0].anchors((128, 128))
    assert blaze[:2].tolist() == [[0.03125, 0.03125, 1, 1]] * 2
    assert blaze[-1].tolist() == [0.9375, 0.9375, 1, 1]


def test_layers_of_one_stride_share_their_cells() -> None:
    anchors = AnchorRule((8, 16, 16), fixed_size=True).anchors((32, 16))
    assert len(anchors) == 4 * 2 * 2 + 2 * 1 * 4
    assert np.unique(anchors[16:, :2], axis=0).tolist() == [[0.25, 0.5], [0.75, 0.5]]


def test_a_rule_survives_json() -> None:
    assert AnchorRule.from_json(TENSORFLOW_ANCHORS.to_json()) == TENSORFLOW_ANCHORS


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"strides": []},
        {"strides": [0]},
        {"strides": ["8"]},
        {"strides": [8], "depth": 3},
        {"strides": [8], "aspect_ratios": [0]},
        {"strides": [8], "aspect_ratios": 1},
        {"strides": [8], "aspect_ratios": ["wide"]},
        {"strides": [8], "min_scale": "small"},
        {"strides": [8], "offset": float("nan")},
        {"strides": [8], "fixed_size": 1},
    ],
)
def test_rejects_a_rule_that_makes_no_anchors(value: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="option anchors"):
        AnchorRule.from_json(value)
