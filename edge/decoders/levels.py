"""Levels of a pyramid: which outputs belong to which stride, told by their shapes.

An output of a level is a list (1, N, c), one row for each cell, or a map (1, c, h, w) or (1, h, w, c).

    >>> levels_by_shape((320, 320), outputs)
    {8: [TensorSpec("443", (1, 1600, 80)), TensorSpec("448", (1, 1600, 32))], 16: [...], 32: [...]}
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.family import Decoding, Outputs, cell_centres
from edge.detections import Float32s, require_shape
from edge.inference import TensorSpec

STRIDES = (4, 8, 16, 32, 64, 128)


def levels_by_shape(size_wh: tuple[int, int], outputs: Sequence[TensorSpec]) -> dict[int, list[TensorSpec]]:
    """Group the outputs of a model by stride, finest first; empty where one of them fits no stride."""
    levels: dict[int, list[TensorSpec]] = {stride: [] for stride in STRIDES}
    for spec in outputs:
        fitting = [stride for stride in STRIDES if columns(spec, size_wh, stride) is not None]
        if not fitting:
            return {}
        levels[fitting[0]].append(spec)
    return {stride: specs for stride, specs in levels.items() if specs}


def columns(spec: TensorSpec, size_wh: tuple[int, int], stride: int) -> int | None:
    """Return how many numbers each cell of a level has in this output, None if the output is of another level."""
    width, height = grid_wh(size_wh, stride)
    match spec.shape:
        case (_, cells, depth) if cells == width * height:
            return depth
        case (_, depth, rows, across) if (rows, across) == (height, width):
            return depth
        case (_, rows, across, depth) if (rows, across) == (height, width):
            return depth
    return None


def grid_wh(size_wh: tuple[int, int], stride: int) -> tuple[int, int]:
    """Return columns and rows of a level."""
    return -(-size_wh[0] // stride), -(-size_wh[1] // stride)


def level_rows(outputs: Outputs, role: str, stride: int, decoding: Decoding, input_wh: tuple[int, int]) -> Float32s:
    """Return one output of one level as (N, c), cells row by row.

    Raises:
        ValueError: its shape is not that of the level.
    """
    output = outputs[decoding.outputs[f"{role}_{stride}"]]
    width, height = grid_wh(input_wh, stride)
    if output.ndim != 4:
        require_shape(f"{role}_{stride}", output, (1, len(cell_centres(input_wh, (stride,))), None))
        return np.asarray(output[0], np.float32)
    if output.shape[2:] == (height, width):
        return np.asarray(output[0].reshape(output.shape[1], -1).T, np.float32)
    require_shape(f"{role}_{stride}", output, (1, height, width, None))
    return np.asarray(output[0].reshape(width * height, -1), np.float32)
