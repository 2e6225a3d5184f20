"""Weights stored as bytes: small file, same answers, ordinary speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from edge.inference.onnx_session import OnnxSession
from export.quantize.byte_weights import with_byte_weights
from tests.small_models import save_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A convolution whose channels differ a thousandfold, one of them zero, with a bias."""
    rng = np.random.default_rng(0)
    kernel = (rng.normal(size=(8, 16, 3, 3)) * np.geomspace(0.01, 10, 8).reshape(8, 1, 1, 1)).astype(np.float32)
    kernel[3] = 0
    nodes = [helper.make_node("Conv", ["picture", "kernel", "bias"], ["map"], pads=[1] * 4)]
    constants = {"kernel": kernel, "bias": np.arange(8, dtype=np.float32)}
    return save_model(tmp_path / "m.onnx", nodes, {"picture": ["n", 16, 5, 5]}, {"map": ["n", 8, 5, 5]}, constants)


def test_model_without_weights_stays_as_it_is(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["picture"], ["map"])]
    plain = onnx.load(save_model(tmp_path / "m.onnx", nodes, {"picture": [1, 2]}, {"map": [1, 2]}))
    assert with_byte_weights(plain) == plain


def test_every_channel_keeps_its_own_precision(model: Path, tmp_path: Path) -> None:
    smaller = tmp_path / "small.onnx"
    onnx.save(with_byte_weights(onnx.load(model)), smaller)
    picture = np.random.default_rng(1).normal(size=(2, 16, 5, 5)).astype(np.float32)
    one, other = (OnnxSession(path).run({"picture": picture})["map"] for path in (model, smaller))
    error = np.abs(one - other).max(axis=(0, 2, 3))
    assert (error <= 0.02 * one.std(axis=(0, 2, 3)) + 1e-6).all() and error.max() > 0
    assert np.array_equal(other[:, 3], np.full((2, 5, 5), 3, np.float32))


def test_file_is_a_quarter_as_large(model: Path, tmp_path: Path) -> None:
    onnx.save(with_byte_weights(onnx.load(model)), tmp_path / "small.onnx")
    assert (tmp_path / "small.onnx").stat().st_size < 0.25 * 8 * 16 * 9 * 4 + 900
