"""TFLite files as objects: read, mended where they are older than the quantizer, and written.

A TFLite file is a flatbuffer (tensorflow/lite/schema/schema.fbs). Everything here works on the schema's own object
tree, the first subgraph of it: the models of this kit have one.

    >>> model = read_flatbuffer(Path("detector.tflite"))
    >>> [operator.kind for operator in operators_of(model)][:2]
    ['CONV_2D', 'DEPTHWISE_CONV_2D']
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.errors import MissingExtra, ModelError, OutputError
from edge.inference.tflite_session import require_identifier

TYPES = {"FLOAT32": np.float32, "FLOAT16": np.float16, "INT32": np.int32, "INT8": np.int8, "UINT8": np.uint8}
BUILT_IN_PLACEHOLDER = 127
"""`deprecatedBuiltinCode` of operators whose number does not fit into it."""


@dataclass(frozen=True)
class Operator:
    """One operator: its place in the subgraph, what it is, and the tensors that it reads and writes, by index."""

    place: int
    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@cache
def schema() -> Any:
    """Return the module of the schema's classes.

    Raises:
        MissingExtra: LiteRT is not installed.
    """
    try:
        from ai_edge_litert import schema_py_generated
    except ImportError as e:
        raise MissingExtra("LiteRT, which reads and writes .tflite files,", "quantize") from e
    return schema_py_generated


def read_flatbuffer(path: Path) -> Any:
    """Read a TFLite file as the schema's `ModelT`, operators under their present numbers.

    Raises:
        ModelError: not a TFLite file, damaged, or with more than one subgraph.
    """
    require_identifier(path)
    try:
        model = schema().ModelT.InitFromPackedBuf(bytearray(path.read_bytes()), 0)
    except MissingExtra:
        raise
    except Exception as e:  # whatever a wrong offset leads to
        raise ModelError(f"{path}: this TFLite file is damaged ({type(e).__name__})") from e
    if len(model.subgraphs or []) != 1:
        raise ModelError(f"{path}: has {len(model.subgraphs or [])} subgraphs, models with one can be quantized")
    for code in model.operatorCodes:
        code.builtinCode = max(code.builtinCode, code.deprecatedBuiltinCode)
    _take_in_appended(model, path)
    return model


def _take_in_appended(model: Any, path: Path) -> None:
    """Move constants that lie behind the flatbuffer into it: tflite-runtime 2.14 does not look for them there."""
    whole = None
    for buffer in model.buffers:
        if buffer.offset > 1:
            whole = path.read_bytes() if whole is None else whole
            buffer.data = np.frombuffer(whole, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def write_flatbuffer(model: Any, path: Path) -> None:
    """Write a model whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    drop_unused(model)
    for code in model.operatorCodes:
        code.deprecatedBuiltinCode = min(code.builtinCode, BUILT_IN_PLACEHOLDER)
    builder = _sharing_builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    write_bytes(path, bytes(builder.Output()))


def _sharing_builder(size: int) -> Any:
    """Return a builder that writes equal lists of numbers once: shapes, and the zero points of every layer's channels.

    Flatbuffers are read by offsets, and two tables may name the same list. Zero points alone are 8 bytes a channel, all
    zero: a tenth of a small int8 file. Bytes are left alone, they are values of constants with an alignment of theirs.
    """
    import flatbuffers

    class Sharing(flatbuffers.Builder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(size)
            self.written: dict[tuple[str, bytes], int] = {}

        def CreateNumpyVector(self, values: npt.NDArray[Any]) -> int:
            if values.dtype.itemsize == 1:
                return int(super().CreateNumpyVector(values))
            key = values.dtype.str, values.tobytes()
            if key not in self.written:
                self.written[key] = int(super().CreateNumpyVector(values))
            return self.written[key]

    return Sharing()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its place, then move it there.

    Raises:
        OutputError: the disk is full, or the folder cannot be written.
    """
    beside = path.with_name(path.name + ".part")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as e:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written ({e.strerror or e})") from e


def operators_of(model: Any) -> Iterator[Operator]:
    """Yield the operators of a model in the order in which they run."""
    for place, operator in enumerate(model.subgraphs[0].operators):
        code = model.operatorCodes[operator.opcodeIndex]
        reads = tuple(int(i) for i in _indices(operator.inputs))
        yield Operator(place, kind_of(code), code.version, reads, tuple(int(i) for i in _indices(operator.outputs)))


def kind_of(code: Any) -> str:
    """Return the schema's name of an operator code, such as "CONV_2D"."""
    return _kinds().get(code.builtinCode, f"operator {code.builtinCode}")


@cache
def _kinds() -> dict[int, str]:
    numbers = vars(schema().BuiltinOperator)
    return {number: name for name, number in numbers.items() if isinstance(number, int)}


@cache
def _type_names() -> dict[int, str]:
    return {number: name for name, number in vars(schema().TensorType).items() if isinstance(number, int)}


def type_of(tensor: Any) -> str:
    """Return the schema's name of a tensor's type, such as "FLOAT32"."""
    return _type_names()[tensor.type]


def name_of(tensor: Any) -> str:
    """Return the name of a tensor."""
    return tensor.name.decode("utf-8", "replace") if isinstance(tensor.name, bytes) else str(tensor.name or "")


def values_of(model: Any, tensor: Any) -> npt.NDArray[Any] | None:
    """Return the values of a constant, None for what is computed or has a type that is not needed here."""
    data = model.buffers[tensor.buffer].data
    kind = TYPES.get(type_of(tensor))
    if data is None or not len(data) or kind is None:
        return None
    shape = [int(side) for side in _indices(tensor.shape)]
    return np.frombuffer(np.asarray(data, np.uint8).tobytes(), kind).reshape(shape)


def is_constant(model: Any, tensor: Any) -> bool:
    """Return whether a tensor's values lie in the file."""
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def set_values(model: Any, tensor: Any, values: npt.NDArray[Any]) -> None:
    """Give a tensor values of its own; other tensors that shared its buffer keep theirs."""
    buffer = schema().BufferT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    model.buffers.append(buffer)
    tensor.buffer = len(model.buffers) - 1


def add_constant(model: Any, name: str, values: npt.NDArray[Any]) -> int:
    """Add a constant and return its index among the tensors."""
    tensor = schema().TensorT()
    tensor.name, tensor.shape = name.encode(), np.asarray(values.shape, np.int32)
    tensor.type = next(number for number, kind in _type_names().items() if TYPES.get(kind) == values.dtype)
    set_values(model, tensor, values)
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def code_index(model: Any, kind: str, version: int) -> int:
    """Return the index of an operator code, adding it where the model has none of that version."""
    number = getattr(schema().BuiltinOperator, kind)
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == number and code.version == version:
            return index
    code = schema().OperatorCodeT()
    code.builtinCode, code.version = number, version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def remove_operators(model: Any, places: Sequence[int]) -> None:
    """Take operators out; their tensors stay, unread."""
    gone = set(places)
    graph = model.subgraphs[0]
    graph.operators = [operator for place, operator in enumerate(graph.operators) if place not in gone]


def drop_unused(model: Any) -> None:
    """Drop the tensors that no operator, input or output names, the buffers of theirs, and unused operator codes."""
    graph = model.subgraphs[0]
    places = [_indices(values) for values in (graph.inputs, graph.outputs)]
    places += [_indices(ends) for operator in graph.operators for ends in (operator.inputs, operator.outputs)]
    kept = sorted({int(i) for indices in places for i in indices if i >= 0})
    new = {old: place for place, old in enumerate(kept)} | {-1: -1}
    graph.tensors = [graph.tensors[i] for i in kept]
    graph.inputs, graph.outputs = _renumbered(graph.inputs, new), _renumbered(graph.outputs, new)
    for operator in graph.operators:
        operator.inputs, operator.outputs = _renumbered(operator.inputs, new), _renumbered(operator.outputs, new)
    for signature in model.signatureDefs or []:
        for entry in (*(signature.inputs or []), *(signature.outputs or [])):
            entry.tensorIndex = new[int(entry.tensorIndex)]
    _share_buffers(model)
    used = sorted({operator.opcodeIndex for operator in graph.operators})
    model.operatorCodes = [model.operatorCodes[i] for i in used]
    for operator in graph.operators:
        operator.opcodeIndex = used.index(operator.opcodeIndex)


def _share_buffers(model: Any) -> None:
    """Number the buffers anew, equal ones once; the first stays empty and is everybody's who has no values."""
    empty = schema().BufferT()
    buffers, numbers = [empty], dict[bytes, int]()
    for tensor in model.subgraphs[0].tensors:
        if not is_constant(model, tensor):
            tensor.buffer = 0
            continue
        buffer = model.buffers[tensor.buffer]
        content = np.asarray(buffer.data, np.uint8).tobytes()
        if content not in numbers:
            numbers[content] = len(buffers)
            buffers.append(buffer)
        tensor.buffer = numbers[content]
    for entry in model.metadata or []:
        buffers.append(model.buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    model.buffers = buffers


def _renumbered(indices: Any, new: dict[int, int]) -> Any:
    return np.asarray([new[int(i)] for i in _indices(indices)], np.int32)


def _indices(values: Any) -> Sequence[int]:
    return [] if values is None else values
