"""TFLite_Detection_PostProcess: the operator that ends TensorFlow's detectors for phones.

Outputs: `boxes` (1, n, 4) as top, left, bottom, right in shares of the input, `scores` (1, n), `classes` (1, n) counted
from 0 without background, `count` (1,). The Object Detection API orders them boxes, classes, scores, count; Model
Maker orders them scores, boxes, count, classes. Scores and classes have the same shape, so names tell them apart, or,
where names do not, the values (option `tell_by_values`). Options as in `nms_outputs`.

Source: github.com/tensorflow/tensorflow, tensorflow/lite/kernels/detection_postprocess.cc.
"""

from __future__ import annotations

from collections.abc import Sequence

from edge.decoders.family import Decoding, Family, Outputs, Recognised, image_input
from edge.decoders.nms_outputs import OPTIONS, ROLES, counted_roles, decode_counted
from edge.detections import Detections
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

SCORE_THRESHOLD = 0.5
"""The operator lets everything through that its own low threshold lets through."""


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Take the rows that count; see `Family.decode`."""
    return decode_counted(outputs, decoding, input_wh, "yxyx")


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise boxes, two outputs of n numbers and a count behind a picture whose channels come last."""
    picture, roles = image_input(inputs), counted_roles(outputs)
    if picture is None or picture[0] != "NHWC" or roles is None or "count" not in roles[0]:
        return None
    named, by_values = roles
    options = {"normalized": True} | ({"tell_by_values": True} if by_values else {})
    decoding = Decoding("tflite_postprocess", named, (), options, SCORE_THRESHOLD, iou_threshold=1.0)
    rule = Preprocessing(picture[1], resize="stretch", layout=picture[0], mean=(127.5,) * 3, std=(127.5,) * 3)
    return Recognised(decoding, rule, "RGB, (values - 127.5) / 127.5, stretched; the model suppresses overlaps itself")


FAMILY = Family(
    "tflite_postprocess",
    "github.com/tensorflow/tensorflow, tensorflow/lite/kernels/detection_postprocess.cc",
    ROLES,
    decode,
    recognise,
    options=OPTIONS,
)
