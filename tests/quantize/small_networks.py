"""Small convolutional networks for tests of quantization, with weights from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.bundles.reading import ModelReading, read_model

SIDECAR = 'output = "vector"\nmean = 127.5\nstd = 127.5\n'


def network(opset: int = 17, listed: bool = False, batch: int | str = 1, seed: int = 0) -> onnx.ModelProto:
    """Return convolution, BatchNorm, Relu, convolution, two heads (boxes and scores) and their concat."""
    rng = np.random.default_rng(seed)
    constants = {
        "w0": rng.normal(size=(8, 3, 3, 3)).astype(np.float32) / 5,
        "b0": rng.normal(size=8).astype(np.float32),
        "scale": np.abs(rng.normal(size=8)).astype(np.float32) + 0.5,
        "shift": rng.normal(size=8).astype(np.float32),
        "mean": rng.normal(size=8).astype(np.float32),
        "var": np.abs(rng.normal(size=8)).astype(np.float32) + 0.5,
        "w1": rng.normal(size=(16, 8, 3, 3)).astype(np.float32) / 8,
        "w_boxes": rng.normal(size=(4, 16, 1, 1)).astype(np.float32) * 40,
        "w_scores": rng.normal(size=(2, 16, 1, 1)).astype(np.float32) / 4,
    }
    nodes = [
        helper.make_node("Conv", ["picture", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c0", "scale", "shift", "mean", "var"], ["n0"]),
        helper.make_node("Relu", ["n0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w_boxes"], ["boxes"]),
        helper.make_node("Conv", ["r1", "w_scores"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["both"], axis=1),
        helper.make_node("GlobalAveragePool", ["both"], ["vector"]),
    ]
    return _model(nodes, constants, {"vector": [batch, 6, 1, 1]}, opset, listed, batch)


def _model(
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    outputs: dict[str, list[int | str]],
    opset: int,
    listed: bool,
    batch: int | str,
) -> onnx.ModelProto:
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    inputs = [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [batch, 3, 16, 16])]
    if listed:
        inputs += [helper.make_tensor_value_info(t.name, TensorProto.FLOAT, list(t.dims)) for t in tensors]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()]
    graph = helper.make_graph(nodes, "network", inputs, values, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4 if listed else 8)
    onnx.checker.check_model(model)
    return model


def reading_of(model: onnx.ModelProto, path: Path) -> ModelReading:
    """Write a model with its sidecar, and return how the kit reads it."""
    onnx.save(model, path)
    path.with_name(f"{path.name}.toml").write_text(SIDECAR)
    return read_model(path)


def pictures(n: int, seed: int = 1) -> list[dict[str, np.ndarray]]:
    """Return feeds of the network."""
    rng = np.random.default_rng(seed)
    return [{"picture": rng.uniform(-1, 1, (1, 3, 16, 16)).astype(np.float32)} for _ in range(n)]
