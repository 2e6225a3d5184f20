"""Versions of TFLite operators: what a file must state, and what an old runtime has.

litert-quantizer keeps the versions of the float model, though int8 needs newer ones: such a file looks as if it suited
a runtime whose kernels then refuse it.
"""

from __future__ import annotations

from typing import Any

from export.quantize.litert.flatbuffer import code_index, operators_of, type_of

INT8_SINCE = {
    "ADD": 2,
    "AVERAGE_POOL_2D": 2,
    "CONCATENATION": 2,
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "DEQUANTIZE": 2,
    "EXP": 2,
    "FULLY_CONNECTED": 4,
    "GATHER": 2,
    "LEAKY_RELU": 2,
    "LOG": 2,
    "LOGISTIC": 2,
    "MAXIMUM": 2,
    "MAX_POOL_2D": 2,
    "MEAN": 2,
    "MUL": 2,
    "PAD": 2,
    "PADV2": 2,
    "RELU": 2,
    "RESIZE_BILINEAR": 2,
    "RESIZE_NEAREST_NEIGHBOR": 2,
    "SLICE": 2,
    "SOFTMAX": 2,
    "SPLIT": 2,
    "SQRT": 2,
    "STRIDED_SLICE": 2,
    "SUB": 2,
    "SUM": 2,
    "TRANSPOSE": 2,
}
"""First version of an operator that takes int8 (tensorflow/lite/tools/versioning/op_version.cc)."""
REQUANTIZING = 2
"""First version of QUANTIZE whose input is itself quantized."""
IN_TFLITE_RUNTIME_2_14 = {
    "ADD": 5,
    "AVERAGE_POOL_2D": 3,
    "CONCATENATION": 4,
    "CONV_2D": 7,
    "DEPTHWISE_CONV_2D": 7,
    "DEQUANTIZE": 5,
    "DIV": 2,
    "EXP": 2,
    "FULLY_CONNECTED": 10,
    "GATHER": 6,
    "LEAKY_RELU": 2,
    "LOGISTIC": 3,
    "MAXIMUM": 4,
    "MAX_POOL_2D": 3,
    "MEAN": 3,
    "MUL": 7,
    "PAD": 4,
    "PADV2": 4,
    "QUANTIZE": 3,
    "RELU": 3,
    "RESIZE_BILINEAR": 4,
    "RESIZE_NEAREST_NEIGHBOR": 4,
    "SLICE": 6,
    "SOFTMAX": 3,
    "SPLIT": 4,
    "STRIDED_SLICE": 8,
    "SUB": 5,
    "SUM": 2,
    "TRANSPOSE": 6,
}
"""Newest version of an operator that the wheel of tflite-runtime 2.14 registers, asked of the wheel itself by loading a
model under each version; an operator that is not listed is taken to have version 1 alone."""


def state_versions(model: Any) -> None:
    """Raise the versions of operators that compute in int8 to the first that does."""
    tensors = model.subgraphs[0].tensors
    for operator in operators_of(model):
        least = 1
        if type_of(tensors[operator.inputs[0]]) in ("INT8", "UINT8"):
            least = REQUANTIZING if operator.kind == "QUANTIZE" else INT8_SINCE.get(operator.kind, 1)
        if operator.version < least:
            index = code_index(model, operator.kind, least)
            model.subgraphs[0].operators[operator.place].opcodeIndex = index


def newer_than_2_14(model: Any) -> tuple[str, ...]:
    """Return the operators of a model that tflite-runtime 2.14 lacks, such as "FULLY_CONNECTED version 12"."""
    newer = {
        f"{operator.kind} version {operator.version}"
        for operator in operators_of(model)
        if operator.version > IN_TFLITE_RUNTIME_2_14.get(operator.kind, 1)
    }
    return tuple(sorted(newer))
