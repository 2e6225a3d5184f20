"""Store the weights of an ONNX model as float16; compute stays float32.

Each large float32 constant becomes a float16 constant and a Cast. onnxruntime folds the Cast when it loads the
model, so the file is half as large and runs at the speed of the original.

    >>> smaller = with_half_weights(onnx.load("detector.onnx"))
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from edge.errors import ModelError
from export.quantize.restoring import Stored, store_weights

LEAST_VALUES = 64


def with_half_weights(model: onnx.ModelProto, only: Collection[str] | None = None) -> onnx.ModelProto:
    """Return a copy of the model whose float32 constants of at least 64 values are stored as float16.

    Args:
        model: a float32 model; constants inside subgraphs are left alone.
        only: names of the constants that are meant; None means all.

    Raises:
        ModelError: a constant is too large for float16 (beyond 65,504).
    """
    return store_weights(model, lambda name, values: _as_halves(name, values) if only is None or name in only else None)


def _as_halves(name: str, values: npt.NDArray[np.float32]) -> Stored | None:
    if values.size < LEAST_VALUES:
        return None
    if np.abs(values).max() > np.finfo(np.float16).max:
        raise ModelError(f"constant {name!r} has values beyond the range of float16")
    half = f"{name}.half"
    return Stored(values.astype(np.float16), half, (helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT),))
