"""What the bytes of an ONNX file are: for files that are larger than a quarter of their float model lets expect.

>>> itemised(Path("fastestdet.qdq.onnx"))
{'int8 weights': 237305, 'float weights': 0, 'biases and other float constants': 12034, ...}
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto

BYTES = (TensorProto.INT8, TensorProto.UINT8)


def itemised(path: Path) -> dict[str, int]:
    """Return the bytes of a file by what they are for; they add up to its length."""
    model = onnx.load(path)
    scales = {name for node in model.graph.node if "uantizeLinear" in node.op_type for name in node.input[1:]}
    parts = {
        "int8 weights": 0,
        "float16 weights": 0,
        "float weights": 0,
        "biases and other small constants": 0,
        "scales and zero points": 0,
    }
    for tensor in model.graph.initializer:
        parts[_part(tensor, scales)] += tensor.ByteSize()
    nodes = sum(node.ByteSize() for node in model.graph.node)
    whole = path.stat().st_size
    return {**parts, "nodes": nodes, "rest": whole - nodes - sum(parts.values())}


def _part(tensor: onnx.TensorProto, scales: set[str]) -> str:
    if tensor.name in scales:
        return "scales and zero points"
    if len(tensor.dims) < 2:
        return "biases and other small constants"
    if tensor.data_type in BYTES:
        return "int8 weights"
    return "float16 weights" if tensor.data_type == TensorProto.FLOAT16 else "float weights"
