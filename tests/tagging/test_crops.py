"""Crops at and over the border never fail."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.crops import cut_crops

edge = st.floats(-500, 500, width=32)


def test_no_boxes_give_no_crops():
    assert cut_crops(np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.float32)) == []


@given(st.integers(1, 40), st.integers(1, 40), st.lists(st.tuples(edge, edge, edge, edge), max_size=4), st.floats(0, 1))
def test_every_box_gives_a_crop_inside_the_picture(width, height, boxes, margin):
    image = np.zeros((height, width, 3), np.uint8)
    crops = cut_crops(image, np.array(boxes, np.float32).reshape(-1, 4), margin)
    assert len(crops) == len(boxes)
    for crop in crops:
        assert 1 <= crop.shape[0] <= height
        assert 1 <= crop.shape[1] <= width


def test_margin_widens_each_side_by_its_share():
    image = np.zeros((100, 100, 3), np.uint8)
    (crop,) = cut_crops(image, np.array([[40, 40, 60, 50]], np.float32), margin=0.5)
    assert crop.shape == (20, 40, 3)


def test_crops_are_views_and_not_copies():
    image = np.zeros((100, 100, 3), np.uint8)
    (crop,) = cut_crops(image, np.array([[1, 2, 3, 4]], np.float32))
    assert np.shares_memory(crop, image)
