"""YOLOv5 layout: heads decoded by the exporter, a row for each anchor of each cell, with objectness.

Output: `predictions` (1, N, 5 + c), or transposed (1, 5 + c, N): centre x, centre y, width, height, objectness, class
scores, all scores 0..1. Confidence is objectness times class score. N is three times the cells; models of this layout
without anchors (YOLOX exported with `--decode_in_inference`) say so in a sidecar with `anchors = 1`. Options:

    anchors        rows for each cell, 3 (default)
    classes        columns that are classes (default: all after the objectness); masks may follow
    normalized     true: shares of the input's sides; false: pixels; left out: the values tell

Source: Redmon and Farhadi, YOLOv3, 2018 (arXiv 1804.02767), in the layout that the YOLOv5 exporter writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.decoders.family import (
    Decoding,
    Family,
    Outputs,
    Recognised,
    candidates,
    centres_to_xyxy,
    pixels_per_unit,
)
from edge.decoders.yolov8 import as_rows, class_columns, recognise_predictions
from edge.detections import Detections
from edge.inference import TensorSpec

ANCHORS = 3


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the predictions; see `Family.decode`."""
    rows = as_rows(outputs, decoding, input_wh, decoding.option("anchors", ANCHORS, int))
    classes = class_columns(rows, 5, decoding)
    kept, confidence, class_id = candidates(rows[:, 4:5] * classes, decoding.score_threshold)
    xyxy = centres_to_xyxy(rows[kept, :4]) * pixels_per_unit(rows[:, :4], decoding, input_wh)
    return Detections.of(xyxy, confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise three rows for each cell of three or four levels."""
    found = recognise_predictions(inputs, outputs, per_cell=ANCHORS, before_classes=5)
    if found is None:
        return None
    _, _, decoding, rule = found
    return Recognised(Decoding("yolov5", *decoding), rule, "RGB, values / 255, letterbox with 114")


FAMILY = Family(
    "yolov5",
    "arXiv 1804.02767, in the layout of the YOLOv5 exporter",
    ("predictions",),
    decode,
    recognise,
    options=("anchors", "classes", "normalized"),
)
