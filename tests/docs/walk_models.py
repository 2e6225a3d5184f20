"""The models of the walk in docs/your-model.md, in the layouts of common exports, computed from the picture.

The detector finds what differs from the grey of the letterbox: one box around all such pixels, at one cell among the
8400 of three levels, as a trained one would give it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from edge.decoders.family import cell_centres
from tests.small_models import Array, save_model

SIDE = 640
CELLS = cell_centres((SIDE, SIDE), (8, 16, 32))
GREY, DIFFERENCE = np.float32(114 / 255), np.float32(0.08)
CONFIDENCE = np.float32(0.9)
ROW = 4210
CLASS_OF_COCO = 39

Graph = tuple[list[onnx.NodeProto], dict[str, Array]]


def yolov8_layout(path: Path, classes: int) -> Path:
    """Write a detector without suppression, (1, 4 + classes, 8400), pixels of the input."""
    nodes, constants = _box_in_the_picture()
    chosen = np.zeros((1, 1, len(CELLS)), np.float32)
    chosen[0, 0, ROW] = 1
    corners = np.concatenate([(CELLS[:, :2] + 0.5) * CELLS[:, 2:], CELLS[:, 2:], CELLS[:, 2:]], axis=1).T
    of_class = np.zeros((1, classes, 1), np.float32)
    of_class[0, CLASS_OF_COCO if classes > 1 else 0] = 1
    constants |= {"chosen": chosen, "others": (corners * (1 - chosen[0]))[None].astype(np.float32), "class": of_class}
    nodes += [
        *_centred(),
        helper.make_node("Mul", ["cxcywh", "chosen"], ["at_its_cell"]),
        helper.make_node("Add", ["at_its_cell", "others"], ["boxes"]),
        helper.make_node("Mul", ["class", "chosen"], ["of_class"]),
        helper.make_node("Mul", ["of_class", "confidence"], ["scores"]),
        helper.make_node("Concat", ["boxes", "scores"], ["output0"], axis=1),
    ]
    return save_model(path, nodes, _picture(), {"output0": [1, 4 + classes, len(CELLS)]}, constants)


def with_suppression_inside(path: Path) -> Path:
    """Write an end-to-end detector, (1, 300, 6): corners, score, class; rows beyond the objects are zeros."""
    nodes, constants = _box_in_the_picture()
    first = np.zeros((1, 300, 1), np.float32)
    first[0, 0] = 1
    constants |= {"first": first, "class": np.float32([0]), "six": np.int64([1, 1, 6])}
    nodes += [
        helper.make_node("Unsqueeze", ["confidence", "zero"], ["score"]),
        helper.make_node("Concat", ["low_x", "low_y", "high_x", "high_y", "score", "class"], ["row"], axis=0),
        helper.make_node("Reshape", ["row", "six"], ["row_of_six"]),
        helper.make_node("Mul", ["row_of_six", "first"], ["output0"]),
    ]
    return save_model(path, nodes, _picture(), {"output0": [1, 300, 6]}, constants | {"zero": np.int64([0])})


def embedder(path: Path) -> Path:
    """Write an embedder of 64x64 pictures: their colours in 8x8 fields, (1, 192)."""
    nodes = [
        helper.make_node("AveragePool", ["input"], ["fields"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Flatten", ["fields"], ["embedding"]),
    ]
    return save_model(path, nodes, {"input": [1, 3, 64, 64]}, {"embedding": [1, 192]})


def _picture() -> dict[str, list[int | str]]:
    return {"images": [1, 3, SIDE, SIDE]}


def _box_in_the_picture() -> Graph:
    """Compute low_x, low_y, high_x, high_y, each (1,), and confidence, a scalar that is 0 for an empty picture."""
    along = np.arange(SIDE, dtype=np.float32)
    constants: dict[str, Array] = {
        "grey": GREY,
        "difference": DIFFERENCE,
        "certain": CONFIDENCE,
        "side": np.float32(SIDE),
        "from_start": along + 1,
        "from_end": SIDE - along,
    }
    nodes = [
        helper.make_node("Sub", ["images", "grey"], ["off"]),
        helper.make_node("Abs", ["off"], ["distance"]),
        helper.make_node("ReduceMax", ["distance"], ["far"], axes=[1], keepdims=0),
        helper.make_node("Greater", ["far", "difference"], ["differs"]),
        helper.make_node("Cast", ["differs"], ["mask"], to=onnx.TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["mask"], ["any"], keepdims=0),
        helper.make_node("Mul", ["any", "certain"], ["confidence"]),
    ]
    for name, axis in (("x", 1), ("y", 2)):
        nodes += [
            helper.make_node("ReduceMax", ["mask"], [f"hit_{name}"], axes=[axis], keepdims=0),
            helper.make_node("Mul", [f"hit_{name}", "from_start"], [f"ends_{name}"]),
            helper.make_node("ReduceMax", [f"ends_{name}"], [f"high_{name}"], axes=[1], keepdims=0),
            helper.make_node("Mul", [f"hit_{name}", "from_end"], [f"starts_{name}"]),
            helper.make_node("ReduceMax", [f"starts_{name}"], [f"reach_{name}"], axes=[1], keepdims=0),
            helper.make_node("Sub", ["side", f"reach_{name}"], [f"low_{name}"]),
        ]
    return nodes, constants


def _centred() -> list[onnx.NodeProto]:
    """Turn the corners into cxcywh, (1, 4, 1)."""
    nodes = [
        helper.make_node("Concat", ["low_x", "low_y"], ["low"], axis=0),
        helper.make_node("Concat", ["high_x", "high_y"], ["high"], axis=0),
        helper.make_node("Sub", ["high", "low"], ["size"]),
        helper.make_node("Sum", ["high", "low"], ["twice"]),
        helper.make_node("Div", ["twice", "two"], ["centre"]),
        helper.make_node("Concat", ["centre", "size"], ["flat"], axis=0),
        helper.make_node("Reshape", ["flat", "as_column"], ["cxcywh"]),
    ]
    constants = {"two": np.float32(2), "as_column": np.int64([1, 4, 1])}
    made = [
        helper.make_node("Constant", [], [name], value=onnx.numpy_helper.from_array(np.asarray(value), name))
        for name, value in constants.items()
    ]
    return [*made, *nodes]
