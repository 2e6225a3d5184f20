"""Integer kernels where the quantizer knows only float ones.

litert-quantizer has no rule for some operators that LiteRT does run in int8, LEAKY_RELU among them: it leaves them in
float between a DEQUANTIZE and a QUANTIZE. Each such group becomes the one operator on the integers.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from export.quantize.litert.flatbuffer import code_index, operators_of, remove_operators, type_of

INTEGER_VERSIONS = {"LEAKY_RELU": 2, "RELU6": 2, "RELU_N1_TO_1": 2, "PRELU": 1}
"""Least version of an operator whose kernel takes int8 (tensorflow/lite/tools/versioning/op_version.cc)."""


def rejoin_integers(model: Any) -> int:
    """Join DEQUANTIZE, operator, QUANTIZE into the operator where int8 runs it; return how many were joined."""
    graph = model.subgraphs[0]
    operators = list(operators_of(model))
    makers = {index: operator for operator in operators for index in operator.outputs}
    readers = Counter(index for operator in operators for index in operator.inputs)
    readers.update(int(index) for index in graph.outputs)
    takers = {index: operator for operator in operators for index in operator.inputs}
    joined = 0
    for operator in operators:
        version = INTEGER_VERSIONS.get(operator.kind)
        if version is None or len(operator.inputs) != 1:
            continue
        before, after = makers.get(operator.inputs[0]), takers.get(operator.outputs[0])
        if before is None or after is None or (before.kind, after.kind) != ("DEQUANTIZE", "QUANTIZE"):
            continue
        source, target = before.inputs[0], after.outputs[0]
        if readers[operator.outputs[0]] != 1 or {type_of(graph.tensors[i]) for i in (source, target)} != {"INT8"}:
            continue
        inner = graph.operators[operator.place]
        inner.inputs[0], inner.outputs[0] = source, target
        inner.opcodeIndex = code_index(model, operator.kind, version)
        joined += 1
    _drop_unread(model)
    return joined


def _drop_unread(model: Any) -> None:
    """Take out QUANTIZE and DEQUANTIZE whose result is computed elsewhere or read by nobody."""
    graph = model.subgraphs[0]
    made: set[int] = set()
    for operator in operators_of(model):
        if operator.kind not in ("QUANTIZE", "DEQUANTIZE"):
            made.update(operator.outputs)
    read = {i for operator in operators_of(model) for i in operator.inputs} | {int(i) for i in graph.outputs}
    gone = [
        operator.place
        for operator in operators_of(model)
        if operator.kind in ("QUANTIZE", "DEQUANTIZE")
        and (operator.outputs[0] in made or operator.outputs[0] not in read)
    ]
    remove_operators(model, gone)
