"""Raw SSD heads: boxes relative to anchors, class logits; the model ends before its anchors.

Outputs: `boxes` (1, N, 4 or more; what follows the box, such as keypoints, is not read) and `scores` (1, N, c).
A centre is the anchor's centre plus the value times the anchor's size, a size is the anchor's size times exp(value)
or, for BlazeFace, times the value; all values are first divided by `scales`. Options:

    anchors        the rule that makes the anchors, see `edge.decoders.anchors.AnchorRule` (required)
    box_order      "yxhw" (default: TensorFlow) or "xywh"
    scales         divisors of x, y, width, height: [10, 10, 5, 5] (default)
    exponential    true (default): sizes are logarithms; false: ratios
    activation     "sigmoid" (default), "softmax" or "none" of the scores
    background     index of the class that means "nothing", -1 (default): there is none

Source: Liu et al., SSD, 2015 (arXiv 1512.02325); Sandler et al., MobileNetV2 (SSDLite), 2018 (arXiv 1801.04381);
Bazarevsky et al., BlazeFace, 2019 (arXiv 1907.05047).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.anchors import AnchorRule
from edge.decoders.family import (
    Decoding,
    Family,
    Outputs,
    Recognised,
    activated,
    candidates,
    centres_to_xyxy,
    image_input,
)
from edge.detections import Detections, Float32s, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

ORDERS = {"xywh": (0, 1, 2, 3), "yxhw": (1, 0, 3, 2)}
RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
TENSORFLOW_ANCHORS = AnchorRule((16, 32, 64, 128, 256, 512), aspect_ratios=RATIOS, reduce_lowest=True)
BLAZE_ANCHORS = (
    AnchorRule((8, 16, 16, 16), fixed_size=True),
    AnchorRule((16, 32, 32, 32), fixed_size=True),
    AnchorRule((4,), interpolated_ratio=0.0, fixed_size=True),
)


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode boxes against their anchors; see `Family.decode`."""
    boxes, logits = outputs[decoding.outputs["boxes"]], outputs[decoding.outputs["scores"]]
    anchors = AnchorRule.from_json(decoding.option("anchors", {}, dict)).anchors(input_wh)
    require_shape("boxes", boxes, (1, len(anchors), None))
    require_shape("scores", logits, (1, len(anchors), None))
    scores = activated(logits[0], decoding.option("activation", "sigmoid", str))
    background = decoding.option("background", -1, int)
    if not -1 <= background < scores.shape[1] or boxes.shape[2] < 4:
        raise ValueError(f"scores must have a column for each class and boxes 4, have {logits.shape}, {boxes.shape}")
    scores = scores if background < 0 else np.delete(scores, background, axis=1)
    rows, confidence, class_id = candidates(scores, decoding.score_threshold)
    cxcywh = _against_anchors(boxes[0, rows, :4], anchors[rows], decoding)
    return Detections.of(centres_to_xyxy(cxcywh * np.tile(np.array(input_wh, np.float32), 2)), confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise as many rows as the anchors of TensorFlow's SSD (4 columns) or of MediaPipe's detectors (more)."""
    picture = image_input(inputs)
    if picture is None or len(outputs) != 2 or any(len(spec.shape) != 3 for spec in outputs):
        return None
    (layout, size_wh), (boxes, scores) = picture, sorted(outputs, key=_looks_like_scores)
    if boxes.shape[:2] != scores.shape[:2] or boxes.shape[2] is None:
        return None
    roles = {"boxes": boxes.name, "scores": scores.name}
    if scores.shape[2] == 1 and boxes.shape[2] > 4 and boxes.shape[2] % 2 == 0:
        return _mediapipe(roles, boxes.shape[1], size_wh, layout)
    if boxes.shape[2] == 4 and boxes.shape[1] == len(TENSORFLOW_ANCHORS.anchors(size_wh)):
        activation = "none" if scores.name.startswith("raw_outputs/") else "sigmoid"
        options = {"anchors": TENSORFLOW_ANCHORS.to_json(), "activation": activation, "background": 0}
        decoding = Decoding("ssd_raw", roles, options=options)
        rule = Preprocessing(size_wh, "stretch", layout=layout, mean=(127.5,) * 3, std=(127.5,) * 3)
        assumed = f"RGB, (values - 127.5) / 127.5, stretched; scores through {activation}, class 0 is background"
        return Recognised(decoding, rule, assumed)
    return None


def _mediapipe(roles: dict[str, str], rows: int | None, size_wh: tuple[int, int], layout: str) -> Recognised | None:
    rule = next((rule for rule in BLAZE_ANCHORS if len(rule.anchors(size_wh)) == rows), None)
    if rule is None:
        return None
    options = {
        "anchors": rule.to_json(),
        "box_order": "xywh",
        "scales": [float(side) for side in (*size_wh, *size_wh)],
        "exponential": False,
    }
    preprocessing = Preprocessing(
        size_wh,
        pad_value=0,
        layout="NCHW" if layout == "NCHW" else "NHWC",
        mean=(127.5,) * 3,
        std=(127.5,) * 3,
    )
    assumed = "as MediaPipe: RGB, (values - 127.5) / 127.5, centred letterbox with 0"
    return Recognised(Decoding("ssd_raw", roles, options=options, score_threshold=0.5), preprocessing, assumed)


def _looks_like_scores(spec: TensorSpec) -> tuple[bool, bool]:
    name = spec.name.lower()
    return (spec.shape[2] == 1 or any(part in name for part in ("class", "score", "logit")), spec.shape[2] != 4)


def _against_anchors(values: Float32s, anchors: Float32s, decoding: Decoding) -> Float32s:
    order = decoding.option("box_order", "yxhw", str)
    scales = decoding.option("scales", [10.0, 10.0, 5.0, 5.0], list)
    if order not in ORDERS or len(scales) != 4 or not all(isinstance(s, (int, float)) and s for s in scales):
        raise ValueError(f"options box_order and scales are {order!r} and {scales}, expected 'yxhw' or 'xywh' and 4")
    xywh = values[:, ORDERS[order]] / np.float32(scales)
    size = np.exp(np.minimum(xywh[:, 2:], 20)) if decoding.option("exponential", True, bool) else xywh[:, 2:]
    centre = xywh[:, :2] * anchors[:, 2:] + anchors[:, :2]
    return np.asarray(np.concatenate([centre, size * anchors[:, 2:]], axis=1), np.float32)


FAMILY = Family(
    "ssd_raw",
    "arXiv 1512.02325, 1801.04381, 1907.05047",
    ("boxes", "scores"),
    decode,
    recognise,
    options=("anchors", "box_order", "scales", "exponential", "activation", "background"),
)
