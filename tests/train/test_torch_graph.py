"""ONNX files computed by PyTorch: the same values as onnxruntime gives, and a sentence where that cannot be."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import ModelError  # noqa: E402
from export.train.torch_graph import OPERATORS, TorchGraph  # noqa: E402

pytestmark = pytest.mark.torch
CPU = torch.device("cpu")


def _model(*nodes: onnx.NodeProto, **constants: Any) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, "h", "w"])]
    out = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)]
    kept = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(list(nodes), "g", ends, out, kept)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [0, 1, 0, 2]])
@pytest.mark.parametrize(("stride", "shape"), [(1, ()), (2, (1,))])
def test_computes_what_onnxruntime_computes(pads: list[int], stride: int, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    model = _model(
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=pads, strides=[stride] * 2),
        helper.make_node("Clip", ["c", "low", "high"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[3, 3], strides=[stride] * 2, pads=pads),
        w=rng.normal(0, 0.3, (5, 3, 3, 3)).astype(np.float32),
        b=rng.normal(0, 0.3, 5).astype(np.float32),
        low=np.zeros(shape, np.float32),
        high=np.ones(shape, np.float32),
    )
    x = rng.normal(0, 1, (2, 3, 12, 14)).astype(np.float32)
    expected = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    found = TorchGraph(model, ["p"], CPU)(torch.from_numpy(x))
    assert np.allclose(found[0].numpy(), expected[0], atol=1e-5)


def test_computes_what_onnxruntime_computes_of_the_teacher_of_the_docs(shared: Path) -> None:
    model, name = onnx.load(shared / "models" / "embedders" / "mobilenet_v1_100_embedder.onnx"), "t22"
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run([name], {session.get_inputs()[0].name: x})
    found = TorchGraph(model, [name], CPU)(torch.from_numpy(x))
    assert np.allclose(found[0].numpy(), expected[0], atol=1e-4)


def test_refuses_an_operator_that_it_does_not_know() -> None:
    with pytest.raises(ModelError, match="not told of here: Erf"):
        TorchGraph(_model(helper.make_node("Erf", ["x"], ["y"])), ["y"], CPU)


def test_leaves_out_what_is_not_asked_for() -> None:
    model = _model(helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Erf", ["y"], ["z"]))
    found = TorchGraph(model, ["y"], CPU)(torch.tensor([[[[-1.0, 2.0]]] * 3]))
    assert found[0][0, 0, 0].tolist() == [0.0, 2.0]


def test_keeps_a_value_while_it_is_needed() -> None:
    model = _model(
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Add", ["a", "a"], ["b"]),
        helper.make_node("Mul", ["a", "b"], ["c"]),
    )
    a, c = TorchGraph(model, ["a", "c"], CPU)(torch.full((1, 3, 1, 1), 3.0))
    assert a.unique().tolist() == [3.0] and c.unique().tolist() == [18.0]


def test_forgets_what_no_later_node_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    made, alive = list[weakref.ref[Any]](), list[int]()

    def relu(_: dict[str, Any], inputs: list[Any]) -> Any:
        alive.append(sum(value() is not None for value in made))
        value = inputs[0] + 1
        made.append(weakref.ref(value))
        return value

    monkeypatch.setitem(OPERATORS, "Relu", relu)
    chain = [helper.make_node("Relu", [f"v{i}" if i else "x"], [f"v{i + 1}"]) for i in range(6)]
    assert TorchGraph(_model(*chain), ["v6"], CPU)(torch.zeros(1, 3, 1, 1))[0].unique().tolist() == [6.0]
    assert max(alive) == 1
