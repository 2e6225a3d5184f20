"""Box geometry on plain arrays: clip, area, overlaps, nms. Boxes are float32 (n, 4) xyxy in pixels; n may be 0."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s


def clip_xyxy(xyxy: Float32s, resolution_wh: tuple[int, int]) -> Float32s:
    """Clip boxes to the picture.

    Args:
        xyxy: (n, 4) boxes, any finite values.
        resolution_wh: width and height of the picture in pixels.

    Returns:
        (n, 4) boxes with 0 <= x <= width and 0 <= y <= height.
    """
    width, height = resolution_wh
    return np.clip(xyxy, 0, np.array([width, height, width, height], np.float32)).astype(np.float32)


def area(xyxy: Float32s) -> Float32s:
    """Return the (n,) areas in square pixels; a box whose corners are swapped has area 0."""
    width = np.maximum(xyxy[:, 2] - xyxy[:, 0], 0)
    height = np.maximum(xyxy[:, 3] - xyxy[:, 1], 0)
    return np.asarray(width * height, np.float32)


def iou(a: Float32s, b: Float32s) -> Float32s:
    """Return the (len(a), len(b)) intersection over union, 0..1; pairs without any area give 0."""
    overlap = _overlap(a, b)
    union = area(a)[:, None] + area(b)[None, :] - overlap
    return np.asarray(np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0), np.float32)


def share_inside(a: Float32s, b: Float32s) -> Float32s:
    """Return the (len(a), len(b)) shares of the area of each of a that lie inside each of b, 0..1; 0 without area."""
    overlap, whole = _overlap(a, b), np.broadcast_to(area(a)[:, None], (len(a), len(b)))
    return np.asarray(np.divide(overlap, whole, out=np.zeros_like(overlap), where=whole > 0), np.float32)


def _overlap(a: Float32s, b: Float32s) -> Float32s:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.asarray(np.prod(np.maximum(high - low, 0), axis=2), np.float32)


def nms(xyxy: Float32s, confidence: Float32s, iou_threshold: float, limit: int | None = None) -> npt.NDArray[np.intp]:
    """Keep the most confident of every group of overlapping boxes (greedy, class-agnostic).

    Args:
        xyxy: (n, 4) boxes.
        confidence: (n,) confidences.
        iou_threshold: boxes that overlap a kept one by more than this are dropped, 0..1 (1 keeps all).
        limit: stop after this many.

    Returns:
        Rows to keep, most confident first; ties keep the order in which the boxes came.
    """
    order = np.argsort(-confidence, kind="stable")
    if iou_threshold >= 1:
        return order[:limit]
    keep: list[int] = []
    while len(order) and (limit is None or len(keep) < limit):
        best, rest = order[0], order[1:]
        keep.append(int(best))
        order = rest[iou(xyxy[best : best + 1], xyxy[rest])[0] <= iou_threshold]
    return np.asarray(keep, np.intp)
