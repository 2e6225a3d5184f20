"""AP50 of two models on the same images, and the interval of its drop, without sorting anew for each draw.

Drawing images with replacement gives every detection of an image the same whole weight, so all detections are sorted
once and a draw only changes the weights (the figures equal those of `export.evaluation.coco.measure` on the drawn
images but for ties of confidence; images are drawn for both models alike, which makes the bootstrap paired).

    >>> column = Ap50.of([match_image(truth, found)])
    >>> column.figure()
    1.0
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from export.evaluation.coco import RECALL_POINTS, BoolArray, FloatArray, ImageMatch

RESAMPLES = 1000


@dataclass(frozen=True)
class Ap50:
    """All detections of a set of images that no crowd hides, most confident first.

    Attributes:
        image: int (d,) image of each detection.
        correct: bool (d,) whether it took a box at IoU 0.5.
        boxes: float64 (n,) boxes of each image.
    """

    image: npt.NDArray[np.intp]
    correct: BoolArray
    boxes: FloatArray

    @classmethod
    def of(cls, matches: Sequence[ImageMatch]) -> Ap50:
        """Lay out matched images; the first IoU threshold of each must be 0.5."""
        none = [np.zeros(0)]
        confidence = np.concatenate([*none, *(match.confidence for match in matches)])
        correct = np.concatenate([*none, *(match.correct[0] for match in matches)]).astype(np.bool_)
        ignored = np.concatenate([*none, *(match.ignored[0] for match in matches)]).astype(np.bool_)
        image = np.repeat(np.arange(len(matches)), [len(match.confidence) for match in matches])
        order = np.argsort(-confidence, kind="stable")
        order = order[~ignored[order]]
        return cls(image[order], correct[order], np.array([match.boxes for match in matches], np.float64))

    def figure(self, weight: FloatArray | None = None) -> float:
        """Return AP50, 0..1, of images that count `weight` (n,) times each (once, if None); nan without a box."""
        weight = np.ones(len(self.boxes)) if weight is None else weight
        boxes = float(weight @ self.boxes)
        if boxes == 0:
            return float("nan")
        each = weight[self.image]
        hits, seen = np.cumsum(each * self.correct), np.cumsum(each)
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
        return float(envelope[np.searchsorted(hits / boxes, RECALL_POINTS, side="left")].mean())


def drop_interval(first: Ap50, second: Ap50, resamples: int = RESAMPLES, seed: int = 0) -> tuple[float, float] | None:
    """Estimate the 95 % interval of first - second, both 0..1, over the same images (paired bootstrap).

    Returns:
        Lower and upper bound, or None where fewer than two images hold a box.
    """
    n = len(first.boxes)
    if np.count_nonzero(first.boxes) < 2:
        return None
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)
    drops = np.array([first.figure(draw) - second.figure(draw) for draw in draws])
    low, high = np.percentile(drops[~np.isnan(drops)], [2.5, 97.5])
    return float(low), float(high)
