"""Boxes already decoded by the model: one row of corners and one row of class scores for each candidate.

Outputs: `boxes` (1, N, 4) and `scores` (1, N, c) or (1, N). Options:

    box_format     "xyxy" (default), "yxyx" or "cxcywh"
    normalized     true (default): shares of the input's sides; false: pixels of the input
    background     index of the class that means "nothing", left out of the labels; -1 (default): there is none

Source: github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB (two classes, the first of them background);
many exporters give this layout.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.family import Decoding, Family, Outputs, Recognised, candidates, centres_to_xyxy, image_input
from edge.detections import Detections, Float32s, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

BOX_FORMATS = ("xyxy", "yxyx", "cxcywh")


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Scale the boxes and pick the best class; see `Family.decode`."""
    boxes, scores = outputs[decoding.outputs["boxes"]], outputs[decoding.outputs["scores"]]
    scores = scores[:, :, None] if scores.ndim == 2 else scores
    require_shape("boxes", boxes, (1, None, 4))
    require_shape("scores", scores, (1, boxes.shape[1], None))
    background = decoding.option("background", -1, int)
    if not -1 <= background < scores.shape[2]:
        raise ValueError(f"option background is {background}, the model has {scores.shape[2]} classes")
    objects = scores[0] if background < 0 else np.delete(scores[0], background, axis=1)
    rows, confidence, class_id = candidates(objects, decoding.score_threshold)
    xyxy = to_xyxy(boxes[0, rows], decoding.option("box_format", "xyxy", str))
    scale = np.tile(input_wh, 2) if decoding.option("normalized", True, bool) else 1.0
    return Detections.of(xyxy * scale, confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise two outputs named `boxes` and `scores` (N, 4) and (N, 2): a face detector's one class and background.

    Other models of this family look like SSD heads whose boxes still need their anchors, so they need a sidecar.
    """
    picture = image_input(inputs)
    by_name = {spec.name: spec.shape for spec in outputs}
    if picture is None or set(by_name) != {"boxes", "scores"}:
        return None
    boxes, scores = by_name["boxes"], by_name["scores"]
    if len(boxes) != 3 or boxes[2] != 4 or scores != (*boxes[:2], 2):
        return None
    layout, size_wh = picture
    rule = Preprocessing(size_wh, resize="stretch", layout=layout, mean=(127.0,) * 3, std=(128.0,) * 3)
    decoding = Decoding("decoded_boxes", {"boxes": "boxes", "scores": "scores"}, options={"background": 0})
    return Recognised(decoding, rule, "RGB, (values - 127) / 128, stretched; class 0 is background, boxes are shares")


def to_xyxy(boxes: Float32s, box_format: str) -> Float32s:
    """Return (n, 4) corner boxes of boxes in one of `BOX_FORMATS`.

    Raises:
        ValueError: the format has another name.
    """
    if box_format not in BOX_FORMATS:
        raise ValueError(f"option box_format is {box_format!r}, expected one of {BOX_FORMATS}")
    if box_format == "cxcywh":
        return centres_to_xyxy(boxes)
    return boxes if box_format == "xyxy" else np.asarray(boxes[:, [1, 0, 3, 2]], np.float32)


FAMILY = Family(
    "decoded_boxes",
    "github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB",
    ("boxes", "scores"),
    decode,
    recognise,
    options=("box_format", "normalized", "background"),
)
