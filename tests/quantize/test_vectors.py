"""Neighbours of a variant's vectors among the float model's."""

from __future__ import annotations

import numpy as np
import pytest

from export.quantize.judging.vectors import agreement, search

PICTURE = np.array([0, 0, 1, 2], np.int32)
ANGLES = np.array([0.0, 0.01, 0.5, 1.5])


def at(angles: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_crop_of_the_same_picture_is_no_neighbour() -> None:
    found = search(at(ANGLES), at(ANGLES), PICTURE, margin=0.03)
    assert found.row.tolist() == [2, 2, 1, 2] and found.agrees.all()


def test_another_neighbour_agrees_only_where_the_float_model_holds_it_for_as_near() -> None:
    picture = np.arange(4, dtype=np.int32)
    floating = at(np.array([0.0, 0.2, -0.21, 1.5]))
    turned = at(np.array([-0.1, 0.2, -0.21, -0.5]))
    found = search(turned, floating, picture, margin=0.03)
    assert found.row.tolist() == [2, 0, 0, 2]
    assert found.agrees.tolist() == [True, True, True, False]
    assert not search(turned, floating, picture, margin=0.0).agrees[0]


def test_in_a_narrow_space_the_margin_shrinks_with_it() -> None:
    picture = np.arange(3, dtype=np.int32)
    floating, turned = at(np.array([0.0, 0.05, -0.15])), at(np.array([-0.2, 0.05, -0.15]))
    assert not search(turned, floating, picture, margin=0.03).agrees[0]


def test_the_same_vectors_agree_in_everything() -> None:
    same = agreement(at(ANGLES), at(ANGLES), np.ones(4, np.bool_))
    assert (same.cosine_p05, same.spread, same.neighbours) == pytest.approx((1, 1, 1))
    assert same.reason == ""


def test_vectors_that_draw_together_lose_their_spread() -> None:
    collapsed = agreement(at(ANGLES), at(ANGLES * 0.01), np.ones(4, np.bool_))
    assert collapsed.spread < 0.001 and "collapsed" in collapsed.reason
