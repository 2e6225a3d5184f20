"""Store the weights of an ONNX model as float16; compute stays float32.

Each large float32 constant becomes a float16 constant and a Cast. onnxruntime folds the Cast when it loads the
model, so the file is half as large and runs at the speed of the original.

    >>> smaller = with_half_weights(onnx.load("detector.onnx"))
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge.errors import ModelError

LEAST_VALUES = 64


def with_half_weights(model: onnx.ModelProto, only: Collection[str] | None = None) -> onnx.ModelProto:
    """Return a copy of the model whose float32 constants of at least 64 values are stored as float16.

    Args:
        model: a float32 model; constants inside subgraphs are left alone.
        only: names of the constants that are meant; None means all.

    Raises:
        ModelError: a constant is too large for float16 (beyond 65,504).
    """
    smaller = onnx.ModelProto()
    smaller.CopyFrom(model)
    graph = smaller.graph
    casts = []
    for constant in graph.initializer:
        values = numpy_helper.to_array(constant)
        if constant.data_type != TensorProto.FLOAT or values.size < LEAST_VALUES:
            continue
        if only is not None and constant.name not in only:
            continue
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ModelError(f"constant {constant.name!r} has values beyond the range of float16")
        half = f"{constant.name}.half"
        casts.append(helper.make_node("Cast", [half], [constant.name], to=TensorProto.FLOAT))
        constant.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(smaller)
    return smaller
