"""Small ONNX models whose right answers are known, made on the spot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[np.generic]


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Sequence[int | str]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, Array] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a float32 model of the given nodes, checked by onnx."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def constant_detector(path: Path, size_wh: tuple[int, int], outputs: Mapping[str, Array]) -> Path:
    """Write a detector that gives the same outputs for every picture of `size_wh`, (1, 3, h, w)."""
    nodes = [helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0, axes=[0, 1, 2, 3])]
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
    constants: dict[str, Array] = {"zero": np.float32(0)}
    for number, (name, value) in enumerate(outputs.items()):
        constants[f"value_{number}"] = np.asarray(value, np.float32)
        nodes.append(helper.make_node("Add", [f"value_{number}", "nothing"], [name]))
    shapes = {name: list(value.shape) for name, value in outputs.items()}
    return save_model(path, nodes, {"picture": [1, 3, size_wh[1], size_wh[0]]}, shapes, constants)


def mean_embedder(path: Path, shape: Sequence[int | str] = ("n", 3), metadata: Mapping[str, str] | None = None) -> Path:
    """Write an embedder of 16x16 pictures whose vector is the mean of each channel, in the given output shape."""
    keep = len(shape) == 4
    nodes = [helper.make_node("ReduceMean", ["picture"], ["vector"], keepdims=int(keep), axes=[2, 3])]
    return save_model(path, nodes, {"picture": ["n", 3, 16, 16]}, {"vector": shape}, metadata=metadata)


def fcos_outputs(size_wh: tuple[int, int], classes: int = 1) -> dict[str, Array]:
    """Return outputs of the kit's own family that hold one box around the middle of the first level's cell (1, 1)."""
    cells = sum((-(-size_wh[0] // s)) * (-(-size_wh[1] // s)) for s in (8, 16, 32))
    scores, distances = np.zeros((1, cells, classes), np.float32), np.ones((1, cells, 4), np.float32)
    scores[0, -(-size_wh[0] // 8) + 1, classes - 1] = 0.75
    return {"scores": scores, "distances": distances}


def light_detector(path: Path, size_wh: tuple[int, int] | None = None) -> Path:
    """Write a detector of the kit's own family that boxes light places; without a size, for pictures of any."""
    nodes, parts = [], []
    for stride in (8, 16, 32):
        pooled, flat = f"pooled_{stride}", f"flat_{stride}"
        nodes.append(
            helper.make_node("AveragePool", ["picture"], [pooled], kernel_shape=[stride] * 2, strides=[stride] * 2)
        )
        nodes.append(helper.make_node("ReduceMean", [pooled], [f"{pooled}_grey"], axes=[1]))
        nodes.append(helper.make_node("Reshape", [f"{pooled}_grey", "rows"], [flat]))
        parts.append(flat)
    nodes.append(helper.make_node("Concat", parts, ["scores"], axis=1))
    nodes.append(helper.make_node("Concat", ["scores"] * 4, ["sides"], axis=2))
    nodes.append(helper.make_node("Mul", ["sides", "nothing"], ["no_sides"]))
    nodes.append(helper.make_node("Add", ["no_sides", "one"], ["distances"]))
    constants = {"rows": np.array([1, -1, 1]), "nothing": np.float32(0), "one": np.float32(1)}
    sides = ["h", "w"] if size_wh is None else [size_wh[1], size_wh[0]]
    outputs = {"scores": [1, "n", 1], "distances": [1, "n", 4]}
    return save_model(path, nodes, {"picture": [1, 3, *sides]}, outputs, constants)
