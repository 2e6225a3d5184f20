"""What the bytes of a LiteRT file are: for files that are larger than a quarter of their float model lets expect.

>>> itemised(Path("yolox_nano.mixed.tflite"))
{'int8 weights': 701122, 'float16 weights': 0, 'float weights': 204800, ...}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from export.quantize.litert.flatbuffer import is_constant, name_of, read_flatbuffer, type_of

WEIGHTS = {"INT8": "int8 weights", "UINT8": "int8 weights", "FLOAT16": "float16 weights", "FLOAT32": "float weights"}
SMALL = "biases and other small constants"


def itemised(path: Path) -> dict[str, int]:
    """Return the bytes of a file by what they are for; they add up to its length.

    Beside its weights a channel of static int8 has a bias (int32), a scale (float32) and a zero point (int64); equal
    lists of numbers lie in the file once (`write_flatbuffer`).
    """
    model = read_flatbuffer(path)
    tensors = model.subgraphs[0].tensors
    parts = dict.fromkeys((*WEIGHTS.values(), SMALL), 0)
    counted: set[int] = set()
    for tensor in tensors:
        if is_constant(model, tensor) and tensor.buffer not in counted:
            counted.add(tensor.buffer)
            parts[_part(tensor)] += len(model.buffers[tensor.buffer].data)
    parts["scales and zero points"] = sum(map(len, {values for tensor in tensors for values in _lists(tensor)}))
    parts["names"] = sum(len(name_of(tensor).encode()) for tensor in tensors)
    return {**parts, "operators, tensors and the rest": path.stat().st_size - sum(parts.values())}


def _part(tensor: Any) -> str:
    wide = tensor.shape is not None and len(tensor.shape) > 1
    return WEIGHTS.get(type_of(tensor), SMALL) if wide else SMALL


def _lists(tensor: Any) -> Iterator[bytes]:
    known = tensor.quantization
    for values, kind in ((known.scale, np.float32), (known.zeroPoint, np.int64)) if known is not None else ():
        if values is not None and len(values):
            yield np.asarray(values, kind).tobytes()
