"""GFL heads: every cell predicts, for each of the four sides, a distribution over whole distances.

Outputs of every level: `scores` (1, N, c), already 0..1, and `distances` (1, N, 4 * bins) as logits, left, top,
right, bottom; the softmax over the bins 0, 1, 2, ... gives the expected distance in strides. Options:

    activation     "none" (default), "sigmoid" or "softmax" of the scores
    cell_offset    where in a cell its centre lies, in cells: 0.5 (default); 0 in NanoDet-Plus

The authors' own exporters take (stride - 1) / 2 for the centre, half a pixel of the input less than here.

Source: Li et al., Generalized Focal Loss, 2020 (arXiv 2006.04388); github.com/RangiLyu/nanodet (three levels) and
Yu et al., PP-PicoDet, 2021 (arXiv 2111.00902; four levels).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from edge.decoders.family import (
    Decoding,
    Family,
    Outputs,
    Recognised,
    activated,
    candidates,
    cell_centres,
    image_input,
    softmax,
)
from edge.decoders.levels import columns, level_rows, levels_by_shape
from edge.detections import Detections, Float32s
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

BINS = (8, 17, 16)
"""NanoDet and PicoDet, the paper, and YOLOv8's raw heads: tried in this order where both outputs might be distances."""
SCORE_NAMES, NANODET_NAMES = ("cls", "class", "score"), ("cls_pred", "dis_pred")
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode all levels; see `Family.decode`."""
    levels = [
        (level_rows(outputs, "scores", s, decoding, input_wh), level_rows(outputs, "distances", s, decoding, input_wh))
        for s in decoding.strides
    ]
    if len({(scores.shape[1], distances.shape[1]) for scores, distances in levels}) != 1:
        raise ValueError("scores and distances must have the same columns at every level")
    scores, distances = (np.concatenate([level[i] for level in levels]) for i in (0, 1))
    return decode_rows(scores, distances, decoding, input_wh)


def decode_rows(scores: Float32s, distances: Float32s, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Decode (N, c) scores and (N, 4 * bins) logits of all levels, one after the other."""
    if scores.shape[1] < 1 or distances.shape[1] < 8 or distances.shape[1] % 4:
        raise ValueError(f"distances must have 4 columns for each of 2 bins or more, have {distances.shape[1]}")
    scores = activated(scores, decoding.option("activation", "none", str))
    rows, confidence, class_id = candidates(scores, decoding.score_threshold)
    cells = cell_centres(input_wh, decoding.strides)[rows]
    centre = (cells[:, :2] + decoding.option("cell_offset", 0.5, (int, float))) * cells[:, 2:]
    share = softmax(distances[rows].reshape(len(rows), 4, distances.shape[1] // 4))
    sides = share @ np.arange(share.shape[2], dtype=np.float32) * cells[:, 2:]
    xyxy = np.concatenate([centre - sides[:, :2], centre + sides[:, 2:]], axis=1)
    return Detections.of(xyxy, confidence, class_id)


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise two outputs for each of three or four levels, one of them with 4 times the bins."""
    picture = image_input(inputs)
    if picture is None:
        return None
    layout, size_wh = picture
    levels = levels_by_shape(size_wh, outputs)
    if len(levels) not in (3, 4) or any(len(specs) != 2 for specs in levels.values()):
        return None
    roles = _roles(levels, size_wh)
    if roles is None:
        return None
    if len(levels) == 3:
        rule = nanodet_preprocessing(size_wh, layout, "letterbox")
        assumed = "as NanoDet: BGR, ImageNet mean and deviation, centred letterbox with 0"
        return Recognised(Decoding("gfl", roles, tuple(levels)), rule, assumed)
    if all(any(part in spec.name for part in NANODET_NAMES) for spec in outputs):
        decoding = Decoding("gfl", roles, tuple(levels), {"cell_offset": 0.0})
        return Recognised(decoding, nanodet_preprocessing(size_wh, layout, "stretch"), PLUS_ASSUMED)
    rule = Preprocessing(size_wh, "stretch", layout=layout, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    assumed = "as PicoDet: RGB, ImageNet mean and deviation, stretched"
    return Recognised(Decoding("gfl", roles, tuple(levels)), rule, assumed)


PLUS_ASSUMED = "as NanoDet-Plus: BGR, ImageNet mean and deviation, stretched; centres at the corners of the cells"


def nanodet_preprocessing(
    size_wh: tuple[int, int], layout: Literal["NCHW", "NHWC"], resize: Literal["letterbox", "stretch"]
) -> Preprocessing:
    """Return how NanoDet's configurations make a picture the input: letterbox in v0, stretched in Plus."""
    mean, std = IMAGENET_MEAN[::-1], IMAGENET_STD[::-1]
    return Preprocessing(size_wh, resize, pad_value=0, colour="BGR", layout=layout, mean=mean, std=std)


def _roles(levels: dict[int, list[TensorSpec]], size_wh: tuple[int, int]) -> dict[str, str] | None:
    for bins in BINS:
        distances = {
            stride: [spec for spec in specs if columns(spec, size_wh, stride) == 4 * bins]
            for stride, specs in levels.items()
        }
        if all(distances.values()):
            break
    else:
        return None
    roles = {}
    for stride, specs in levels.items():
        sides = min(distances[stride], key=lambda spec: any(part in spec.name.lower() for part in SCORE_NAMES))
        roles[f"distances_{stride}"] = sides.name
        roles[f"scores_{stride}"] = next(spec.name for spec in specs if spec is not sides)
    return roles


FAMILY = Family(
    "gfl",
    "Li et al. 2020, arXiv 2006.04388; github.com/RangiLyu/nanodet; arXiv 2111.00902",
    ("scores", "distances"),
    decode,
    recognise,
    options=("activation", "cell_offset"),
    per_level=True,
)
