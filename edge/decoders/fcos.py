"""FCOS-like heads, the family of the kit's own detector: every cell predicts its distances to the four sides.

Outputs: `scores` (1, N, c) 0..1 and `distances` (1, N, 4) left, top, right, bottom >= 0 in units of the cell's
stride, from the cell's centre. Two tensors, so that one quantization scale never covers both.

Source: Tian et al., FCOS: Fully Convolutional One-Stage Object Detection, 2019 (arXiv 1904.01355).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.family import Decoding, Family, Outputs, Recognised, cell_centres, image_input
from edge.detections import Detections
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

STRIDES = (8, 16, 32)


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode scores and distances; see `Family.decode`."""
    scores = outputs[decoding.outputs["scores"]][0]
    distances = outputs[decoding.outputs["distances"]][0]
    cells = cell_centres(input_wh, decoding.strides)
    class_id = scores.argmax(axis=1)
    confidence = scores[np.arange(len(scores)), class_id]
    rows = np.flatnonzero(confidence >= decoding.score_threshold)
    stride = cells[rows, 2:]
    centre = (cells[rows, :2] + 0.5) * stride
    sides = distances[rows] * stride
    xyxy = np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1)
    return Detections.of(xyxy, confidence[rows], class_id[rows])


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise two outputs named `scores` and `distances` with one row for each cell."""
    picture = image_input(inputs)
    if picture is None or {spec.name for spec in outputs} != {"scores", "distances"}:
        return None
    layout, size_wh = picture
    rows = next(spec.shape[1] for spec in outputs if spec.name == "distances")
    for levels in (STRIDES, (16, 32), (8, 16), (16,), (8,), (8, 16, 32, 64)):
        if rows == len(cell_centres(size_wh, levels)):
            decoding = Decoding("fcos", {"scores": "scores", "distances": "distances"}, levels)
            rule = Preprocessing(size_wh, layout="NCHW" if layout == "NCHW" else "NHWC", std=(255.0, 255.0, 255.0))
            return Recognised(decoding, rule)
    return None


FAMILY = Family("fcos", "Tian et al. 2019, arXiv 1904.01355", decode, recognise)
