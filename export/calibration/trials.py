"""Trials: photos, pictures or decisions, and the false tags that each would get at thresholds low enough.

A tag is given where its similarity and its margin reach the thresholds, and whatever a photo gets at higher thresholds
it gets at lower ones. So a trial that fails at some thresholds fails at all lower ones, which makes the rate of false
tags fall with either threshold, in the sample as in truth.

    >>> trials = false_tags("nothing", answers)
    >>> trials.p_values(margin=0.05, similarities=GRID, rate=0.05)
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from edge.detections import Int32s, require_shape
from export.calibration.bounds import Float64s, interval, mean_p_values, mean_upper_bound, p_values, upper_bound
from export.evaluation.retrieval import NOTHING, Answers, possible_tags

Ints = npt.NDArray[np.int64]
NEVER = -2.0
"""Below every similarity: no threshold lets such a tag through."""


@dataclass(frozen=True)
class Trials:
    """n trials of one kind, with k false tags in all.

    Attributes:
        name: which kind, see `edge.shard.calibration.TRIALS`.
        count: n.
        trial: int (k,) which trial each false tag belongs to.
        similarity: float64 (k,), -1..1.
        margin: float64 (k,), 0..2.
        device: int (n,) whose each trial is: the device whose trials speak most for stricter thresholds is not
            counted, so that no single one can bring them about. Empty: the trials are nobody's, and all count.
        product: int (n,) what each is a trial of, where a product counts once, with the share of its trials that fail.
            Empty: each trial counts by itself. Not both.
    """

    name: str
    count: int
    trial: Ints
    similarity: Float64s
    margin: Float64s
    device: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    product: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        k = len(self.trial)
        require_shape("similarity", self.similarity, (k,))
        require_shape("margin", self.margin, (k,))
        require_shape("device", self.device, (self.count if len(self.device) else 0,))
        require_shape("product", self.product, (self.count if len(self.product) else 0,))

    @property
    def products(self) -> int | None:
        """How many products count once each; None where every trial counts by itself."""
        return len(np.unique(self.product)) if len(self.product) else None

    @property
    def countable(self) -> int:
        """How many trials count, or products, when the device with the most is left out."""
        if self.products is not None:
            return self.products
        return self.count - int(np.bincount(self.device).max()) if len(self.device) else self.count

    def p_values(self, margin: float, similarities: Float64s, rate: float) -> Float64s:
        """Return (g,): how likely so few false tags are, at each similarity threshold, if the rate were `rate`.

        Args:
            margin: the margin threshold.
            similarities: (g,) similarity thresholds.
            rate: above 0, below 1.
        """
        if self.products is not None:
            return mean_p_values(self._means(margin, similarities), self.products, rate)
        return np.asarray(
            np.min([p_values(n, rate)[false] for n, false in self._counted(margin, similarities)], axis=0), np.float64
        )

    def outcome(self, margin: float, similarity: float, error: float) -> tuple[int, float]:
        """Return how many trials get a false tag at two thresholds, and the bound of their rate."""
        false = int((self._worst(margin) >= similarity).sum())
        if self.products is not None:
            return false, mean_upper_bound(float(self._means(margin, np.array([similarity]))[0]), self.products, error)
        counted = self._counted(margin, np.array([similarity]))
        return false, min(upper_bound(int(some[0]), n, error) for n, some in counted)

    def measured(self, margin: float, similarity: float) -> tuple[int, float, tuple[float, float]]:
        """Return how many trials get a false tag at two thresholds, their rate, and its 95 % interval.

        Where a product counts once, the rate is the mean over products of the share of their trials that fail.
        """
        false = int((self._worst(margin) >= similarity).sum())
        if self.products is None:
            return false, false / self.count if self.count else 0.0, interval(false, self.count)
        mean = float(self._means(margin, np.array([similarity]))[0])
        low, high = 1 - mean_upper_bound(1 - mean, self.products, 0.025), mean_upper_bound(mean, self.products, 0.025)
        return false, mean, (low, high)

    def _counted(self, margin: float, similarities: Float64s) -> list[tuple[int, Ints]]:
        """Return (number of trials, (g,) false ones) of all trials, or without each of the devices in turn."""
        worst = self._worst(margin)
        whole = _at_least(worst, similarities)
        if not len(self.device):
            return [(self.count, whole)]
        own = [worst[self.device == device] for device in np.unique(self.device)]
        return [(self.count - len(theirs), whole - _at_least(theirs, similarities)) for theirs in own]

    def _means(self, margin: float, similarities: Float64s) -> Float64s:
        """Return (g,): at each threshold, the mean over products of the share of their trials that fail."""
        worst = self._worst(margin)
        _, of, sizes = np.unique(self.product, return_inverse=True, return_counts=True)
        order = np.argsort(worst)
        weights = np.concatenate([np.cumsum((1 / sizes[of[order]])[::-1])[::-1], [0.0]]) / len(sizes)
        return np.asarray(weights[np.searchsorted(worst[order], similarities, side="left")], np.float64)

    def _worst(self, margin: float) -> Float64s:
        """Return (n,): the most similar false tag of each trial whose margin reaches the threshold."""
        worst = np.full(self.count, NEVER)
        sure = self.margin >= margin
        np.maximum.at(worst, self.trial[sure], self.similarity[sure])
        return worst


@dataclass(frozen=True)
class RightTags:
    """The right tags that are possible, at most one for each of n photos that show a product.

    Attributes:
        photos: n.
        similarity: float64 (r,), -1..1.
        margin: float64 (r,), 0..2.
    """

    photos: int
    similarity: Float64s
    margin: Float64s

    def kept(self, margin: float, similarities: Float64s) -> Ints:
        """Return (g,): how many are given at each similarity threshold."""
        return _at_least(self.similarity[self.margin >= margin], similarities)


def false_tags(name: str, answers: Answers, photos: npt.NDArray[np.bool_], product: Ints | None = None) -> Trials:
    """Return the false tags of some photos: tags that name a product which the photo does not show.

    Args:
        name: which kind of trial they are.
        answers: what the kit said about n photos.
        photos: (n,) which of them are meant.
        product: int (n,) what each of the n shows, where a product is to count once; None: every photo counts.
    """
    found = possible_tags(answers)
    false = photos[found.photo] & (found.product != answers.expected[found.photo])
    place: Int32s = np.asarray(np.cumsum(photos) - 1, np.int32)
    trial = place[found.photo[false]].astype(np.int64)
    trials = Trials(name, int(photos.sum()), trial, found.similarity[false], found.margin[false])
    return trials if product is None else replace(trials, product=product[photos])


def right_tags(answers: Answers) -> RightTags:
    """Return the right tags of the photos that show a product."""
    found = possible_tags(answers)
    right = found.product == answers.expected[found.photo]
    return RightTags(int((answers.expected != NOTHING).sum()), found.similarity[right], found.margin[right])


def _at_least(values: Float64s, thresholds: Float64s) -> Ints:
    """Return (g,): how many values reach each threshold."""
    return len(values) - np.searchsorted(np.sort(values), thresholds, side="left").astype(np.int64)
