"""YOLOv8 layout: anchor-free heads decoded by the exporter, one column for each cell of all levels.

Output: `predictions` (1, 4 + c, N), or transposed (1, N, 4 + c): centre x, centre y, width, height, then class scores
0..1. Masks and keypoints may follow the classes. Options:

    classes        columns that are classes (default: all after the box)
    normalized     true: shares of the input's sides; false: pixels; left out: the values tell

Source: the layout that the YOLOv8 exporter writes, as documented by ONNX Runtime's and OpenVINO's own examples; the
head is that of Li et al. 2020 (arXiv 2006.04388) after its softmax.
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
    pixels_per_unit,
)
from edge.detections import Detections, Float32s, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32))
COLUMNS_OF_COCO = 84
MASK_COLUMNS = 32


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the predictions; see `Family.decode`."""
    rows = as_rows(outputs, decoding, input_wh, per_cell=1)
    classes = class_columns(rows, 4, decoding)
    kept, confidence, class_id = candidates(classes, decoding.score_threshold)
    xyxy = centres_to_xyxy(rows[kept, :4]) * pixels_per_unit(rows[:, :4], decoding, input_wh)
    return Detections.of(xyxy, confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one column for each cell; with cells first, only the 84 columns of COCO or the 5 of one class.

    Cells first with other columns is YOLOX's shape as well, and needs a sidecar.
    """
    found = recognise_predictions(inputs, outputs, per_cell=1, before_classes=4)
    if found is None:
        return None
    columns, cells_first, decoding, rule = found
    if cells_first and columns not in (COLUMNS_OF_COCO, 5):
        return None
    return Recognised(Decoding("yolov8", *decoding), rule, "RGB, values / 255, letterbox with 114")


def as_rows(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int], per_cell: int) -> Float32s:
    """Return the predictions as (N, columns): strides tell which side is N, without them the longer one is."""
    output = outputs[decoding.outputs["predictions"]]
    require_shape("predictions", output, (1, None, None))
    cells = per_cell * len(cell_centres(input_wh, decoding.strides))
    if cells and cells not in output.shape[1:]:
        raise ValueError(f"predictions must have {cells} rows or columns for strides {decoding.strides}")
    rows_last = output.shape[2] == cells if cells else output.shape[2] > output.shape[1]
    return np.asarray(output[0].T if rows_last else output[0], np.float32)


def class_columns(rows: Float32s, first: int, decoding: Decoding) -> Float32s:
    """Return the (N, c) columns of classes, which start at `first`."""
    left = rows.shape[1] - first
    count = decoding.option("classes", left, int)
    if not 1 <= count <= left:
        raise ValueError(f"predictions must have {first} columns and one for each class, have {rows.shape[1]}")
    return rows[:, first : first + count]


def recognise_predictions(
    inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], per_cell: int, before_classes: int
) -> tuple[int, bool, tuple[dict[str, str], tuple[int, ...], dict[str, int]], Preprocessing] | None:
    """Read predictions and, if there are any, the prototypes of masks.

    Returns:
        Columns, whether cells come first, outputs and strides and options of the decoding, the preprocessing.
    """
    picture = image_input(inputs)
    rows = [spec for spec in outputs if len(spec.shape) == 3]
    prototypes = [spec for spec in outputs if len(spec.shape) == 4 and MASK_COLUMNS in spec.shape]
    if picture is None or len(rows) != 1 or len(rows) + len(prototypes) != len(outputs) or len(prototypes) > 1:
        return None
    layout, size_wh = picture
    _, a, b = rows[0].shape
    for strides in STRIDES:
        cells = per_cell * len(cell_centres(size_wh, strides))
        if cells not in (a, b) or a is None or b is None:
            continue
        columns = a if b == cells else b
        classes = columns - before_classes - MASK_COLUMNS * len(prototypes)
        if classes < 1:
            return None
        options = {"classes": classes} if prototypes else {}
        rule = Preprocessing(size_wh, layout=layout, std=(255.0,) * 3)
        return columns, b != cells, ({"predictions": rows[0].name}, strides, options), rule
    return None


FAMILY = Family(
    "yolov8",
    "the layout of the YOLOv8 exporter; arXiv 2006.04388",
    ("predictions",),
    decode,
    recognise,
    options=("classes", "normalized"),
)
