"""When a variant is refused whatever its figure, and the one sentence that says why.

The limits are far from what honest quantization does (docs/check.md has figures): they tell broken files, not losses.
"""

from __future__ import annotations

from collections.abc import Mapping

LEAST_IOU = 0.5
LEAST_SCORE_AGREEMENT = 0.8
LEAST_CLASS_AGREEMENT = 0.8
LEAST_COSINE = 0.7
MOST_ALIKE = 0.9
"""Share of the float model's spread of vectors that a variant may lose before its vectors count as collapsed."""


def why_boxes_are_refused(box_iou: float, score_agreement: float, class_agreement: float) -> str:
    """Say what is broken about a detector: boxes, confidences or classes; empty where nothing is.

    Args:
        box_iou: mean IoU with the float model's boxes, 0..1.
        score_agreement: 1 - mean absolute difference of confidence, 0..1.
        class_agreement: share of equal classes, 0..1.
    """
    figures = f"mean IoU {box_iou:.2f} with the float model's boxes, confidences differ by {1 - score_agreement:.2f}"
    if box_iou < LEAST_IOU and score_agreement >= LEAST_SCORE_AGREEMENT:
        return (
            f"its boxes have collapsed while its scores look right ({figures}): one scale covers boxes and scores, or "
            "the boxes are clamped: keep the outputs of the boxes in float"
        )
    if box_iou < LEAST_IOU:
        return f"neither its boxes nor its scores follow the float model ({figures})"
    if score_agreement < LEAST_SCORE_AGREEMENT:
        return f"its scores do not follow the float model while its boxes do ({figures})"
    if class_agreement < LEAST_CLASS_AGREEMENT:
        return f"it gives {1 - class_agreement:.0%} of the float model's boxes another class"
    return ""


def why_vectors_are_refused(cosine_p05: float, spread: float, agreement: float) -> str:
    """Say what is broken about an embedder; empty where nothing is.

    Args:
        cosine_p05: 5th percentile of the cosine with the float model's vector of the same crop, -1..1.
        spread: how far apart its vectors of different crops are, as a share of the float model's, from 0.
        agreement: share of crops whose nearest neighbour is the float model's, 0..1.
    """
    if spread < 1 - MOST_ALIKE:
        return f"its vectors have collapsed: different crops lie {spread:.0%} as far apart as the float model's"
    if cosine_p05 < LEAST_COSINE:
        return (
            f"its vectors have left the float model's space: the 5th percentile of their cosine is {cosine_p05:.2f} "
            f"(below {LEAST_COSINE:g}), and a catalogue of the float model is searched with them "
            f"({agreement:.0%} of the nearest neighbours agree)"
        )
    return ""


def why_tags_are_refused(
    shares: Mapping[str, tuple[float, float]], lost: Mapping[str, tuple[float, float] | None], max_drop: float
) -> str:
    """Say which figure of tags has fallen for certain, though the right product may still stand first.

    Args:
        shares: each figure of the float chain and of the variant's, 0..1.
        lost: interval of its drop, points; None where there is none.
        max_drop: the budget, points.
    """
    for name, interval in lost.items():
        if interval is not None and interval[0] > max_drop:
            one, other = shares[name]
            return (
                f"its {name.replace('_', ' ')} falls from {100 * one:.1f} to {100 * other:.1f} %: similarities have "
                "moved away from the thresholds of the bundle"
            )
    return ""
