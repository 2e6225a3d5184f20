"""A small TFLite embedder whose right answers are known, made on the spot: the mean of each channel of its picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import pytest

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int8": 9}
CUSTOM, MEAN = 32, 40


@dataclass(frozen=True)
class Quantization:
    """Scale and zero point of the embedder's input and output."""

    dtype: str = "float32"
    scale: float = 0.0
    zero_point: int = 0


def tflite_mean_embedder(
    path: Path,
    picture: Sequence[int] = (1, 16, 16, 3),
    stored: Quantization | None = None,
    operator: str = "",
    others: Mapping[str, Sequence[int]] | None = None,
) -> Path:
    """Write an embedder whose vector is the mean of each channel.

    Args:
        path: where to.
        picture: shape of the input, channels first or last.
        stored: how input and output are stored; None: float32.
        operator: name of a custom operator that takes the place of TFLite's own MEAN.
        others: inputs beside the picture that nothing reads, by name.
    """
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed")
    axes = np.array([2, 3] if picture[1] == 3 else [1, 2], np.int32)
    stored = stored or Quantization()
    tensors = [
        _tensor(schema, "picture", picture, stored),
        _tensor(schema, "vector", (1, 3), stored),
        _tensor(schema, "axes", (2,), Quantization("int32"), buffer=1),
        *(_tensor(schema, name, shape, Quantization()) for name, shape in (others or {}).items()),
    ]
    code = schema.OperatorCodeT()
    code.version, code.customCode = 1, operator or None
    code.builtinCode = code.deprecatedBuiltinCode = CUSTOM if operator else MEAN
    step = schema.OperatorT()
    step.opcodeIndex, step.inputs, step.outputs = 0, [0, 2], [1]
    if not operator:
        step.builtinOptionsType, step.builtinOptions = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    graph = schema.SubGraphT()
    graph.tensors, graph.operators, graph.outputs = tensors, [step], [1]
    graph.inputs = [0, *range(3, len(tensors))]
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [_buffer(schema), _buffer(schema, axes)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def _tensor(schema: Any, name: str, shape: Sequence[int], stored: Quantization, buffer: int = 0) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), TYPES[stored.dtype], buffer
    if stored.scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [stored.scale], [stored.zero_point]
    return tensor


def _buffer(schema: Any, values: npt.NDArray[np.generic] | None = None) -> Any:
    buffer = schema.BufferT()
    if values is not None:
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    return buffer
