"""Store the weights of an ONNX model as int8; compute stays float32.

Each large float32 constant becomes an int8 constant, a Cast and a Mul by one scale for each output channel.
onnxruntime folds both when it loads the model, natively and in the browser, so the file is a quarter as large and runs
at the speed of the original (a DequantizeLinear would say the same, but is not folded, and runs anew each time).

    >>> smaller = with_byte_weights(onnx.load("detector.onnx"))
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from export.quantize.restoring import Stored, store_weights

LEAST_VALUES = 256
LARGEST = 127


def with_byte_weights(model: onnx.ModelProto, kept: Collection[str] = ()) -> onnx.ModelProto:
    """Return a copy of the model whose float32 constants of at least 256 values are stored as int8.

    Symmetric, the largest value of each row (the output channel of a convolution) being 127 steps.

    Args:
        model: a float32 model; constants inside subgraphs, and those of fewer than two dimensions, are left alone.
        kept: names of constants that are left alone too.
    """
    return store_weights(model, lambda name, values: None if name in kept else _as_bytes(name, values))


def _as_bytes(name: str, values: npt.NDArray[np.float32]) -> Stored | None:
    if values.size < LEAST_VALUES or values.ndim < 2:
        return None
    stored, scale, steps = f"{name}.int8", f"{name}.scale", row_steps(values)
    nodes = (
        helper.make_node("Cast", [stored], [f"{name}.steps"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.steps", scale], [name]),
    )
    rounded = np.clip(np.round(values / steps), -LARGEST, LARGEST).astype(np.int8)
    return Stored(rounded, stored, nodes, (numpy_helper.from_array(steps, scale),))


def row_steps(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the size of a step for each first index, shaped to multiply `values`; 1 where a row is all zero."""
    largest = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
    return np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
