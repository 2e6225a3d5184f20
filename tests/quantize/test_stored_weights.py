"""Weights stored as int8: the same answers within a step, a quarter of the bytes."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from export.quantize.byte_weights import row_steps, with_byte_weights


def _model(weight: np.ndarray) -> onnx.ModelProto:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, weight.shape[1]])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


@given(st.integers(0, 100), st.floats(1e-3, 1e3))
def test_no_weight_moves_by_more_than_half_a_step(seed: int, largest: float) -> None:
    weight = (np.random.default_rng(seed).normal(size=(5, 7)) * largest).astype(np.float32)
    steps = row_steps(weight)
    assert steps.shape == (5, 1)
    assert np.abs(np.round(weight / steps) * steps - weight).max() <= steps.max() / 2 * 1.001
    assert np.abs(np.round(weight / steps)).max() == 127


def test_row_of_zeros_stays_zero() -> None:
    assert row_steps(np.zeros((2, 3), np.float32)).tolist() == [[1], [1]]


def test_large_weights_take_a_quarter_of_the_bytes_and_answer_alike() -> None:
    rng = np.random.default_rng(0)
    model = _model(rng.normal(size=(64, 96)).astype(np.float32))
    smaller, x = with_byte_weights(model), rng.normal(size=(1, 64)).astype(np.float32)
    assert smaller.ByteSize() < 0.35 * model.ByteSize()
    expected = _answer(model, x)
    assert np.abs(_answer(smaller, x) - expected).max() < 0.03 * np.abs(expected).max()


@pytest.mark.parametrize("shape", [(2, 3), (1, 255)])
def test_small_weights_stay_as_they_are(shape: tuple[int, int]) -> None:
    model = _model(np.ones(shape, np.float32))
    assert with_byte_weights(model).graph.initializer == model.graph.initializer
