"""Suppression inside the model, everything in one output: a row for each object.

Output: `rows` (1, n, 6) or (n, 6) with n fixed or not, rows beyond the last object being zeros; or 7 columns, with the
number of the picture in the batch or the like in one that is not read. Options:

    columns        what the columns are: "xyxy,score,class" (default of 6), "xyxy,class,score", "class,score,xyxy",
                   "skip,xyxy,class,score" (default of 7), "skip,class,score,xyxy"
    normalized     true: shares of the input's sides; false: pixels; left out: the values tell

Source: Wang et al., YOLOv10: Real-Time End-to-End Object Detection, 2024 (arXiv 2405.14458; 300 rows of 6); YOLOv7's
exporter (rows of 7, n open); PaddleDetection (class first); DetectionOutput of Caffe SSD and OpenVINO (1, 1, n, 7).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.family import Decoding, Family, Outputs, Recognised, image_input, pixels_per_unit
from edge.detections import Detections
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

COLUMNS = {
    "xyxy,score,class": (0, 4, 5),
    "xyxy,class,score": (0, 5, 4),
    "class,score,xyxy": (2, 1, 0),
    "skip,xyxy,class,score": (1, 6, 5),
    "skip,class,score,xyxy": (3, 2, 1),
}
"""First column of the box, column of the score, column of the class."""
MOST_ROWS = 1000


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Take the rows above the threshold; see `Family.decode`."""
    output = outputs[decoding.outputs["rows"]]
    if output.ndim not in (2, 3, 4) or output.shape[-1] not in (6, 7) or any(n != 1 for n in output.shape[:-2]):
        raise ValueError(f"rows must have shape (1, n, 6) or (1, n, 7), has {output.shape}")
    rows = output.reshape(-1, output.shape[-1])
    usual = "xyxy,score,class" if rows.shape[1] == 6 else "skip,xyxy,class,score"
    columns = decoding.option("columns", usual, str)
    if columns not in COLUMNS or columns.startswith("skip") != (rows.shape[1] == 7):
        raise ValueError(
            f"option columns is {columns!r}, expected one of {tuple(COLUMNS)} with {rows.shape[1]} columns"
        )
    box, score, of_class = COLUMNS[columns]
    xyxy = rows[:, box : box + 4] * pixels_per_unit(rows[:, box : box + 4], decoding, input_wh)
    kept = rows[:, score] >= decoding.score_threshold
    return Detections.of(xyxy[kept], rows[kept, score], np.rint(rows[kept, of_class]))


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output of 6 or 7 columns and at most 1000 rows, or an open number of rows."""
    picture = image_input(inputs)
    if picture is None or len(outputs) != 1:
        return None
    match outputs[0].shape:
        case (1 | None, n, 6 | 7) if n is None or 1 < n <= MOST_ROWS:
            options: dict[str, str] = {}
        case (n, 6 | 7) if inputs[0].shape[0] == 1 and (n is None or 1 < n <= MOST_ROWS):
            options = {}
        case (1, 1, n, 7) if n is None or 1 < n <= MOST_ROWS:
            options = {"columns": "skip,class,score,xyxy"}
        case _:
            return None
    layout, size_wh = picture
    decoding = Decoding("end_to_end", {"rows": outputs[0].name}, options=options, iou_threshold=1.0)
    rule = Preprocessing(size_wh, layout=layout, std=(255.0,) * 3)
    order = "corners, score, class" if outputs[0].shape[-1] == 6 else "corners, class, score"
    if options:
        order = "class, score, corners"
        rule = Preprocessing(size_wh, resize="stretch", colour="BGR", layout=layout)
    how = "BGR, values 0..255, stretched" if options else "RGB, values / 255, letterbox with 114"
    return Recognised(decoding, rule, f"{how}; rows are {order}; the model suppresses overlaps itself")


FAMILY = Family(
    "end_to_end",
    "Wang et al. 2024, arXiv 2405.14458",
    ("rows",),
    decode,
    recognise,
    options=("columns", "normalized"),
)
