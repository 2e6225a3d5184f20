"""Float LiteRT models made ready for quantization: float32 weights, outputs of the shape that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import ModelError
from export.quantize.litert.flatbuffer import (
    add_constant,
    code_index,
    is_constant,
    name_of,
    operators_of,
    read_flatbuffer,
    remove_operators,
    schema,
    set_values,
    type_of,
    values_of,
    write_flatbuffer,
)
from export.quantize.litert.ranges import LOWEST

TRANSPOSE_VERSION = 1
INTEGERS = {"INT8", "UINT8", "INT16", "INT4"}


def write_float32(source: Path, target: Path) -> None:
    """Write a float model with float32 weights and without the metadata of other tools.

    float16 constants that a DEQUANTIZE widens become float32 constants: the quantizer takes no others.

    Raises:
        ModelError: the file cannot be read, or is quantized already.
        OutputError: the result cannot be written.
    """
    model = read_flatbuffer(source)
    require_float(model, source)
    widen_halves(model)
    name_apart(model)
    model.metadata, model.metadataBuffer = [], None
    write_flatbuffer(model, target)


def require_float(model: Any, path: Path) -> None:
    """Raise `ModelError` where weights or activations of a model are integers already."""
    for operator in operators_of(model):
        tensors = [model.subgraphs[0].tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        if any(type_of(tensor) in INTEGERS and tensor.quantization is not None for tensor in tensors):
            raise ModelError(
                f"{path}: is quantized already; hold it against its float original with "
                f"`export check {path.name} --reference FLOAT --images DIR`"
            )


def computed_names(model: Any) -> frozenset[str]:
    """Return the names of the tensors that a model computes, and of its inputs."""
    tensors = model.subgraphs[0].tensors
    computed = {int(i) for i in model.subgraphs[0].inputs}
    computed |= {index for operator in operators_of(model) for index in operator.outputs}
    return frozenset(name_of(tensors[index]) for index in computed)


def name_apart(model: Any) -> None:
    """Give tensors of the same name, or of none, names of their own: recipes and ranges go by name."""
    taken: set[str] = set()
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        name = name_of(tensor)
        if not name or name in taken:
            name = f"{name or 'tensor'}#{index}"
            tensor.name = name.encode()
        taken.add(name)


def widen_halves(model: Any) -> None:
    """Turn float16 constants that a DEQUANTIZE widens into float32 constants."""
    graph, gone = model.subgraphs[0], []
    for operator in operators_of(model):
        if operator.kind != "DEQUANTIZE":
            continue
        half, wide = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if type_of(half) == "FLOAT16" and is_constant(model, half):
            values = values_of(model, half)
            assert values is not None, "a constant of a known type has values"
            set_values(model, wide, values.astype(np.float32))
            gone.append(operator.place)
    remove_operators(model, gone)


def pad_within(model: Any, ranges: Mapping[str, tuple[float, float]]) -> None:
    """Pad for a maximum with the least value that was seen instead of minus infinity, which no scale can hold.

    Where all of a window lies below what calibration saw, int8 would have clipped it to that value anyway.
    """
    tensors = model.subgraphs[0].tensors
    for operator in operators_of(model):
        if operator.kind != "PADV2":
            continue
        filling = tensors[operator.inputs[2]]
        values, name = values_of(model, filling), name_of(tensors[operator.inputs[0]])
        if values is not None and values.size == 1 and values.min() < LOWEST and name in ranges:
            set_values(model, filling, np.full_like(values, ranges[name][0]))


def transpose_output(model: Any, name: str, order: tuple[int, ...]) -> None:
    """Append a TRANSPOSE to the output of a name; the transposed output takes the name over."""
    graph = model.subgraphs[0]
    place = next(i for i, index in enumerate(graph.outputs) if name_of(graph.tensors[index]) == name)
    source = int(graph.outputs[place])
    tensor = schema().TensorT()
    tensor.name, tensor.type, tensor.buffer = name.encode(), graph.tensors[source].type, 0
    tensor.shape = np.asarray([graph.tensors[source].shape[axis] for axis in order], np.int32)
    graph.tensors[source].name = f"{name}.untransposed".encode()
    graph.tensors.append(tensor)
    operator = schema().OperatorT()
    operator.opcodeIndex = code_index(model, "TRANSPOSE", TRANSPOSE_VERSION)
    operator.inputs = np.asarray([source, add_constant(model, f"{name}.order", np.asarray(order, np.int32))], np.int32)
    operator.outputs = np.asarray([graph.tensors.index(tensor)], np.int32)
    operator.builtinOptionsType = schema().BuiltinOptions.TransposeOptions
    operator.builtinOptions = schema().TransposeOptionsT()
    graph.operators.append(operator)
    graph.outputs = np.asarray([*graph.outputs[:place], operator.outputs[0], *graph.outputs[place + 1 :]], np.int32)
    for signature in model.signatureDefs or []:
        for entry in signature.outputs:
            if entry.tensorIndex == source:
                entry.tensorIndex = int(operator.outputs[0])


def order_that_agrees(values: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> tuple[int, ...] | None:
    """Return the order of axes in which `values` comes closest to `wanted`, None where no order has its shape."""
    if values.ndim != wanted.ndim:
        return None
    fitting = [order for order in permutations(range(values.ndim)) if values.transpose(order).shape == wanted.shape]
    if not fitting:
        return None
    return min(fitting, key=lambda order: float(np.abs(values.transpose(order) - wanted).max(initial=0)))
