"""ONNX files computed by PyTorch: the same values as onnxruntime gives, and a sentence where that cannot be."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import ModelError  # noqa: E402
from export.train.torch_graph import TorchGraph  # noqa: E402

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")


def _model(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])]
    out = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)]
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "g", ends, out, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 2]])
@pytest.mark.parametrize("stride", [1, 2])
def test_computes_what_onnxruntime_computes(pads: list[int], stride: int) -> None:
    rng = np.random.default_rng(0)
    model = _model(
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=pads, strides=[stride] * 2),
        helper.make_node("Clip", ["c", "low", "high"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], strides=[stride] * 2, pads=pads),
        w=rng.normal(0, 0.3, (5, 3, 3, 3)).astype(np.float32),
        b=rng.normal(0, 0.3, 5).astype(np.float32),
        low=np.float32(0),
        high=np.float32(1),
    )
    x = rng.normal(0, 1, (2, 3, 12, 14)).astype(np.float32)
    expected = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    found = TorchGraph(model, ["p"], CPU)(torch.from_numpy(x))
    assert np.allclose(found[0].numpy(), expected[0], atol=1e-5)


def test_refuses_an_operator_that_it_does_not_know() -> None:
    with pytest.raises(ModelError, match="not told of here: Erf"):
        TorchGraph(_model(helper.make_node("Erf", ["x"], ["y"])), ["y"], CPU)


def test_leaves_out_what_is_not_asked_for() -> None:
    model = _model(helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Erf", ["y"], ["z"]))
    found = TorchGraph(model, ["y"], CPU)(torch.tensor([[[[-1.0, 2.0]]] * 3]))
    assert found[0][0, 0, 0].tolist() == [0.0, 2.0]
