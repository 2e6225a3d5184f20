"""The layers of a LiteRT model: what each multiplies, where the float tail begins, what is computed in int8.

>>> share_in_int8(read_flatbuffer(Path("detector.int8.tflite")))
1.0
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from export.quantize.litert.flatbuffer import Operator, is_constant, name_of, operators_of, type_of

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
WEIGHING = (*CONVOLUTIONS, "FULLY_CONNECTED", "BATCH_MATMUL")
WEIGHT_INPUT = 1
INT8 = ("INT8", "UINT8")


@dataclass(frozen=True)
class Layer:
    """An operator that multiplies by weights.

    Attributes:
        name: name of the tensor that it computes; what `keep_float` takes.
        kind: the schema's name of the operator.
        macs: multiply-adds of one run.
        weights: how many weights it has.
    """

    name: str
    kind: str
    macs: int
    weights: int


def layers_of(model: Any) -> tuple[Layer, ...]:
    """Return the layers of a model in the order in which they run."""
    tensors = model.subgraphs[0].tensors
    return tuple(
        Layer(name_of(tensors[operator.outputs[0]]), operator.kind, _macs(model, operator), _weights(model, operator))
        for operator in operators_of(model)
        if operator.kind in WEIGHING
    )


def share_in_int8(model: Any) -> float:
    """Return the share of a model's multiply-adds whose input and weights are both int8, 0..1."""
    tensors = model.subgraphs[0].tensors
    total = whole = 0
    for operator in operators_of(model):
        if operator.kind in WEIGHING:
            macs = _macs(model, operator)
            read = (type_of(tensors[operator.inputs[place]]) for place in _operands(operator))
            total += macs
            whole += macs * all(kind in INT8 for kind in read)
    return whole / total if total else 0.0


def float_tail(model: Any) -> tuple[str, ...]:
    """Return names of the operators behind the last convolutions: box decoding, pooling to a vector, the last concat.

    An operator belongs to the tail where no convolution depends on it and it is neither one itself nor multiplies
    by weights. Kept in float, no scale ever covers boxes and scores together.
    """
    tensors = model.subgraphs[0].tensors
    before_convolution: set[int] = set()
    tail: list[str] = []
    for operator in reversed(list(operators_of(model))):
        if operator.kind in CONVOLUTIONS or before_convolution.intersection(operator.outputs):
            before_convolution.update(operator.inputs)
        elif operator.kind not in WEIGHING:
            tail.append(name_of(tensors[operator.outputs[0]]))
    return tuple(reversed(tail))


def with_members(model: Any, names: Collection[str]) -> tuple[str, ...]:
    """Return the names of layers with those of all that belongs to them, up to the next layer: their activations.

    A layer in float whose activation were int8 would have its result rounded before the activation: with SiLU, which
    LiteRT computes as two operators, nothing would be gained. An operator belongs to the latest layer that it takes
    something from, as in `export.quantize.layers`.
    """
    tensors = model.subgraphs[0].tensors
    owners: dict[int, tuple[int, str]] = {}
    kept: list[str] = []
    for position, operator in enumerate(operators_of(model)):
        name = name_of(tensors[operator.outputs[0]])
        taken = [owners[index] for index in operator.inputs if index in owners]
        owner = (position, name) if operator.kind in WEIGHING else max(taken, default=None)
        if owner is not None:
            owners.update(dict.fromkeys(operator.outputs, owner))
            kept += [name] if owner[1] in names else []
    return tuple(kept)


def shared_scales(model: Any) -> tuple[str, ...]:
    """Return names of the outputs that gather several last layers under one scale: a concat of boxes and scores."""
    tensors = model.subgraphs[0].tensors
    makers = {index: operator for operator in operators_of(model) for index in operator.outputs}
    return tuple(
        name_of(tensors[index]) for index in model.subgraphs[0].outputs if _gathers_unlike(makers, int(index), tensors)
    )


def _gathers_unlike(makers: dict[int, Operator], index: int, tensors: Any) -> bool:
    """Follow an output backwards to the first operator that is not mere arrangement; a concat of unlike things counts.

    Levels of a pyramid that are concatenated along the places are alike; boxes and scores, along the channels, are not:
    they come by different operators or have different depths.
    """
    operator = makers.get(index)
    while operator is not None and operator.kind in ("RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS"):
        operator = makers.get(operator.inputs[0])
    if operator is None or operator.kind != "CONCATENATION":
        return False
    parts = [makers[i] for i in operator.inputs if i in makers]
    kinds = {part.kind for part in parts}
    if len(kinds) > 1:
        return True
    return any(_gathers_unlike(makers, i, tensors) for i in operator.inputs)


def _operands(operator: Operator) -> tuple[int, int]:
    return (2, WEIGHT_INPUT) if operator.kind == "TRANSPOSE_CONV" else (0, WEIGHT_INPUT)


def _weights(model: Any, operator: Operator) -> int:
    weight = model.subgraphs[0].tensors[operator.inputs[WEIGHT_INPUT]]
    return int(np.prod(weight.shape)) if is_constant(model, weight) else 0


def _macs(model: Any, operator: Operator) -> int:
    """Return multiply-adds: the places of the output times the weights that each takes."""
    tensors = model.subgraphs[0].tensors
    out, weight = tensors[operator.outputs[0]].shape, tensors[operator.inputs[WEIGHT_INPUT]].shape
    if operator.kind == "TRANSPOSE_CONV":
        return int(np.prod(tensors[operator.inputs[2]].shape[1:3]) * np.prod(weight))
    if operator.kind in CONVOLUTIONS:
        return int(np.prod(out[:3]) * np.prod(weight))
    if operator.kind == "BATCH_MATMUL":
        return int(np.prod(out) * tensors[operator.inputs[0]].shape[-1])
    return int(np.prod(out[:-1]) * np.prod(weight))
