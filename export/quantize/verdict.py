"""Which file to use on each target, and why, in one sentence.

The recommended file is the fastest that holds the budget; of those within a tenth of its time, the smallest. It is
never slower than the float file unless it is chosen for its size, and then the sentence says so. Nothing that was
measured on another machine than the target is called more than an estimate.

    >>> choice = recommend("pi", measured, here)
    >>> choice.file, choice.sentence
    ('yolox_nano_416.mixed.onnx', '...')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.machine import machine
from export.quantize.job import Target
from export.quantize.judged import Judged
from export.quantize.timing import Timing
from export.quantize.variant import NotMade, Variant

NOT_SLOWER = 1.05
AS_FAST = 1.1
REFUSED = "refused"
"""Folder inside that of the report for files that do not hold the budget."""
STATIC = ("qdq", "mixed", "int8")
LIGHTER = ("weight_only", "fp16")
ESTIMATED = "estimated: run `export benchmark` on the device"


@dataclass(frozen=True)
class Measured:
    """A file with all that was measured of it.

    Attributes:
        variant: the file.
        bytes: its length.
        size_ratio: to the float model's length.
        judged: what it loses; nothing, for the float model itself.
        timing: one run on one thread here; None where no runtime here loads it.
        passed: whether it holds the budget.
        runtimes: runtimes that loaded it.
        parts: bytes by what they are for, where the file is large.
        companions: files that belong to it, such as its ORT form.
    """

    variant: Variant
    bytes: int
    size_ratio: float
    judged: Judged
    timing: Timing | None
    passed: bool
    runtimes: tuple[str, ...] = ()
    parts: dict[str, int] = field(default_factory=dict)
    companions: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """Its name in the folder of the report."""
        path = self.variant.path
        return f"{REFUSED}/{path.name}" if path.parent.name == REFUSED else path.name


@dataclass(frozen=True)
class Choice:
    """The file for one target, and why."""

    file: str
    sentence: str


def recommend(target: Target, measured: Sequence[Measured], floating: Measured) -> Choice:
    """Choose among the files that hold the budget; the float file always does.

    Args:
        target: where it will run.
        measured: all files.
        floating: the float file.
    """
    allowed = [m for m in measured if _is_candidate(target, m) and m.passed] or [floating]
    timed = [m for m in allowed if m.timing is not None and floating.timing is not None]
    fast = [m for m in timed if _ratio(m, floating) <= NOT_SLOWER] or [floating]
    quickest = min(_ratio(m, floating) for m in fast)
    chosen = min((m for m in fast if _ratio(m, floating) <= AS_FAST * quickest), key=lambda m: m.bytes)
    sentence = _why(target, chosen, floating)
    return Choice(chosen.file, sentence if is_here(target) else f"{sentence} ({ESTIMATED})")


def is_here(target: Target) -> bool:
    """Return whether this machine is of the target's kind: an aarch64 Linux stands for a Raspberry Pi."""
    here = machine()
    return target == "pi" and here["architecture"] == "aarch64" and here["system"].startswith("Linux")


def measured_on() -> str:
    """Return the machine in words, with what decides the speed of int8."""
    here = machine()
    matters = [name for name in here["instruction_sets"] if name in ("avx2", "avx512_vnni", "asimddp", "i8mm")]
    return f"{here['architecture']}, {here['cores']} cores, {' '.join(matters) or 'no int8 instructions'}, one thread"


def broken_promise(targets: Sequence[Target], measured: Sequence[Measured], not_made: Sequence[NotMade] = ()) -> str:
    """Return why the budget is not met, in one sentence, or nothing.

    A Pi and a phone are promised a static int8 file, a browser one whose weights take fewer bytes. Where another
    file holds the budget, the sentence names it.
    """
    for target in targets:
        wanted = STATIC if target != "web" else LIGHTER
        made = [m for m in measured if m.variant.scheme in wanted and target in m.variant.targets]
        what = f"no {'int8' if target != 'web' else 'smaller'} file for {target}"
        if not made:
            why = "; ".join(n.why for n in not_made if target in n.targets) or "no runtime for it is installed"
            return f"{what} can be made: {why}; {_instead(target, measured)}"
        if not any(m.passed for m in made):
            best = min(made, key=lambda m: (bool(_reason(m)), _drop(m)))
            return f"{what} holds the budget: {_lost(best)}; {_instead(target, measured)}"
    return ""


def _instead(target: Target, measured: Sequence[Measured]) -> str:
    """Return what to use where no file keeps the promise: the smallest other one that does, and how to get it."""
    held = [m for m in measured if m.passed and m.variant.scheme in LIGHTER and m.variant.path.suffix == ".onnx"]
    if target == "web" or not held:
        return "stay in float"
    best = min(held, key=lambda m: m.bytes)
    return (
        f"{best.file} holds it, computed in float ({best.size_ratio:.0%} of the size, {_lost(best)}): "
        f"`--target web` writes it, and it runs on a Pi and a phone too"
    )


def _is_candidate(target: Target, m: Measured) -> bool:
    """Static int8 is faster than float in some browsers' runtimes and slower in others: no candidate until measured."""
    return target in m.variant.targets and not (target == "web" and m.variant.scheme in STATIC)


def _ratio(m: Measured, floating: Measured) -> float:
    assert m.timing is not None and floating.timing is not None
    return m.timing.p50 / floating.timing.p50 if m is not floating else 1.0


def _why(target: Target, chosen: Measured, floating: Measured) -> str:
    if chosen is floating:
        return "Stay in float: no smaller file holds the budget without being slower."
    kept = f"{chosen.size_ratio:.0%} of the size, {_lost(chosen)}"
    if target == "web":
        return (
            f"Chosen for its size ({kept}): a browser computes it as float, at the float file's speed; static int8 is "
            "faster or slower there by the runtime's version."
        )
    ratio = _ratio(chosen, floating)
    if ratio > 1 / AS_FAST:
        return (
            f"Chosen for its size ({kept}): it takes {ratio:.2f} of the float file's time, so no file here is faster."
        )
    return f"The fastest that holds the budget: {ratio:.2f} of the float file's time, {kept}."


def _lost(m: Measured) -> str:
    judged = m.judged
    if judged.reason:
        return f"{m.file}: {judged.reason}"
    interval = f" [{judged.drop_ci95[0]:.1f}, {judged.drop_ci95[1]:.1f}]" if judged.drop_ci95 else ""
    share = f" with {m.variant.int8_macs_share:.0%} of the multiply-adds in int8" if m.variant.scheme in STATIC else ""
    return f"{judged.drop_points:.1f} points{interval} of {judged.metric} lost{share}"


def _drop(m: Measured) -> float:
    return m.judged.drop_points


def _reason(m: Measured) -> str:
    return m.judged.reason


def to_json(m: Measured, max_drop: float, target: Target) -> dict[str, Any]:
    """Return one file for one target as it stands in report.json."""
    judged, timing = m.judged, m.timing
    return {
        "file": m.file,
        "target": target,
        "scheme": m.variant.scheme,
        "bytes": m.bytes,
        "size_ratio": round(m.size_ratio, 4),
        "int8_macs_share": round(m.variant.int8_macs_share, 4),
        "metric": judged_to_json(judged, max_drop),
        "latency_ms": {"p50": timing.p50, "p95": timing.p95, "least": timing.least, "runs": timing.runs}
        if timing
        else None,
        "runtimes": list(m.runtimes),
        "passed": m.passed,
        "kept_float": list(m.variant.kept_float),
        "size_parts": m.parts,
        "companions": list(m.companions),
        "note": m.variant.note,
    }


def judged_to_json(judged: Judged, max_drop: float) -> dict[str, Any]:
    """Return a judgement as it stands in report.json; the budget is that of its metric."""
    return {
        "name": judged.metric,
        "float": round(judged.floating, 4),
        "quantized": round(judged.quantized, 4),
        "drop_points": round(judged.drop_points, 2),
        "drop_ci95": [round(v, 2) for v in judged.drop_ci95] if judged.drop_ci95 else None,
        "budget_points": judged.budget(max_drop),
        "pictures": judged.pictures,
        "pictures_needed": judged.pictures_needed,
        "reason": judged.reason,
        "details": {name: round(value, 4) for name, value in judged.details.items()},
    }
