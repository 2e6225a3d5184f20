"""Suppression inside the model, everything in one output: a row for each object.

Output: `rows` (1, n, 6) or (n, 6) with n fixed or not, rows beyond the last object being zeros; or 7 columns, with the
number of the picture in the batch or the like in one that is not read; or 5 columns, corners and score, and a second
output `classes` (1, n). Options:

    columns        what the columns are: "xyxy,score,class" (default of 6), "xyxy,class,score", "class,score,xyxy",
                   "skip,xyxy,class,score" (default of 7), "skip,class,score,xyxy", "xyxy,score" (default of 5)
    normalized     true: shares of the input's sides; false: pixels; left out: the values tell

Source: Wang et al., YOLOv10: Real-Time End-to-End Object Detection, 2024 (arXiv 2405.14458; 300 rows of 6); YOLOv7's
exporter (rows of 7, n open); PaddleDetection (class first); MMDeploy (rows of 5 and labels); DetectionOutput of Caffe
SSD and OpenVINO (1, 1, n, 7).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from edge.decoders.family import Decoding, Family, Outputs, Recognised, image_input, pixels_per_unit
from edge.detections import Detections, Float32s, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

COLUMNS: dict[str, tuple[int, int, int | None]] = {
    "xyxy,score,class": (0, 4, 5),
    "xyxy,class,score": (0, 5, 4),
    "class,score,xyxy": (2, 1, 0),
    "skip,xyxy,class,score": (1, 6, 5),
    "skip,class,score,xyxy": (3, 2, 1),
    "xyxy,score": (0, 4, None),
}
"""First column of the box, column of the score, column of the class (None: an output of its own)."""
USUAL = {5: "xyxy,score", 6: "xyxy,score,class", 7: "skip,xyxy,class,score"}
MOST_ROWS = 1000


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Take the rows above the threshold; see `Family.decode`."""
    output = outputs[decoding.outputs["rows"]]
    if output.ndim not in (2, 3, 4) or output.shape[-1] not in USUAL or any(n != 1 for n in output.shape[:-2]):
        raise ValueError(f"rows must have shape (1, n, 6), (1, n, 7) or (1, n, 5), has {output.shape}")
    rows = output.reshape(-1, output.shape[-1])
    columns = decoding.option("columns", USUAL[rows.shape[1]], str)
    if columns not in COLUMNS or columns.count(",") + 1 + 3 * ("xyxy" in columns) != rows.shape[1]:
        raise ValueError(
            f"option columns is {columns!r}, expected one of {tuple(COLUMNS)} with {rows.shape[1]} columns"
        )
    box, score, of_class = COLUMNS[columns]
    classes = _classes(outputs, decoding, len(rows)) if of_class is None else rows[:, of_class]
    xyxy = rows[:, box : box + 4] * pixels_per_unit(rows[:, box : box + 4], decoding, input_wh)
    kept = rows[:, score] >= decoding.score_threshold
    return Detections.of(xyxy[kept], rows[kept, score], np.rint(classes[kept]))


def _classes(outputs: Outputs, decoding: Decoding, n: int) -> Float32s:
    if "classes" not in decoding.outputs:
        return np.zeros(n, np.float32)
    classes = outputs[decoding.outputs["classes"]].ravel()
    require_shape("classes", classes, (n,))
    return classes


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output of 6 or 7 columns and at most 1000 rows, or an open number of rows; or 5 and labels."""
    picture = image_input(inputs)
    if picture is not None and len(outputs) == 2:
        return _with_labels(picture, sorted(outputs, key=lambda spec: -len(spec.shape)))
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


def _with_labels(
    picture: tuple[Literal["NCHW", "NHWC"], tuple[int, int]], outputs: Sequence[TensorSpec]
) -> Recognised | None:
    (layout, size_wh), (rows, labels) = picture, outputs
    named = {rows.name, labels.name} == {"dets", "labels"}  # MMDeploy may leave every side open
    wide = rows.shape[2] if len(rows.shape) == 3 else 0
    if (wide != 5 and not (wide is None and named)) or labels.shape != rows.shape[:2]:
        return None
    decoding = Decoding("end_to_end", {"rows": rows.name, "classes": labels.name}, iou_threshold=1.0)
    rule = Preprocessing(
        size_wh,
        anchor="top_left",
        colour="BGR",
        layout=layout,
        mean=(103.53, 116.28, 123.675),
        std=(57.375, 57.12, 58.395),
    )
    assumed = "as RTMDet from MMDeploy: BGR, ImageNet mean and deviation, letterbox at the top left with 114"
    return Recognised(decoding, rule, assumed)


FAMILY = Family(
    "end_to_end",
    "Wang et al. 2024, arXiv 2405.14458",
    ("rows", "classes"),
    decode,
    recognise,
    options=("columns", "normalized"),
    optional_roles=("classes",),
)
