"""What a TFLite file says about itself: tensors, operators, and the metadata that TFLite's own tools write into it.

A TFLite file is a flatbuffer (tensorflow/lite/schema/schema.fbs); its metadata is a second flatbuffer inside
(tflite-support, metadata_schema.fbs), and the files that the metadata names lie in a zip at the end of the file.
Field numbers below are those of the two schemas.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path

from flatbuffers.number_types import Float32Flags, Int8Flags, Int32Flags, UOffsetTFlags
from flatbuffers.table import Table

from edge.errors import ModelError

MODEL_OPERATOR_CODES, MODEL_SUBGRAPHS, MODEL_BUFFERS, MODEL_METADATA = 1, 2, 4, 6
SUBGRAPH_TENSORS, SUBGRAPH_OUTPUTS, SUBGRAPH_OPERATORS = 0, 2, 3
TENSOR_SHAPE, TENSOR_TYPE, TENSOR_BUFFER, TENSOR_NAME = 0, 1, 2, 3
CODE_DEPRECATED, CODE_CUSTOM, CODE_BUILTIN = 0, 1, 3
OPERATOR_CODE, OPERATOR_INPUTS, OPERATOR_OUTPUTS = 0, 1, 2
METADATA_NAME, METADATA_BUFFER = 0, 1
SUBGRAPH_INPUT_METADATA, TENSOR_PROCESS_UNITS = 2, 4
MODEL_SUBGRAPH_METADATA = 3
UNIT_KIND, UNIT_OPTIONS, NORMALIZATION = 0, 1, 1
FLOAT32, FLOAT16, UINT8, INT16, INT8, INT4 = 0, 1, 3, 7, 9, 17
INTEGERS = {UINT8, INT8, INT16, INT4}
OPERATOR_NAMES = {
    3: "CONV_2D",
    4: "DEPTHWISE_CONV_2D",
    6: "DEQUANTIZE",
    9: "FULLY_CONNECTED",
    14: "LOGISTIC",
    25: "SOFTMAX",
    32: "CUSTOM",
    50: "LOG_SOFTMAX",
    56: "ARG_MAX",
    67: "TRANSPOSE_CONV",
    126: "BATCH_MATMUL",
}
WEIGHING = {
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "BATCH_MATMUL": (0, 1),
    "TRANSPOSE_CONV": (2, 1),
}
"""Which inputs of an operator are its activation and its weight."""
ELEMENT_BYTES = {FLOAT16: 2, UINT8: 1, INT16: 2, INT8: 1, INT4: 1}
LABEL_SUFFIX = ".txt"
DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError)
"""What reading at a place that is none raises."""


@dataclass(frozen=True)
class TfliteFacts:
    """What a TFLite file says about itself.

    Attributes:
        quantization: "float", "static", "dynamic", "weight_only" or "fp16".
        makers: name of an output tensor -> operator that computes it, as far as it matters here.
        labels: the first list of labels in the zip at the end of the file, empty if none.
        mean: normalisation of the first input, pixel units, empty if the metadata says none.
        std: likewise.
        int8_layers: how many convolutions and matrix products take integer activations and weights.
        layers: how many there are.
    """

    quantization: str
    makers: dict[str, str]
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    int8_layers: int = 0
    layers: int = 0


def describe_tflite(path: Path) -> TfliteFacts:
    """Read a TFLite file without running it.

    Raises:
        ModelError: an offset in the file leads nowhere.
    """
    content = path.read_bytes()
    try:
        model = _root(content)
        mean, std = _normalization(model)
        kinds = _layers(model)
        scheme = _quantization(model, kinds)
        return TfliteFacts(scheme, _makers(model), _labels(path), mean, std, kinds["static"], kinds.total())
    except DAMAGE as e:
        raise ModelError(f"{path}: this TFLite file is damaged ({type(e).__name__}: {e})") from e


def largest_tensor_bytes(path: Path) -> int:
    """Return the length of the largest tensor of a TFLite file, as its shape in the file says; open sides count as 1.

    Raises:
        ModelError: an offset in the file leads nowhere.
    """
    try:
        graphs = _tables(_root(path.read_bytes()), MODEL_SUBGRAPHS)
        tensors = [tensor for graph in graphs for tensor in _tables(graph, SUBGRAPH_TENSORS)]
        return max((_tensor_bytes(tensor) for tensor in tensors), default=0)
    except DAMAGE as e:
        raise ModelError(f"{path}: this TFLite file is damaged ({type(e).__name__}: {e})") from e


def _tensor_bytes(tensor: Table) -> int:
    shape = (max(int(side), 1) for side in _vector(tensor, TENSOR_SHAPE))
    return prod(shape) * ELEMENT_BYTES.get(_number(tensor, TENSOR_TYPE, Int8Flags), 4)


def _root(content: bytes, start: int = 0) -> Table:
    return Table(content, start + struct.unpack_from("<I", content, start)[0])


def _field(table: Table, number: int) -> int:
    """Return where a field's value lies, 0 if it is absent."""
    offset = int(table.Offset(4 + 2 * number))
    return offset and offset + int(table.Pos)


def _number(table: Table, number: int, flags: type = Int32Flags, default: int = 0) -> int:
    place = _field(table, number)
    return int(table.Get(flags, place)) if place else default


def _text(table: Table, number: int) -> str:
    place = _field(table, number)
    return bytes(table.String(place)).decode("utf-8", "replace") if place else ""


def _tables(table: Table, number: int) -> list[Table]:
    offset = table.Offset(4 + 2 * number)
    if not offset:
        return []
    first, length = table.Vector(offset), table.VectorLen(offset)
    return [Table(table.Bytes, table.Indirect(first + 4 * i)) for i in range(length)]


def _vector(table: Table, number: int, flags: type = Int32Flags) -> list[float]:
    offset = table.Offset(4 + 2 * number)
    if not offset:
        return []
    first, length = table.Vector(offset), table.VectorLen(offset)
    if first + length * flags.bytewidth > len(table.Bytes):  # type: ignore[attr-defined]
        raise ValueError("a vector reaches past the end of the file")
    return [table.Get(flags, first + i * flags.bytewidth) for i in range(length)]  # type: ignore[attr-defined]


def _buffer_length(buffer: Table) -> int:
    offset = buffer.Offset(4)
    return int(buffer.VectorLen(offset)) if offset else 0


def _quantization(model: Table, layers: Counter[str]) -> str:
    """Tell the scheme by the layers, or, where there are none, by what most constants and computed tensors are."""
    constants, computed = _values_by_type(model)
    for scheme in ("static", "dynamic", "weight_only"):
        if layers[scheme]:
            return scheme
    whole = sum(computed[kind] for kind in INTEGERS)
    if not layers and whole > computed[FLOAT32] + computed[FLOAT16]:
        return "static"
    if not layers and sum(constants[kind] for kind in INTEGERS) > constants[FLOAT32] + constants[FLOAT16]:
        return "dynamic"
    return "fp16" if constants[FLOAT16] > constants[FLOAT32] else "float"


def _values_by_type(model: Table) -> tuple[Counter[int], Counter[int]]:
    """Return bytes of constants, and numbers of computed tensors, by type."""
    lengths = [_buffer_length(buffer) for buffer in _tables(model, MODEL_BUFFERS)]
    constants: Counter[int] = Counter()
    computed: Counter[int] = Counter()
    for graph in _tables(model, MODEL_SUBGRAPHS):
        for tensor in _tables(graph, SUBGRAPH_TENSORS):
            kind = _number(tensor, TENSOR_TYPE, Int8Flags)
            length = lengths[_number(tensor, TENSOR_BUFFER, UOffsetTFlags)]
            (constants if length else computed)[kind] += length or 1
    return constants, computed


def _layers(model: Table) -> Counter[str]:
    """Count convolutions and matrix products by how they compute: static, dynamic, weight_only or float."""
    codes = [_operator_name(code) for code in _tables(model, MODEL_OPERATOR_CODES)]
    counted: Counter[str] = Counter()
    for graph in _tables(model, MODEL_SUBGRAPHS):
        types = [_number(tensor, TENSOR_TYPE, Int8Flags) for tensor in _tables(graph, SUBGRAPH_TENSORS)]
        made_float: dict[int, int] = {}
        for operator in _tables(graph, SUBGRAPH_OPERATORS):
            name = codes[_number(operator, OPERATOR_CODE, UOffsetTFlags)]
            inputs = [int(index) for index in _vector(operator, OPERATOR_INPUTS)]
            if name == "DEQUANTIZE":
                made_float |= {int(out): types[inputs[0]] for out in _vector(operator, OPERATOR_OUTPUTS)}
            elif name in WEIGHING and len(inputs) > max(WEIGHING[name]):
                activation, weight = (inputs[place] for place in WEIGHING[name])
                counted[_layer_scheme(types[activation], types[weight], made_float.get(weight))] += 1
    return counted


def _layer_scheme(activation: int, weight: int, weight_before: int | None) -> str:
    if weight in INTEGERS:
        return "static" if activation in INTEGERS else "dynamic"
    return "weight_only" if weight_before in INTEGERS else "float"


def _makers(model: Table) -> dict[str, str]:
    codes = [_operator_name(code) for code in _tables(model, MODEL_OPERATOR_CODES)]
    makers: dict[str, str] = {}
    for graph in _tables(model, MODEL_SUBGRAPHS)[:1]:
        names = [_text(tensor, TENSOR_NAME) for tensor in _tables(graph, SUBGRAPH_TENSORS)]
        for operator in _tables(graph, SUBGRAPH_OPERATORS):
            name = codes[_number(operator, OPERATOR_CODE, UOffsetTFlags)]
            makers |= {names[int(index)]: name for index in _vector(operator, OPERATOR_OUTPUTS)}
    return makers


def _operator_name(code: Table) -> str:
    number = max(_number(code, CODE_DEPRECATED, Int8Flags), _number(code, CODE_BUILTIN))
    return _text(code, CODE_CUSTOM) or OPERATOR_NAMES.get(number, f"operator {number}")


def _normalization(model: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for entry in _tables(model, MODEL_METADATA):
        if _text(entry, METADATA_NAME) != "TFLITE_METADATA":
            continue
        buffer = _tables(model, MODEL_BUFFERS)[_number(entry, METADATA_BUFFER, UOffsetTFlags)]
        start = buffer.Vector(buffer.Offset(4))
        for graph in _tables(_root(model.Bytes, start), MODEL_SUBGRAPH_METADATA)[:1]:
            for tensor in _tables(graph, SUBGRAPH_INPUT_METADATA)[:1]:
                return _of_units(tensor)
    return (), ()


def _of_units(tensor: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
    for unit in _tables(tensor, TENSOR_PROCESS_UNITS):
        if _number(unit, UNIT_KIND, Int8Flags) == NORMALIZATION:
            options = Table(unit.Bytes, unit.Indirect(_field(unit, UNIT_OPTIONS)))
            mean, std = _vector(options, 0, Float32Flags), _vector(options, 1, Float32Flags)
            return _three(mean), _three(std)
    return (), ()


def _three(numbers: list[float]) -> tuple[float, ...]:
    return tuple(numbers * 3 if len(numbers) == 1 else numbers)


def _labels(path: Path) -> tuple[str, ...]:
    """Return the labels in the zip at the end of the file, English ones first; without a whole zip there are none."""
    try:
        with zipfile.ZipFile(path) as archive:
            lists = [e for e in archive.infolist() if e.filename.endswith(LABEL_SUFFIX) and e.file_size < 1 << 20]
            if not lists:
                return ()
            chosen = max(lists, key=lambda e: ("-en" in e.filename, "label" in e.filename))
            lines = archive.read(chosen).decode("utf-8", "replace").splitlines()
            return tuple(line.strip() or "?" for line in lines)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError):
        return ()
