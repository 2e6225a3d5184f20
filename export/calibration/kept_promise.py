"""Whether a calibration keeps its promise on other photos than those that it was made from.

>>> check_promise(calibration, matching, answered, with_second_look=True).document()["held"]
True
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge.bundle import Matching
from edge.shard.calibration import Calibration
from export.calibration.calibrating import of_photos
from export.calibration.tables import NAMES
from export.calibration.trials import Trials
from export.evaluation.photos import Answered
from export.evaluation.tables import aligned


@dataclass(frozen=True)
class Measured:
    """How often photos of one kind got a false tag.

    Attributes:
        name: which kind, see `edge.shard.calibration.TRIALS`.
        photos: how many.
        products: how many products they are of, where each product counts once; None: each photo counts by itself.
        false: how many of the photos got a false tag.
        rate: share of the photos that did, or the mean of that share over products, 0..1.
        ci95: 95 % interval of the rate, for photos (or products) that are drawn independently.
        held: whether the rate is at most the promised one.
    """

    name: str
    photos: int
    products: int | None
    false: int
    rate: float
    ci95: tuple[float, float]
    held: bool

    def document(self) -> dict[str, Any]:
        """Return it as it stands in the result document."""
        ci95 = [round(bound, 4) for bound in self.ci95]
        counts = {"photos": self.photos, "products": self.products, "false": self.false}
        return {**counts, "rate": round(self.rate, 4), "ci95": ci95, "held": self.held}


@dataclass(frozen=True)
class PromiseCheck:
    """A promise and what was measured of it, kind by kind; no kind where there was no photo."""

    max_false_tags: float
    confidence: float
    measured: tuple[Measured, ...]

    @property
    def held(self) -> bool | None:
        """Whether every kind held it; None where there was none."""
        return all(one.held for one in self.measured) if self.measured else None

    def document(self) -> dict[str, Any]:
        """Return it as it stands in the result document."""
        kinds = {one.name: one.document() for one in self.measured}
        promised = {"max_false_tags": self.max_false_tags, "confidence": self.confidence}
        return {**promised, "held": self.held, "measured": kinds}

    def table(self) -> str:
        """Return it as text."""
        said = {True: "held", False: "broken", None: "not measured"}
        lines = [f"promise of at most {self.max_false_tags:.2%} false tags: {said[self.held]}"]
        return lines[0] if not self.measured else f"{lines[0]}\n{aligned([_HEADINGS, *map(_row, self.measured)])}"


_HEADINGS = ["", "photos", "false", "rate"]


def check_promise(
    calibration: Calibration, matching: Matching, answered: Answered, with_second_look: bool
) -> PromiseCheck:
    """Count false tags at the thresholds of a calibration.

    Args:
        calibration: what was promised.
        matching: the thresholds in force.
        answered: what the kit said about other photos.
        with_second_look: whether as `edge tag` gives it; else by the embedder alone.
    """
    by_product = any(trial.products is not None for way in calibration.ways for trial in way.trials)
    trials, _ = of_photos(answered, with_second_look, by_product)
    measured = tuple(_measured(one, matching, calibration.max_false_tags) for one in trials)
    return PromiseCheck(calibration.max_false_tags, calibration.confidence, measured)


def _measured(trials: Trials, matching: Matching, promised: float) -> Measured:
    false, rate, ci95 = trials.measured(matching.margin_threshold, matching.similarity_threshold)
    return Measured(trials.name, trials.count, trials.products, false, rate, ci95, rate <= promised)


def _row(one: Measured) -> list[str]:
    low, high = one.ci95
    tried = str(one.photos) if one.products is None else f"{one.photos} of {one.products} products"
    return [NAMES[one.name], tried, str(one.false), f"{one.rate:.1%} ({low:.1%} to {high:.1%})"]
