"""Suppression inside the model, one output for each of boxes, scores and classes, with or without a count.

Outputs: `boxes` (1, n, 4) or (n, 4), `scores` and `classes` (1, n) or (n,), `count` (any shape, one number) where n is
fixed; rows after the count are padding. Options:

    box_format      "xyxy" (default), "yxyx" or "cxcywh"
    normalized      true: shares of the input's sides; false: pixels; left out: the values tell
    tell_by_values  true: which of `scores` and `classes` is which is told by their values, as their names and shapes
                    do not say; classes are whole numbers

Source: EfficientNMS of NVIDIA TensorRT (github.com/NVIDIA/TensorRT, plugin/efficientNMSPlugin; num_dets, det_boxes,
det_scores, det_classes); torchvision's detectors (boxes, labels, scores).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.decoders.decoded_boxes import to_xyxy
from edge.decoders.family import Decoding, Family, Outputs, Recognised, image_input, pixels_per_unit
from edge.detections import Detections, Float32s
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

OPTIONS = ("box_format", "normalized", "tell_by_values")
ROLES = ("boxes", "scores", "classes", "count")


def decode(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int]) -> Detections:
    """Take the rows that count; see `Family.decode`."""
    return decode_counted(outputs, decoding, input_wh, "xyxy")


def decode_counted(outputs: Outputs, decoding: Decoding, input_wh: tuple[int, int], box_format: str) -> Detections:
    """Take the rows up to the count; `box_format` is what the option's absence means."""
    boxes, scores, classes = (outputs[decoding.outputs[role]] for role in ROLES[:3])
    if boxes.shape[-1:] != (4,) or not boxes.size == 4 * scores.size == 4 * classes.size:
        shapes = f"{boxes.shape}, {scores.shape}, {classes.shape}"
        raise ValueError(f"boxes, scores and classes must have shapes (1, n, 4), (1, n), (1, n), have {shapes}")
    n = _count(outputs, decoding, scores.size)
    boxes, scores, classes = boxes.reshape(-1, 4)[:n], scores.ravel()[:n], classes.ravel()[:n]
    if decoding.option("tell_by_values", False, bool):
        scores, classes = _told_by_values(scores, classes)
    kept = scores >= decoding.score_threshold
    xyxy = to_xyxy(boxes, decoding.option("box_format", box_format, str)) * pixels_per_unit(boxes, decoding, input_wh)
    return Detections.of(xyxy[kept], scores[kept], np.rint(classes[kept]))


def recognise(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Recognised | None:
    """Recognise boxes, scores, classes and a count of planar models, or boxes, scores and labels by name."""
    picture, roles = image_input(inputs), counted_roles(outputs)
    if picture is None or roles is None or picture[0] != "NCHW":
        return None
    named, by_values = roles
    options = {"tell_by_values": True} if by_values else {}
    decoding = Decoding("nms_outputs", named, options=options, iou_threshold=1.0)
    rule = Preprocessing(picture[1], layout=picture[0], std=(255.0,) * 3)
    return Recognised(decoding, rule, "RGB, values / 255, letterbox with 114; the model suppresses overlaps itself")


def counted_roles(outputs: Sequence[TensorSpec]) -> tuple[dict[str, str], bool] | None:
    """Assign the roles by shape, type and name, whatever the order.

    Returns:
        Role -> name, and whether only values can tell scores from classes; None where these are other outputs.
    """
    boxes = [spec for spec in outputs if spec.shape[-1:] == (4,) and len(spec.shape) > 1]
    counts = [spec for spec in outputs if spec.shape in ((), (1,), (1, 1))]
    pair = [spec for spec in outputs if spec not in boxes and spec not in counts and len(spec.shape) in (1, 2)]
    if len(boxes) != 1 or len(pair) != 2 or len(counts) != len(outputs) - 3 or len(counts) > 1:
        return None
    if any(spec.shape != boxes[0].shape[:-1] for spec in pair):
        return None
    classes = [spec for spec in pair if _is_classes(spec)]
    scores = [spec for spec in pair if "score" in spec.name.lower() or spec.name.endswith("PostProcess:2")]
    told = len(classes) == 1 or len(scores) == 1
    if not told and not counts:
        return None
    second = classes[0] if len(classes) == 1 else next(spec for spec in pair if [spec] != scores)
    first = next(spec for spec in pair if spec is not second)
    roles = {"boxes": boxes[0].name, "scores": first.name, "classes": second.name}
    if counts:
        roles["count"] = counts[0].name
    return roles, not told


def _is_classes(spec: TensorSpec) -> bool:
    name = spec.name.lower()
    whole = spec.dtype.startswith("int") and not spec.scale
    return whole or "class" in name or "label" in name or spec.name.endswith("PostProcess:1")


def _count(outputs: Outputs, decoding: Decoding, most: int) -> int:
    if "count" not in decoding.outputs:
        return most
    count = outputs[decoding.outputs["count"]]
    if count.size != 1:
        raise ValueError(f"count must have one number, has shape {count.shape}")
    return min(max(int(np.rint(count.ravel()[0])), 0), most)


def _told_by_values(scores: Float32s, classes: Float32s) -> tuple[Float32s, Float32s]:
    """Return scores and classes, swapped where the values say so: classes are whole, scores at most 1."""
    whole = [bool((values == np.rint(values)).all()) for values in (scores, classes)]
    if whole == [False, False]:
        raise ValueError("scores and classes must have one output of whole numbers, the classes; neither is")
    if whole == [True, True]:  # nothing but full confidences, or none: objects have more confidence than class 0
        beyond = [bool((values > 1).any()) for values in (scores, classes)]
        swapped = beyond == [True, False] or (beyond == [False, False] and bool(scores.sum() < classes.sum()))
    else:
        swapped = whole == [True, False]
    return (classes, scores) if swapped else (scores, classes)


FAMILY = Family(
    "nms_outputs",
    "github.com/NVIDIA/TensorRT, plugin/efficientNMSPlugin",
    ROLES,
    decode,
    recognise,
    options=OPTIONS,
    optional_roles=("count",),
)
