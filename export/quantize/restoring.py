"""Weights that lie smaller in the file: each stored constant is restored by nodes at the head of the graph.

onnxruntime folds such nodes when it loads the model, so the file is smaller and runs at the speed of the original.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, numpy_helper


@dataclass(frozen=True)
class Stored:
    """How one weight lies in the file.

    Attributes:
        values: as they are stored.
        name: of the stored constant.
        nodes: from that constant to the weight, by the name that the weight had.
        constants: what else the nodes need.
    """

    values: npt.NDArray[np.generic]
    name: str
    nodes: tuple[onnx.NodeProto, ...]
    constants: tuple[onnx.TensorProto, ...] = ()


def store_weights(
    model: onnx.ModelProto, store: Callable[[str, npt.NDArray[np.float32]], Stored | None]
) -> onnx.ModelProto:
    """Return a copy of a model with its float32 constants stored otherwise.

    Args:
        model: constants inside subgraphs are left alone.
        store: gets name and values of a constant, says how it is stored; None leaves it as it is.
    """
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    graph, found = smaller.graph, list[Stored]()
    for constant in graph.initializer:
        if constant.data_type != TensorProto.FLOAT:
            continue
        if (stored := store(constant.name, numpy_helper.to_array(constant))) is not None:
            constant.CopyFrom(numpy_helper.from_array(stored.values, stored.name))
            found.append(stored)
    graph.initializer.extend(constant for stored in found for constant in stored.constants)
    nodes = [*(node for stored in found for node in stored.nodes), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(smaller)
    return smaller
