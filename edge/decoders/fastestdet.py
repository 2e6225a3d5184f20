"""FastestDet map: one level, every cell predicts one box, objectness and one score for each class.

Output: (1, 5 + c, h, w), channels: objectness 0..1, centre offset x and y (through tanh, in cells from the cell's
corner), width and height (through a sigmoid, shares of the picture), class scores 0..1. Confidence is
objectness ** 0.6 times class score ** 0.4.

Source: github.com/dog-qiuqiu/FastestDet (2022), the exported ONNX file.
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
    centres_to_xyxy,
    image_input,
    sigmoid,
)
from edge.detections import Detections, require_shape
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

OBJECTNESS_POWER, CLASS_POWER = 0.6, 0.4
SCORE_THRESHOLD = 0.5
"""The powers lift every score, so that the usual 0.3 lets much clutter through (the source's demo takes 0.65)."""


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode the map; see `Family.decode`."""
    output = outputs[decoding.outputs["map"]]
    require_shape("map", output, (1, None, None, None))
    channels, height, width = output.shape[1:]
    if channels < 6:
        raise ValueError(f"map must have 5 channels and one for each class, has {channels}")
    cells = output[0].reshape(channels, -1).T
    objectness, classes = np.maximum(cells[:, :1], 0), np.maximum(cells[:, 5:], 0)
    scores = objectness**OBJECTNESS_POWER * classes**CLASS_POWER
    rows, confidence, class_id = candidates(scores, decoding.score_threshold)
    corner = np.stack([rows % width, rows // width], axis=1)
    centre = (corner + np.tanh(cells[rows, 1:3])) / (width, height)
    shares = np.concatenate([centre, sigmoid(cells[rows, 3:5])], axis=1)
    return Detections.of(centres_to_xyxy(shares * np.tile(input_wh, 2)), confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise one output, a map of 1/16 of the input's sides with at least 6 channels."""
    picture = image_input(inputs)
    if picture is None or len(outputs) != 1 or len(outputs[0].shape) != 4:
        return None
    (layout, size_wh), (_, channels, height, width) = picture, outputs[0].shape
    if not channels or channels < 6 or (width, height) != (size_wh[0] // 16, size_wh[1] // 16):
        return None
    rule = Preprocessing(size_wh, resize="stretch", colour="BGR", layout=layout, std=(255.0, 255.0, 255.0))
    decoding = Decoding("fastestdet", {"map": outputs[0].name}, (16,), score_threshold=SCORE_THRESHOLD)
    return Recognised(decoding, rule, "BGR, values / 255, stretched")


FAMILY = Family("fastestdet", "github.com/dog-qiuqiu/FastestDet", ("map",), decode, recognise)
