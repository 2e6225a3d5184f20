from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.preprocessing import Preprocessing

SIDE = st.integers(1, 5000)
RULES = st.builds(
    Preprocessing,
    size_wh=st.tuples(st.integers(1, 640), st.integers(1, 640)),
    resize=st.sampled_from(["letterbox", "stretch"]),
    anchor=st.sampled_from(["center", "top_left"]),
)


@given(RULES, SIDE, SIDE, st.data())
def test_boxes_come_back_from_the_input_to_where_they_were(
    rule: Preprocessing, width: int, height: int, data: st.DataObject
) -> None:
    share = data.draw(st.lists(st.floats(0, 1), min_size=4, max_size=4))
    box = np.float32([[share[0] * width, share[1] * height, share[2] * width, share[3] * height]])
    _, placement = rule.place((width, height))
    back = placement.to_source(placement.to_input(box))
    assert np.abs(back - box).max() <= 1e-3 * max(width, height)


@given(RULES, SIDE, SIDE)
def test_the_whole_picture_lies_inside_the_input(rule: Preprocessing, width: int, height: int) -> None:
    resized, placement = rule.place((width, height))
    corners = placement.to_input(np.float32([[0, 0, width, height]]))[0]
    assert (corners >= -1e-3).all()
    assert corners[2] <= rule.size_wh[0] + 1e-2 and corners[3] <= rule.size_wh[1] + 1e-2
    assert resized[0] in (1, rule.size_wh[0]) or resized[1] in (1, rule.size_wh[1]) or rule.resize == "stretch"


@settings(max_examples=40)
@given(
    RULES, st.integers(1, 90), st.integers(1, 90), st.sampled_from(["RGB", "BGR"]), st.sampled_from(["NCHW", "NHWC"])
)
def test_tensor_has_the_described_shape_for_any_picture(
    rule: Preprocessing, width: int, height: int, colour: Any, layout: Any
) -> None:
    rule = Preprocessing(rule.size_wh, rule.resize, rule.anchor, colour=colour, layout=layout)
    tensor, _ = rule.apply(np.zeros((height, width, 3), np.uint8))
    wide, high = rule.size_wh
    assert tensor.shape == ((1, 3, high, wide) if layout == "NCHW" else (1, high, wide, 3))
    assert tensor.dtype == np.float32 and tensor.flags.c_contiguous


def red_square() -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = np.zeros((8, 8, 3), np.uint8)
    image[2:4, 4:8] = (200, 100, 50)
    return image


@pytest.mark.parametrize("colour, order", [("RGB", (200, 100, 50)), ("BGR", (50, 100, 200))])
def test_mean_and_std_follow_the_order_of_the_channels(colour: Any, order: tuple[int, int, int]) -> None:
    planes = Preprocessing((8, 8), colour=colour, mean=(1, 2, 3), std=(2, 4, 8))
    rows = Preprocessing((8, 8), colour=colour, layout="NHWC", mean=(1, 2, 3), std=(2, 4, 8))
    expected = (np.float32(order) - np.float32([1, 2, 3])) / np.float32([2, 4, 8])
    assert np.allclose(planes.apply(red_square())[0][0, :, 2, 4], expected)
    assert np.array_equal(planes.apply(red_square())[0], rows.apply(red_square())[0].transpose(0, 3, 1, 2))


def test_values_are_rounded_once_from_double_precision() -> None:
    rule = Preprocessing((1, 1), mean=(127.5, 123.675, 0), std=(127.5, 58.395, 255))
    levels = np.arange(256, dtype=np.float64)
    assert np.array_equal(rule.values()[1], ((levels - 123.675) / 58.395).astype(np.float32))


@pytest.mark.parametrize("anchor, left, top", [("top_left", 0, 0), ("center", 0, 4)])
def test_letterbox_pads_where_the_picture_is_not(anchor: Any, left: int, top: int) -> None:
    tensor, placement = Preprocessing((16, 16), anchor=anchor, pad_value=114).apply(np.full((10, 20, 3), 7, np.uint8))
    expected = np.full((16, 16), 114, np.float32)
    expected[top : top + 8, left : left + 16] = 7
    assert np.array_equal(tensor[0, 0], expected)
    assert placement.to_input(np.float32([[0, 0, 20, 10]])).tolist() == [[left, top, left + 16, top + 8]]


def test_a_shape_lands_where_its_box_is_mapped() -> None:
    """A drawn rectangle, measured in the tensor, agrees with the box that was mapped: the alignment is by edges."""
    image = np.zeros((300, 500, 3), np.uint8)
    image[60:180, 100:400] = 255
    tensor, placement = Preprocessing((125, 125), pad_value=0).apply(image)
    mapped = placement.to_input(np.float32([[100, 60, 400, 180]]))[0]
    weight = tensor[0, 0] / 255
    assert weight.sum() == pytest.approx((mapped[2] - mapped[0]) * (mapped[3] - mapped[1]), rel=0.01)
    rows, columns = np.mgrid[:125, :125] + 0.5
    assert (columns * weight).sum() / weight.sum() == pytest.approx((mapped[0] + mapped[2]) / 2, abs=0.02)
    assert (rows * weight).sum() / weight.sum() == pytest.approx((mapped[1] + mapped[3]) / 2, abs=0.02)


@given(RULES)
def test_a_description_survives_json(rule: Preprocessing) -> None:
    assert Preprocessing.from_json(rule.to_json(), "here") == rule


@pytest.mark.parametrize(
    "change, part",
    [
        ({"shear": 1}, "unknown keys"),
        ({"resize": "crop"}, "resize is 'crop'"),
        ({"size_wh": [0, 10]}, "size_wh"),
        ({"size_wh": [16]}, "2 finite numbers"),
        ({"size_wh": [99999, 10]}, "sides of 1 to 8192"),
        ({"std": [0, 1, 1]}, "above 0"),
        ({"std": [-1, 1, 1]}, "above 0"),
        ({"mean": [float("nan"), 0, 0]}, "3 finite numbers"),
        ({"mean": "grey"}, "malformed"),
        ({"pad_value": 256}, "pad_value"),
        ({"pad_value": 0.5}, "pad_value"),
        ({"colour": ["RGB"]}, "colour"),
    ],
)
def test_rejects_a_malformed_description(change: dict[str, Any], part: str) -> None:
    value = Preprocessing((16, 16)).to_json() | change
    with pytest.raises(ArtefactRefused, match=part):
        Preprocessing.from_json(value, "here")
