"""Average precision and recall of a one-class detector, as the COCO evaluation defines them.

Role: the core of ``export evaluate --coco``; it takes arrays and returns numbers, and reads nothing.
All classes are one. Matching is greedy by confidence at each IoU threshold, precision is interpolated at
101 recall points, and a crowd region hides the detections inside it; the numbers equal those of pycocotools
(Lin et al. 2014, arXiv 1405.0312; github.com/cocodataset/cocoapi, PythonAPI/pycocotools/cocoeval.py).

Invariants: the order of images changes nothing but ties of confidence; a set without a single box has no
average precision, which is ``nan`` here and ``null`` in a document.

Example:
    >>> import numpy as np
    >>> truth = ImageTruth(np.array([[0.0, 0.0, 10.0, 10.0]]))
    >>> found = ImageDetections(np.array([[0.0, 0.0, 10.0, 9.0]]), np.array([0.8]))
    >>> round(measure([match_image(truth, found)]).ap50, 3)
    1.0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

IOU_THRESHOLDS: FloatArray = np.linspace(0.5, 0.95, 10)
RECALL_POINTS: FloatArray = np.linspace(0.0, 1.0, 101)
DETECTIONS_PER_IMAGE = 100
DETECTIONS_FOR_RECALL = 10


@dataclass(frozen=True)
class ImageTruth:
    """Labelled boxes of one image: ``xyxy`` (n, 4) in pixels, ``crowd`` (n,) true for a region of many."""

    xyxy: FloatArray
    crowd: BoolArray = field(default_factory=lambda: np.zeros(0, np.bool_))

    def __post_init__(self) -> None:
        """Bring both arrays to their shapes; boxes given without ``crowd`` are single objects."""
        xyxy = np.asarray(self.xyxy, np.float64)
        crowd = np.asarray(self.crowd, np.bool_)
        _set(self, "xyxy", _boxes(xyxy))
        _set(self, "crowd", np.zeros(len(self.xyxy), np.bool_) if crowd.size == 0 else crowd)
        if self.crowd.shape != (len(self.xyxy),):
            raise ValueError(f"crowd has shape {self.crowd.shape}, expected ({len(self.xyxy)},)")


@dataclass(frozen=True)
class ImageDetections:
    """What a detector found in one image: ``xyxy`` (n, 4) in pixels and ``confidence`` (n,)."""

    xyxy: FloatArray
    confidence: FloatArray

    def __post_init__(self) -> None:
        """Bring both arrays to their shapes."""
        _set(self, "xyxy", _boxes(np.asarray(self.xyxy, np.float64)))
        _set(self, "confidence", np.asarray(self.confidence, np.float64).reshape(-1))
        if len(self.confidence) != len(self.xyxy):
            raise ValueError(f"{len(self.confidence)} confidences for {len(self.xyxy)} boxes")


@dataclass(frozen=True)
class ImageMatch:
    """One image after matching: detections from the most to the least confident, at every IoU threshold.

    ``confidence`` (d,); ``correct`` (t, d) true where a detection took a labelled box; ``ignored`` (t, d)
    true where it fell into a crowd region instead; ``boxes`` is the number of labelled single objects.
    """

    confidence: FloatArray
    correct: BoolArray
    ignored: BoolArray
    boxes: int


@dataclass(frozen=True)
class DetectionMeasure:
    """Average precision and recall over a set of images; ``nan`` where there is nothing to find."""

    images: int
    boxes: int
    ap50: float
    ap50_95: float
    ar50_at_10: float


@dataclass(frozen=True)
class OperatingPoint:
    """What a fixed threshold yields: recall and precision at IoU 0.5, and detections per image."""

    threshold: float
    recall: float
    precision: float
    detections_per_image: float


def iou_matrix(a_xyxy: FloatArray, b_xyxy: FloatArray, crowd: BoolArray | None = None) -> FloatArray:
    """Measure the overlap of every pair of boxes.

    Args:
        a_xyxy: (n, 4) boxes in pixels.
        b_xyxy: (m, 4) boxes in pixels.
        crowd: (m,) true where the overlap is divided by the area of ``a`` alone, as COCO does for crowds.

    Returns:
        (n, m) values of 0 to 1; a pair without area has 0.
    """
    top_left = np.maximum(a_xyxy[:, None, :2], b_xyxy[None, :, :2])
    bottom_right = np.minimum(a_xyxy[:, None, 2:], b_xyxy[None, :, 2:])
    shared = np.prod(np.clip(bottom_right - top_left, 0.0, None), axis=2)
    area_a, area_b = _area(a_xyxy)[:, None], _area(b_xyxy)[None, :]
    whole = area_a + area_b - shared
    if crowd is not None:
        whole = np.where(crowd[None, :], area_a, whole)
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0), np.float64)


def match_image(truth: ImageTruth, found: ImageDetections, iou_thresholds: FloatArray = IOU_THRESHOLDS) -> ImageMatch:
    """Match the detections of one image to its labels, most confident first.

    Args:
        truth: Labelled boxes.
        found: Detections in any order; only the 100 most confident count.
        iou_thresholds: (t,) rising thresholds of overlap.

    Returns:
        Which detections were correct, and which a crowd region hides.
    """
    order = np.argsort(-found.confidence, kind="stable")[:DETECTIONS_PER_IMAGE]
    single, crowd = truth.xyxy[~truth.crowd], truth.xyxy[truth.crowd]
    overlap = iou_matrix(found.xyxy[order], single)
    hidden = iou_matrix(found.xyxy[order], crowd, np.ones(len(crowd), np.bool_)).max(axis=1, initial=0.0)
    correct = np.stack([_greedy(overlap, threshold) for threshold in iou_thresholds])
    ignored = ~correct & (hidden[None, :] >= iou_thresholds[:, None])
    return ImageMatch(found.confidence[order], correct, ignored, len(single))


def measure(matches: Sequence[ImageMatch]) -> DetectionMeasure:
    """Sum up matched images as COCO does.

    Args:
        matches: One entry an image, matched at ``IOU_THRESHOLDS``.

    Returns:
        AP at IoU 0.5, mean AP over 0.5 to 0.95, and recall at IoU 0.5 with ten detections an image.
    """
    boxes = sum(match.boxes for match in matches)
    if boxes == 0:
        return DetectionMeasure(len(matches), 0, np.nan, np.nan, np.nan)
    confidence = np.concatenate([match.confidence for match in matches])
    order = np.argsort(-confidence, kind="stable")
    correct = np.concatenate([match.correct for match in matches], axis=1)[:, order]
    ignored = np.concatenate([match.ignored for match in matches], axis=1)[:, order]
    precision = [_average_precision(row[~skip], boxes) for row, skip in zip(correct, ignored, strict=True)]
    recalled = sum(int(match.correct[0, :DETECTIONS_FOR_RECALL].sum()) for match in matches)
    return DetectionMeasure(len(matches), boxes, precision[0], float(np.mean(precision)), recalled / boxes)


def at_threshold(matches: Sequence[ImageMatch], threshold: float) -> OperatingPoint:
    """Tell what one confidence threshold yields at IoU 0.5.

    Args:
        matches: One entry an image.
        threshold: Detections below it are dropped, 0 to 1.

    Returns:
        Recall (``nan`` without labels), precision (``nan`` without detections) and detections an image.
    """
    kept = [match.confidence >= threshold for match in matches]
    correct = sum(int(match.correct[0, keep].sum()) for match, keep in zip(matches, kept, strict=True))
    counted = sum(int((keep & ~match.ignored[0]).sum()) for match, keep in zip(matches, kept, strict=True))
    boxes = sum(match.boxes for match in matches)
    return OperatingPoint(
        threshold=threshold,
        recall=correct / boxes if boxes else np.nan,
        precision=correct / counted if counted else np.nan,
        detections_per_image=counted / len(matches) if matches else 0.0,
    )


def interval(
    matches: Sequence[ImageMatch], figure: str = "ap50", resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Estimate the 95 % interval of a figure by resampling images (percentile bootstrap, Efron 1979).

    Args:
        matches: One entry an image.
        figure: Name of a field of ``DetectionMeasure``.
        resamples: How many sets are drawn.
        seed: Seed of the draw.

    Returns:
        Lower and upper bound; ``nan`` where no drawn set has a label.
    """
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, max(len(matches), 1), (resamples, len(matches)))
    figures = np.array([getattr(measure([matches[i] for i in draw]), figure) for draw in draws], np.float64)
    figures = figures[~np.isnan(figures)]
    if figures.size == 0:
        return np.nan, np.nan
    low, high = np.percentile(figures, [2.5, 97.5])
    return float(low), float(high)


def _greedy(overlap: FloatArray, threshold: float) -> BoolArray:
    """Give each detection (row) the free label of highest overlap; of equal ones the last, as COCO does."""
    free = overlap.copy()
    correct = np.zeros(len(overlap), np.bool_)
    limit = min(threshold, 1 - 1e-10)
    for row in range(len(overlap) if overlap.shape[1] else 0):
        best = overlap.shape[1] - 1 - int(np.argmax(free[row, ::-1]))
        if free[row, best] >= limit:
            correct[row] = True
            free[:, best] = -1.0
    return correct


def _average_precision(correct: BoolArray, boxes: int) -> float:
    """Average the interpolated precision over 101 recall points; ``correct`` falls in confidence."""
    hits = np.cumsum(correct)
    recall = hits / boxes
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(recall, RECALL_POINTS, side="left")].mean())


def _boxes(xyxy: FloatArray) -> FloatArray:
    if xyxy.size == 0:
        return np.zeros((0, 4), np.float64)
    if xyxy.ndim != 2 or xyxy.shape[1] != 4:
        raise ValueError(f"boxes have shape {xyxy.shape}, expected (n, 4)")
    return xyxy


def _area(xyxy: FloatArray) -> FloatArray:
    return np.asarray(np.prod(np.clip(xyxy[:, 2:] - xyxy[:, :2], 0.0, None), axis=1), np.float64)


def _set(record: object, name: str, value: object) -> None:
    object.__setattr__(record, name, value)
