"""Was it worth it? Two detectors on the same photos that neither learnt from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge.detector import Detector
from export.evaluation.coco import ImageMatch, at_threshold, interval, measure
from export.train.detector.judging import LOWEST_CONFIDENCE, judge
from export.train.detector.samples import Sample

RESAMPLES = 500
CANDIDATES = tuple(round(0.2 + 0.05 * i, 2) for i in range(11))


@dataclass(frozen=True)
class Comparison:
    """Two detectors, photo by photo.

    Attributes:
        former, new: matches of the same photos.
        former_threshold, new_threshold: what each bundle says.
    """

    former: Sequence[ImageMatch]
    new: Sequence[ImageMatch]
    former_threshold: float
    new_threshold: float

    def gain(self) -> tuple[float, float, float]:
        """Return the gain in AP50 and its 95 % interval (paired bootstrap over photos, Efron 1979)."""
        rng, gains = np.random.default_rng(0), []
        for draw in rng.integers(0, len(self.new), (RESAMPLES, len(self.new))):
            pair = (measure([side[i] for i in draw]).ap50 for side in (self.new, self.former))
            gains.append(next(pair) - next(pair))
        low, high = np.nanpercentile(gains, [2.5, 97.5])
        return measure(self.new).ap50 - measure(self.former).ap50, float(low), float(high)

    def document(self) -> dict[str, Any]:
        """Return all figures."""
        gain, low, high = self.gain()
        return {
            "pictures": len(self.new),
            "boxes": measure(self.new).boxes,
            "former": _figures(self.former, self.former_threshold),
            "new": _figures(self.new, self.new_threshold),
            "gain_ap50": gain,
            "gain_ap50_ci95": [low, high],
            "verdict": self.verdict(),
        }

    def verdict(self) -> str:
        """Return one sentence that says whether the new detector is worth using."""
        gain, low, high = self.gain()
        if low > 0:
            return f"better by {gain:.3f} AP50 ({low:.3f} to {high:.3f}): use the new bundle"
        if high < 0:
            return f"worse by {-gain:.3f} AP50 ({-high:.3f} to {-low:.3f}): keep the bundle that you have"
        return (
            f"not told apart: {gain:+.3f} AP50 ({low:+.3f} to {high:+.3f}) on {len(self.new)} pictures: "
            "label more pictures to know"
        )


def compare(former: Detector, new: Detector, photos: Sequence[Sample]) -> Comparison:
    """Run both detectors on the photos."""
    before, after = judge(_eager(former), photos), judge(_eager(new), photos)
    return Comparison(before, after, former.decoding.score_threshold, new.decoding.score_threshold)


def best_threshold(detector: Detector, photos: Sequence[Sample]) -> float:
    """Return the threshold with the best F1 on some photos, the lowest of equals."""
    matches = judge(_eager(detector), photos)
    return max(CANDIDATES, key=lambda threshold: _f1(matches, threshold))


def _f1(matches: Sequence[ImageMatch], threshold: float) -> float:
    point = at_threshold(matches, threshold)
    total = point.recall + point.precision
    return 2 * point.recall * point.precision / total if total > 0 else 0.0


def _eager(detector: Detector) -> Detector:
    return replace(detector, decoding=replace(detector.decoding, score_threshold=LOWEST_CONFIDENCE))


def _figures(matches: Sequence[ImageMatch], threshold: float) -> dict[str, Any]:
    whole, point = measure(matches), at_threshold(matches, threshold)
    return {
        "ap50": whole.ap50,
        "ap50_ci95": interval(matches, "ap50"),
        "ar50_at_10": whole.ar50_at_10,
        "threshold": threshold,
        "recall": point.recall,
        "precision": None if np.isnan(point.precision) else point.precision,
    }
