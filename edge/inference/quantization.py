"""Between float32 and the integers of a quantized tensor, by the scale and zero point that a model states.

>>> quantize(np.float32([-1, 0, 9]), TensorSpec("x", (3,), "uint8", scale=1 / 128, zero_point=128))
array([  0, 128, 255], dtype=uint8)
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.inference import TensorSpec


def quantize(values: npt.NDArray[np.generic], spec: TensorSpec) -> npt.NDArray[np.generic]:
    """Return values in the tensor's own type: round(x / scale) + zero_point, clamped to the type.

    Values that already are of that type are taken as they are; a tensor without a scale rounds and clamps.
    """
    wanted = np.dtype(spec.dtype)
    if values.dtype == wanted or wanted.kind not in "iu":
        return np.asarray(values, wanted)
    stored = values.astype(np.float32)
    if spec.scale:
        stored /= np.float32(spec.scale)
    np.rint(stored, out=stored)
    stored += spec.zero_point
    limits = np.iinfo(wanted)
    return np.clip(stored, limits.min, limits.max, out=stored).astype(wanted)


def dequantize(stored: npt.NDArray[np.generic], spec: TensorSpec) -> npt.NDArray[np.float32]:
    """Return stored values as float32: (q - zero_point) * scale where the tensor is quantized."""
    if not spec.scale:
        return np.asarray(stored, np.float32)
    values = stored.astype(np.float32)
    values -= spec.zero_point
    values *= np.float32(spec.scale)
    return values
