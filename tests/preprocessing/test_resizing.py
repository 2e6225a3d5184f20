"""Resizing: Pillow's filter to the bit, or plain bilinear as its formula says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from edge.preprocessing import Preprocessing
from edge.resizing import ImageArray, resize

PICTURES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(3)).flatmap(lambda shape: arrays(np.uint8, shape))
SIZES = st.tuples(st.integers(1, 50), st.integers(1, 50))


def plain_bilinear(image: ImageArray, size_wh: tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The textbook formula in double precision: the four pixels around each new centre."""
    height, width = image.shape[:2]
    x = np.clip((np.arange(size_wh[0]) + 0.5) * width / size_wh[0] - 0.5, 0, width - 1)[None, :, None]
    y = np.clip((np.arange(size_wh[1]) + 0.5) * height / size_wh[1] - 0.5, 0, height - 1)[:, None, None]
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    pixels = image.astype(np.float64)

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return pixels[row[:, :, 0], column[:, :, 0]]

    upper = at(top, left) * (1 - (x - left)) + at(top, right) * (x - left)
    lower = at(bottom, left) * (1 - (x - left)) + at(bottom, right) * (x - left)
    return upper * (1 - (y - top)) + lower * (y - top)


@settings(max_examples=60)
@given(PICTURES, SIZES)
def test_antialiased_pictures_are_those_of_pillow(image: ImageArray, size_wh: tuple[int, int]) -> None:
    expected = np.asarray(Image.fromarray(image).resize(size_wh, Image.Resampling.BILINEAR))
    assert np.array_equal(resize(image, size_wh), expected)


@settings(max_examples=60)
@given(PICTURES, SIZES)
def test_plain_bilinear_follows_its_formula(image: ImageArray, size_wh: tuple[int, int]) -> None:
    resized = resize(image, size_wh, antialias=False)
    assert (resized.shape, resized.dtype) == ((size_wh[1], size_wh[0], 3), np.dtype(np.uint8))
    # Two roundings to bytes of half a level each, and two of weights to 1/256.
    assert np.abs(resized - plain_bilinear(image, size_wh)).max() <= 2


def test_plain_bilinear_reads_two_pixels_however_much_it_shrinks() -> None:
    stripes = np.zeros((8, 64, 3), np.uint8)
    stripes[:, ::8] = 255
    assert resize(stripes, (8, 8)).max() < 64
    assert resize(stripes, (8, 8), antialias=False).max() == 0


@pytest.mark.parametrize("antialias", [True, False])
def test_a_picture_of_the_right_size_is_left_alone(antialias: bool) -> None:
    image = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    assert np.array_equal(resize(image, (3, 3), antialias), image)


@pytest.mark.parametrize("level", [0, 1, 128, 255])
def test_an_even_picture_stays_even(level: int) -> None:
    image = np.full((7, 5, 3), level, np.uint8)
    assert (resize(image, (11, 3), antialias=False) == level).all()


def test_only_a_rule_without_antialiasing_says_so() -> None:
    """Ids of embedding spaces hash the description: a key for the usual rule would change all of them."""
    rule = Preprocessing((4, 4))
    assert "antialias" not in rule.to_json()
    plain = Preprocessing((4, 4), antialias=False)
    assert plain.to_json()["antialias"] is False
    assert Preprocessing.from_json(plain.to_json(), "here") == plain
