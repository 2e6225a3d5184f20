"""Boxes of a variant beside those of its float model: do the places, the confidences and the classes agree?

Detectors of one family have their candidates in one order, so candidate i of the variant is candidate i of the float
model and the two can be compared before suppression mixes them: a variant whose boxes have collapsed still has right
confidences in the right places, and that is how it is told. Families whose graph suppresses already have no such
order: there each box of the float model is compared with the variant's nearest box, and confidences by their rank.

    >>> Agreement.of([compare(float_seen, candidates, in_order=True)]).box_iou_mean
    0.93
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.detections import Detections, Float32s
from edge.geometry import iou
from export.quantize.judging.reasons import why_boxes_are_refused


@dataclass(frozen=True)
class Sure:
    """The candidates of a float model in one picture that are at or above its threshold, not yet suppressed.

    Attributes:
        boxes: in pixels of the picture.
        rows: int (k,) their places among all candidates.
        total: how many candidates there were.
    """

    boxes: Detections
    rows: npt.NDArray[np.intp]
    total: int

    @classmethod
    def of(cls, candidates: Detections, threshold: float) -> Sure:
        """Pick the sure ones of all candidates of a picture."""
        rows = np.flatnonzero(candidates.confidence >= threshold)
        return cls(candidates[rows], rows, len(candidates))


@dataclass(frozen=True)
class Compared:
    """One picture: for each sure candidate of the float model its IoU, difference of confidence, and class.

    Attributes:
        iou: float32 (k,), 0..1.
        difference: float32 (k,), confidence of the variant minus that of the float model.
        same_class: float32 (k,), 1 where the classes agree.
    """

    iou: Float32s
    difference: Float32s
    same_class: Float32s


@dataclass(frozen=True)
class Agreement:
    """All pictures together; every mean is over the float model's sure candidates.

    Attributes:
        candidates: how many those are.
        box_iou_mean: mean IoU with the float model's box, 0..1.
        score_agreement: 1 - mean absolute difference of confidence, 0..1.
        class_agreement: share of equal classes, 0..1.
    """

    candidates: int
    box_iou_mean: float
    score_agreement: float
    class_agreement: float

    @classmethod
    def of(cls, compared: Sequence[Compared]) -> Agreement:
        """Average over pictures, each candidate counting once; at least one picture must hold one."""
        overlap = np.concatenate([c.iou for c in compared])
        difference = np.concatenate([c.difference for c in compared])
        same = np.concatenate([c.same_class for c in compared])
        return cls(len(overlap), float(overlap.mean()), float(1 - np.abs(difference).mean()), float(same.mean()))

    def details(self) -> dict[str, float]:
        """Return the figures by name."""
        return {
            "box_iou_mean": self.box_iou_mean,
            "score_agreement": self.score_agreement,
            "class_agreement": self.class_agreement,
        }

    @property
    def reason(self) -> str:
        """Why the variant is refused whatever its AP, in one sentence; empty where nothing is wrong."""
        return why_boxes_are_refused(self.box_iou_mean, self.score_agreement, self.class_agreement)


def compare(reference: Sure, candidates: Detections, in_order: bool) -> Compared:
    """Compare one picture.

    Args:
        reference: what the float model is sure of.
        candidates: all candidates of the variant, pixels of the picture.
        in_order: whether candidates of the two have one order (if there are as many).
    """
    if not in_order or len(candidates) != reference.total:
        return _compare_by_rank(reference.boxes, candidates)
    theirs = candidates[reference.rows]
    same = reference.boxes.class_id == theirs.class_id
    return Compared(
        _iou_of_pairs(reference.boxes.xyxy, theirs.xyxy),
        theirs.confidence - reference.boxes.confidence,
        np.asarray(same, np.float32),
    )


def _compare_by_rank(sure: Detections, theirs: Detections) -> Compared:
    overlap = iou(sure.xyxy, theirs.xyxy)
    if not len(theirs):
        nothing = np.zeros(len(sure), np.float32)
        return Compared(nothing, -sure.confidence, nothing)
    ranked = np.zeros(len(sure), np.float32)
    best = np.sort(theirs.confidence)[::-1][: len(sure)]
    ranked[: len(best)] = best
    nearest = overlap.argmax(axis=1) if len(sure) else np.zeros(0, np.intp)
    same = sure.class_id == theirs.class_id[nearest]
    return Compared(
        overlap.max(axis=1, initial=0), ranked - np.sort(sure.confidence)[::-1], np.asarray(same, np.float32)
    )


def _iou_of_pairs(a: Float32s, b: Float32s) -> Float32s:
    """Return (n,): the IoU of row i of one with row i of the other."""
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    overlap = np.prod(np.maximum(high - low, 0), axis=1)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1) for boxes in (a, b)]
    union = areas[0] + areas[1] - overlap
    return np.asarray(np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0), np.float32)
