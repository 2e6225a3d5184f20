"""YOLOX raw grid: every cell predicts one box, objectness and one score for each class.

Output: (1, N, 5 + c): x and y of the centre in cells from the cell's corner, log of width and height in units of
the stride, objectness and class scores, both already through a sigmoid. Levels follow each other, row-major.
Confidence is objectness times class score.

Source: Ge et al., YOLOX: Exceeding YOLO Series in 2021 (arXiv 2107.08430); github.com/Megvii-BaseDetection/YOLOX,
exported without `--decode_in_inference`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.family import (
    Decoding,
    Family,
    Outputs,
    Recognised,
    candidates,
    cell_centres,
    centres_to_xyxy,
    image_input,
)
from edge.detections import Detections, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

STRIDES = (8, 16, 32)
COLUMNS_OF_YOLOV8_COCO = 84


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the raw grid; see `Family.decode`."""
    grid = outputs[decoding.outputs["grid"]]
    cells = cell_centres(input_wh, decoding.strides)
    require_shape("grid", grid, (1, len(cells), None))
    if grid.shape[2] < 6:
        raise ValueError(f"grid must have 5 columns and one for each class, has {grid.shape[2]}")
    rows, confidence, class_id = candidates(grid[0, :, 4:5] * grid[0, :, 5:], decoding.score_threshold)
    stride = cells[rows, 2:]
    centre = (grid[0, rows, :2] + cells[rows, :2]) * stride
    size = np.exp(np.minimum(grid[0, rows, 2:4], 20)) * stride
    return Detections.of(centres_to_xyxy(np.concatenate([centre, size], axis=1)), confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output with one row for each cell of three levels.

    Four levels are left to a sidecar: NanoDet-Plus has the same shape.
    """
    picture = image_input(inputs)
    if picture is None or len(outputs) != 1 or len(outputs[0].shape) != 3:
        return None
    (layout, size_wh), (_, rows, columns) = picture, outputs[0].shape
    if not columns or columns < 6 or columns == COLUMNS_OF_YOLOV8_COCO:
        return None
    if rows != len(cell_centres(size_wh, STRIDES)):
        return None
    rule = Preprocessing(size_wh, anchor="top_left", colour="BGR", layout=layout)
    decoding = Decoding("yolox", {"grid": outputs[0].name}, STRIDES)
    return Recognised(decoding, rule, "BGR, values 0..255, letterbox at the top left with 114")


FAMILY = Family("yolox", "Ge et al. 2021, arXiv 2107.08430", ("grid",), decode, recognise)
