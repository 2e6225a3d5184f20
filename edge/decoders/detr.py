"""DETR-like heads: a fixed number of queries, each of which is one object or nothing.

Outputs: `logits` (1, Q, c) and `boxes` (1, Q, 4), centre x, centre y, width, height in shares of the input. Options:

    activation     "softmax" (default: DETR), "sigmoid" (Deformable DETR, RT-DETR, D-FINE), "none": scores 0..1
    no_object      whether the last column means "nothing"; default: true with softmax, else false

Queries do not overlap by training, so that nothing is suppressed.

Source: Carion et al., End-to-End Object Detection with Transformers, 2020 (arXiv 2005.12872); Zhu et al., Deformable
DETR, 2020 (arXiv 2010.04159); Zhao et al., RT-DETR, 2023 (arXiv 2304.08069).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
from edge.detections import Detections, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

MOST_QUERIES = 1000
QUERIES_OF_DETR = 100
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the queries; see `Family.decode`."""
    logits, boxes = outputs[decoding.outputs["logits"]], outputs[decoding.outputs["boxes"]]
    require_shape("boxes", boxes, (1, None, 4))
    require_shape("logits", logits, (1, boxes.shape[1], None))
    activation = decoding.option("activation", "softmax", str)
    scores = activated(logits[0], activation)
    if decoding.option("no_object", activation == "softmax", bool):
        scores = scores[:, :-1]
    if scores.shape[1] < 1:
        raise ValueError(f"logits must have a column for each class, has {logits.shape}")
    rows, confidence, class_id = candidates(scores, decoding.score_threshold)
    xyxy = centres_to_xyxy(boxes[0, rows]) * np.tile(input_wh, 2)
    return Detections.of(xyxy, confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output named like `logits` and one named like `boxes` with at most 1000 rows each.

    100 queries are DETR's own recipe (softmax, "no object", ImageNet's values), other numbers its successors'
    (sigmoid).
    """
    picture = image_input(inputs)
    boxes = [spec for spec in outputs if len(spec.shape) == 3 and spec.shape[2] == 4 and "box" in spec.name.lower()]
    logits = [spec for spec in outputs if len(spec.shape) == 3 and "logit" in spec.name.lower()]
    if picture is None or len(boxes) != 1 or len(logits) != 1 or len(outputs) != 2:
        return None
    queries = boxes[0].shape[1]
    if queries is None or not 0 < queries <= MOST_QUERIES or logits[0].shape[1] != queries:
        return None
    (layout, size_wh), roles = picture, {"logits": logits[0].name, "boxes": boxes[0].name}
    if queries == QUERIES_OF_DETR:
        rule = Preprocessing(size_wh, resize="stretch", layout=layout, mean=IMAGENET_MEAN, std=IMAGENET_STD)
        decoding = Decoding("detr", roles, options={"activation": "softmax"}, score_threshold=0.5, iou_threshold=1.0)
        return Recognised(
            decoding, rule, "as DETR: RGB, ImageNet mean and deviation, stretched; softmax, no-object last"
        )
    rule = Preprocessing(size_wh, resize="stretch", layout=layout, std=(255.0,) * 3)
    decoding = Decoding("detr", roles, options={"activation": "sigmoid"}, score_threshold=0.5, iou_threshold=1.0)
    return Recognised(decoding, rule, "as RT-DETR: RGB, values / 255, stretched; sigmoid, no no-object class")


FAMILY = Family(
    "detr",
    "arXiv 2005.12872, 2010.04159, 2304.08069",
    ("logits", "boxes"),
    decode,
    recognise,
    options=("activation", "no_object"),
)
