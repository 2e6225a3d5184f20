"""Find the static int8 form of a model that holds the budget with as little float as possible.

Which ranges are taken is decided on the calibration pictures, by agreement with the float model: the evaluation's
pictures choose nothing, they accept or refuse. Where they refuse, layers go back to float, those first that gain most
for each multiply-add; at least 70 % of the multiply-adds stay in int8.

    >>> found = search(source, folder, chooser, judge, max_drop=1.0)
    >>> found.accepted, found.variant.int8_macs_share
    (True, 0.83)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.command_line import say
from export.quantize.judged import Judged
from export.quantize.layers import Layers
from export.quantize.onnx_source import OnnxSource
from export.quantize.ranges import RANGE_RULES, RangeRule
from export.quantize.variant import Variant

LEAST_SHARE = 0.7
JudgeVariant = Callable[[Variant], Judged]


@dataclass(frozen=True)
class Trial:
    """A form that was tried, and what the evaluation said of it."""

    variant: Variant
    judged: Judged
    accepted: bool


@dataclass(frozen=True)
class Found:
    """The result of the search.

    Attributes:
        plain: the form without any layer in float beyond the tail.
        chosen: the accepted form with the largest share of int8, or the best that was tried.
        trials: all that was tried, in order.
    """

    plain: Trial
    chosen: Trial
    trials: tuple[Trial, ...]


def search(
    source: OnnxSource, folder: Path, chooser: JudgeVariant, judge: JudgeVariant, max_drop: float
) -> Found:
    """Try the plain form, then forms with more and more layers in float.

    Args:
        source: the float model.
        folder: where files go; those of refused trials are removed.
        chooser: judges on the calibration pictures, to choose how ranges are taken.
        judge: judges on the evaluation's pictures.
        max_drop: largest loss that passes, points.
    """
    rule = _best_rule(source, folder, chooser)
    trials: list[Trial] = []

    def attempt(kept_float: tuple[str, ...]) -> Trial:
        variant = source.static(folder, rule, kept_float, tag=f"static-{len(trials)}")
        judged = judge(variant)
        trials.append(Trial(variant, judged, judged.passes(max_drop)))
        return trials[-1]

    plain = attempt(())
    if plain.accepted:
        return Found(plain, plain, tuple(trials))
    say(f"{source.stem}: int8 throughout loses {plain.judged.drop_points:.1f} points: returning layers to float")
    order = _affordable(source.order(), source.layers)
    chosen = _fewest(order, attempt) or min(trials, key=lambda trial: trial.judged.drop_points)
    return Found(plain, chosen, tuple(trials))


def _best_rule(source: OnnxSource, folder: Path, chooser: JudgeVariant) -> RangeRule:
    drops: dict[RangeRule, float] = {}
    for rule in RANGE_RULES:
        variant = source.static(folder, rule, tag="choosing")
        judged = chooser(variant)
        drops[rule] = judged.drop_points if not judged.reason else float("inf")
        variant.path.unlink()
    return min(RANGE_RULES, key=lambda rule: drops[rule])


def _affordable(order: Sequence[str], layers: Layers) -> tuple[str, ...]:
    """Return the layers that can all be in float at once, in order; one that would cost too much is passed over."""
    kept: list[str] = []
    for name in order:
        if layers.share([*kept, name]) >= LEAST_SHARE:
            kept.append(name)
    return tuple(kept)


def _fewest(order: tuple[str, ...], attempt: Callable[[tuple[str, ...]], Trial]) -> Trial | None:
    """Return the accepted trial with the fewest layers: counts are doubled until one passes, then halved back."""
    failed, passed, count = 0, None, 1
    while count <= len(order) and passed is None:
        trial = attempt(order[:count])
        failed, passed = (failed, trial) if trial.accepted else (count, None)
        count = count if passed else min(2 * count, len(order)) if count < len(order) else count + 1
    if passed is None:
        return None
    while count - failed > max(1, count // 8):
        middle = (failed + count) // 2
        trial = attempt(order[:middle])
        failed, count, passed = (failed, middle, trial) if trial.accepted else (middle, count, passed)
    return passed
