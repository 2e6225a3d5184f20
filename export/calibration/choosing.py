"""From trials to thresholds: the pair that keeps the most right tags among those that are shown to hold the promise.

The family of pairs is fixed before any photo is looked at: a few margins, derived from the bundle's, and for each the
similarities from 1 down to 0 in steps of 0.005. For each margin the pairs are tested from the strictest on, and the
first that fails ends it: fixed-sequence testing, one start for each margin, the error shared out evenly between them.
So every pair that passed holds the promise, all at once, with the promised confidence, and any of them may be chosen:
Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then Test: calibrating predictive algorithms to achieve risk
control", arXiv 2110.01052, section 3 (fixed-sequence testing after Wiens, Pharm. Stat. 2, 2003). Since the rate falls
with the thresholds, each sequence amounts to the upper bound of Bates, Angelopoulos, Lei, Malik and Jordan,
"Distribution-free, risk-controlling prediction sets", J. ACM 68, 2021.

The promise holds for each kind of trial by itself, so for every mixture of them: a pair passes only where each kind
does (an intersection-union test, Berger, Technometrics 24, 1982, which needs no correction).

    >>> choose([nothing, shows], right, Promise(0.05, 0.95), bundle.matching).matching
    Matching(similarity_threshold=0.79, margin_threshold=0.05)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.bundle import Matching
from edge.errors import BudgetNotMet
from edge.shard.calibration import Kept, Trial
from export.calibration.bounds import Float64s, trials_needed
from export.calibration.trials import RightTags, Trials

STEPS = 200
GRID: Float64s = np.arange(STEPS, -1, -1) / STEPS
"""Similarity thresholds, strictest first."""
TIMES = (1, 0, 2, 4)
"""Margin thresholds, as multiples of the bundle's; the first where there is enough for one only."""
WITHOUT_MARGIN = (0.0, 0.025, 0.05, 0.1)
"""Margin thresholds where the bundle has none."""
WHAT = {
    "nothing": "photos that show nothing from the catalogue",
    "left_out": "photos asked without their product",
    "shows": "photos of a product",
    "products": "products with a picture",
    "decisions": "decisions beside those of any one device",
}


@dataclass(frozen=True)
class Promise:
    """A rate of false tags that is not exceeded, with a confidence; both above 0, below 1."""

    max_false_tags: float
    confidence: float

    @property
    def needed(self) -> int:
        """The fewest trials of a kind that can show it."""
        return trials_needed(self.max_false_tags, self.confidence)


@dataclass(frozen=True)
class Chosen:
    """Thresholds, what they leave of the right tags (None: not known), and how each kind of trial came out."""

    matching: Matching
    kept: Kept | None
    trials: tuple[Trial, ...]


def choose(trials: Sequence[Trials], right: RightTags | None, promise: Promise, default: Matching) -> Chosen:
    """Choose thresholds.

    Args:
        trials: of every kind, at least one kind.
        right: the right tags that are possible; None where no labels say so.
        promise: what must hold.
        default: the bundle's thresholds; its margin is where the family begins.

    Raises:
        BudgetNotMet: there are too few trials of a kind, or not even the strictest thresholds hold the promise.
    """
    require_enough(trials, promise)
    margins = margins_of(default, trials, right, promise)
    error = (1 - promise.confidence) / len(margins)
    passed = [(margin, loosest) for margin in margins if (loosest := _loosest(trials, margin, promise, error)) >= 0]
    if not passed:
        raise BudgetNotMet(_why_none(trials, margins, error))
    margin, at = max(passed, key=lambda pair: _kept(right, *pair))
    similarity = float(GRID[at])
    outcomes = [(one, one.outcome(margin, similarity, error)) for one in trials]
    return Chosen(
        Matching(similarity, margin),
        None if right is None else Kept(right.photos, len(right.similarity), _kept(right, margin, at)),
        tuple(Trial(one.name, one.count, one.products, false, round(bound, 4)) for one, (false, bound) in outcomes),
    )


def require_enough(trials: Sequence[Trials], promise: Promise) -> None:
    """Raise `BudgetNotMet` where no outcome of so few trials could show the promise."""
    for one in trials:
        if one.countable < promise.needed:
            what = WHAT[one.name] if one.products is None else f"products with {WHAT[one.name]}"
            raise BudgetNotMet(
                f"{one.countable} {what} are too few to promise at most {promise.max_false_tags:.2%} false "
                f"tags with {promise.confidence:.0%} confidence: at least {promise.needed} are needed"
            )


def margins_of(
    default: Matching, trials: Sequence[Trials], right: RightTags | None, promise: Promise
) -> tuple[float, ...]:
    """Return the margins that are tried: one where labels or trials do not suffice to choose between several.

    How many there are depends on how many trials there are, never on how they came out, so the family stays fixed.
    """
    own = default.margin_threshold
    several = tuple(round(own * times, 6) for times in TIMES) if own else WITHOUT_MARGIN
    shared = trials_needed(promise.max_false_tags, 1 - (1 - promise.confidence) / len(several))
    enough = right is not None and all(one.countable >= shared for one in trials)
    return several if enough else several[:1]


def _loosest(trials: Sequence[Trials], margin: float, promise: Promise, error: float) -> int:
    """Return the place in `GRID` of the last pair of a sequence that passes, or -1 where the first one fails."""
    p = np.max([one.p_values(margin, GRID, promise.max_false_tags) for one in trials], axis=0)
    failed = np.flatnonzero(p > error)
    return (int(failed[0]) if len(failed) else len(GRID)) - 1


def _kept(right: RightTags | None, margin: float, at: int) -> int:
    return 0 if right is None else int(right.kept(margin, GRID[at : at + 1])[0])


def _why_none(trials: Sequence[Trials], margins: Sequence[float], error: float) -> str:
    outcomes = [(one, *one.outcome(max(margins), float(GRID[0]), error)) for one in trials]
    one, false, bound = max(outcomes, key=lambda outcome: outcome[2])
    return (
        f"no thresholds hold the promise: even at similarity {GRID[0]:.2f} {false} of {one.count} {WHAT[one.name]} get "
        f"a false tag (at most {bound:.1%} of all): look for products that stand in the catalogue twice"
    )
