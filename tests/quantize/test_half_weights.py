"""Half-precision storage: half the file, the same answers."""

import numpy as np
import onnx
import pytest
from onnx import helper

from edge.errors import ModelError
from edge.inference import open_session
from export.quantize.half_weights import with_half_weights
from tests.small_models import save_model


def convolution(path, weights):
    node = helper.make_node("Conv", ["picture", "weights"], ["out"])
    shapes = {"picture": [1, 3, 8, 8]}, {"out": [1, len(weights), 6, 6]}
    return save_model(path, [node], *shapes, {"weights": weights})


def test_a_model_without_large_constants_is_unchanged(tmp_path):
    model = onnx.load(convolution(tmp_path / "m.onnx", np.ones((1, 3, 3, 3), np.float32)))
    assert with_half_weights(model) == model


def test_file_is_half_as_large_and_answers_agree(tmp_path):
    weights = np.random.default_rng(0).normal(size=(256, 3, 3, 3)).astype(np.float32)
    whole = convolution(tmp_path / "whole.onnx", weights)
    half = tmp_path / "half.onnx"
    onnx.save(with_half_weights(onnx.load(whole)), half)
    assert half.stat().st_size < 0.55 * whole.stat().st_size
    picture = np.random.default_rng(1).normal(size=(1, 3, 8, 8)).astype(np.float32)
    a, b = (open_session(path).run({"picture": picture})["out"] for path in (whole, half))
    assert np.abs(a - b).max() < 0.02
    assert np.abs(a).max() > 1


def test_refuses_weights_beyond_float16(tmp_path):
    model = onnx.load(convolution(tmp_path / "m.onnx", np.full((4, 3, 3, 3), 1e6, np.float32)))
    with pytest.raises(ModelError, match="beyond the range"):
        with_half_weights(model)


def test_only_named_constants_are_stored_in_half(tmp_path):
    model = onnx.load(convolution(tmp_path / "m.onnx", np.ones((64, 3, 3, 3), np.float32)))
    assert with_half_weights(model, only=["others"]) == model
    assert with_half_weights(model, only=["weights"]) == with_half_weights(model)
