"""Find the static int8 form of a model that holds the budget with as little float as possible.

How ranges are taken is decided on the calibration pictures, by agreement with the float model: the evaluation's
pictures choose nothing, they accept or refuse. Where they refuse, layers go back to float, those first that gain most
for each multiply-add; at least 70 % of the multiply-adds stay in int8.

    >>> found = search(OnnxForms(source, folder, "least_error"), judge, max_drop=1.0)
    >>> found.chosen.accepted, found.chosen.variant.int8_macs_share
    (True, 0.83)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.command_line import say
from export.quantize.forms import Forms
from export.quantize.judged import Judged
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
        chosen: the accepted form with the fewest layers in float, or the best that was tried.
        trials: all that was tried, in order.
    """

    plain: Trial
    chosen: Trial
    trials: tuple[Trial, ...]


def search(forms: Forms, judge: JudgeVariant, max_drop: float) -> Found:
    """Try the plain form, then forms with more and more layers in float; only the chosen file remains.

    Args:
        forms: makes files.
        judge: judges on the evaluation's pictures.
        max_drop: largest loss that passes, points.

    Raises:
        ModelError: not even the plain form can be made or run.
    """
    trials: list[Trial] = []

    def attempt(kept_float: tuple[str, ...]) -> Trial:
        variant = forms.make(kept_float, f"static-{len(trials)}")
        judged = judge(variant)
        trials.append(Trial(variant, judged, judged.passes(max_drop)))
        return trials[-1]

    chosen = plain = attempt(())
    if not plain.accepted:
        say(f"{plain.variant.path.name}: loses {plain.judged.drop_points:.1f} points: returning layers to float")
        chosen = _fewest(affordable(forms), attempt) or min(trials, key=_badness)
    for trial in trials:
        if trial is not chosen:
            remove(trial.variant)
    return Found(plain, chosen, tuple(trials))


def choose_rule(source: OnnxSource, folder: Path, chooser: JudgeVariant) -> RangeRule:
    """Return the rule for ranges whose plain form agrees better with the float model on the calibration pictures."""
    drops: dict[RangeRule, float] = {}
    for rule in RANGE_RULES:
        variant = source.static(folder, rule, tag="choosing")
        judged = chooser(variant)
        drops[rule] = judged.drop_points if not judged.reason else 100 + judged.drop_points
        remove(variant)
    return min(RANGE_RULES, key=lambda rule: drops[rule])


def affordable(forms: Forms) -> tuple[str, ...]:
    """Return the layers that can all be in float at once, in order; one that would cost too much is passed over."""
    kept: list[str] = []
    for name in forms.order():
        if forms.share([*kept, name]) >= LEAST_SHARE:
            kept.append(name)
    return tuple(kept)


def remove(variant: Variant) -> None:
    """Remove a file and its sidecar."""
    for path in (variant.path, sidecar_of(variant.path)):
        path.unlink(missing_ok=True)


def sidecar_of(path: Path) -> Path:
    """Return where the sidecar of a written file stands."""
    return path.with_name(f"{path.name}.toml")


def _badness(trial: Trial) -> tuple[bool, float]:
    return bool(trial.judged.reason), trial.judged.drop_points


def _fewest(order: Sequence[str], attempt: Callable[[tuple[str, ...]], Trial]) -> Trial | None:
    """Return the accepted trial with the fewest layers: counts are doubled until one passes, then halved back."""
    layers = tuple(order)
    failed, count, passed = 0, 1, None
    while layers and passed is None and failed < len(layers):
        count = min(count, len(layers))
        trial = attempt(layers[:count])
        if trial.accepted:
            passed = trial
        else:
            failed, count = count, 2 * count
    while passed is not None and count - failed > max(1, count // 8):
        middle = (failed + count) // 2
        trial = attempt(layers[:middle])
        failed, count, passed = (failed, middle, trial) if trial.accepted else (middle, count, passed)
    return passed
