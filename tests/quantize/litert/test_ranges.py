"""Ranges of activations: exact ends, a robust clip inside them, memory that does not grow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.errors import InputError
from export.quantize.litert.flatbuffer import read_flatbuffer
from export.quantize.litert.floating import computed_names, write_float32
from export.quantize.litert.ranges import BINS, Activation, measure_ranges

VALUES = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e4, 1e4, width=32))


def test_no_picture_is_no_range(shared: Path, tmp_path: Path) -> None:
    floating = tmp_path / "float.tflite"
    write_float32(shared / "models" / "embedders" / "mobilenet_v1_025_float_embedder.tflite", floating)
    with pytest.raises(InputError, match="no calibration picture"):
        measure_ranges(floating, [], computed_names(read_flatbuffer(floating)))


@given(st.lists(VALUES, min_size=1, max_size=5))
def test_range_is_exact_or_inside_and_holds_zero(runs: list[np.ndarray]) -> None:
    activation = Activation()
    for values in runs:
        activation.see(np.resize(values, (values.size, 1)))
    everything = np.concatenate(runs)
    least, largest = activation.range("min_max")
    assert (least, largest) == (min(float(everything.min()), 0), max(float(everything.max()), 0))
    inner_least, inner_largest = activation.range("robust")
    assert least <= inner_least <= 0 <= inner_largest <= largest
    assert activation.counts.sum() == everything.size and activation.counts.size == BINS


def test_robust_range_leaves_out_a_lonely_outlier() -> None:
    activation = Activation()
    rng = np.random.default_rng(0)
    for _ in range(10):
        activation.see(rng.normal(size=(60_000, 1)).astype(np.float32))
    activation.see(np.full((1, 1), 60, np.float32))
    assert activation.range("min_max")[1] == 60
    assert activation.range("robust")[1] < 45


def test_means_are_of_channels_over_runs() -> None:
    activation = Activation()
    activation.see(np.array([[1, 10], [3, 10]], np.float32))
    activation.see(np.array([[4, 0], [4, 0]], np.float32))
    np.testing.assert_allclose(activation.means, [3, 5])
