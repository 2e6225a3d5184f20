"""YuNet: anchor-free heads with separate maps for class, objectness, box and, here unread, keypoints.

Outputs of every level: `classes` (1, N, c) and `objectness` (1, N, 1), both 0..1, and `boxes` (1, N, 4): centre in
cells from the cell's corner, log of width and height in strides. Confidence is the root of class times objectness.

Source: Wu et al., YuNet: A Tiny Millisecond-level Face Detector, 2023 (doi 10.1007/s11633-023-1423-y);
github.com/ShiqiYu/libfacedetection.train.
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
)
from edge.decoders.levels import columns, level_rows, levels_by_shape
from edge.detections import Detections, Float32s
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

NAMES = {"classes": ("cls", "class"), "objectness": ("obj",), "boxes": ("bbox", "box", "reg")}


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode all levels; see `Family.decode`."""
    classes, objectness, boxes = (_all_levels(outputs, role, decoding, input_wh) for role in NAMES)
    if objectness.shape[1] != 1 or boxes.shape[1] != 4 or classes.shape[1] < 1:
        raise ValueError(f"objectness must have 1 column and boxes 4, have {objectness.shape[1]} and {boxes.shape[1]}")
    scores = np.sqrt(np.clip(classes, 0, 1) * np.clip(objectness, 0, 1))
    rows, confidence, class_id = candidates(scores, decoding.score_threshold)
    cells = cell_centres(input_wh, decoding.strides)[rows]
    centre = (cells[:, :2] + boxes[rows, :2]) * cells[:, 2:]
    size = np.exp(np.minimum(boxes[rows, 2:], 20)) * cells[:, 2:]
    return Detections.of(centres_to_xyxy(np.concatenate([centre, size], axis=1)), confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise class, objectness and box outputs, by name, at each of several levels, with or without keypoints."""
    picture = image_input(inputs)
    if picture is None:
        return None
    layout, size_wh = picture
    levels = levels_by_shape(size_wh, outputs)
    if len(levels) < 2 or any(len(specs) not in (3, 4) for specs in levels.values()):
        return None
    roles: dict[str, str] = {}
    for stride, specs in levels.items():
        named = {role: _named(specs, parts) for role, parts in NAMES.items()}
        found = {role: spec for role, spec in named.items() if spec is not None}
        if len({spec.name for spec in found.values()}) != len(NAMES):
            return None
        if [columns(found[role], size_wh, stride) for role in ("objectness", "boxes")] != [1, 4]:
            return None
        roles |= {f"{role}_{stride}": spec.name for role, spec in found.items()}
    rule = Preprocessing(size_wh, anchor="top_left", pad_value=0, colour="BGR", layout=layout)
    decoding = Decoding("yunet", roles, tuple(levels), score_threshold=0.6)
    return Recognised(decoding, rule, "BGR, values 0..255, letterbox at the top left with 0")


def _named(specs: Sequence[TensorSpec], parts: tuple[str, ...]) -> TensorSpec | None:
    return next((spec for spec in specs if any(part in spec.name.lower() for part in parts)), None)


def _all_levels(outputs: Outputs, role: str, decoding: Decoding, input_wh: tuple[int, int]) -> Float32s:
    return np.concatenate([level_rows(outputs, role, stride, decoding, input_wh) for stride in decoding.strides])


FAMILY = Family(
    "yunet",
    "Wu et al. 2023, doi 10.1007/s11633-023-1423-y; github.com/ShiqiYu/libfacedetection.train",
    ("classes", "objectness", "boxes"),
    decode,
    recognise,
    per_level=True,
)
