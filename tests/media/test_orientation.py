"""Properties of turning and of reducing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from edge.media.orientation import Turn, reduction
from tests.media.own_media import corners


@pytest.mark.parametrize("orientation", [None, 0, 9, "6", *range(1, 9)])
def test_exif_turns_as_pillow_does(orientation: object) -> None:
    picture = Image.fromarray(corners(6, 4))
    if isinstance(orientation, int):
        picture.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(picture))
    turn = Turn.from_exif(orientation)
    np.testing.assert_array_equal(turn.applied(corners(6, 4)), expected)
    assert turn.size((6, 4)) == (expected.shape[1], expected.shape[0])


@given(st.floats(-720, 720), st.booleans())
def test_display_matrix_becomes_the_nearest_quarter_turn(degrees: float, mirrored: bool) -> None:
    nearest = round(degrees / 90)
    if abs(degrees - 90 * nearest) > 44:
        return  # halfway between two quarter turns either answer is right
    angle = np.radians(degrees)
    sign = -1 if mirrored else 1
    a, b, c, d = (np.array([sign * np.cos(angle), sign * np.sin(angle), -np.sin(angle), np.cos(angle)]) * 65536).astype(
        int
    )
    turn = Turn.from_display_matrix([a, b, 0, c, d, 0, 0, 0, 1 << 30])
    stored = corners(6, 4)[:, ::-1] if mirrored else corners(6, 4)
    np.testing.assert_array_equal(turn.applied(corners(6, 4)), np.rot90(stored, -nearest))


@given(st.integers(1, 70_000), st.integers(1, 70_000), st.integers(1, 20_000_000))
def test_reduction_is_the_smallest_that_fits(width: int, height: int, limit: int) -> None:
    factor = reduction(width, height, limit)
    assert -(-width // factor) * -(-height // factor) <= limit
    half = factor // 2
    assert factor == 1 or -(-width // half) * -(-height // half) > limit
