"""The check-up behind `edge doctor`: the golden pictures on each runtime, and the machine in a sentence.

>>> report = check_up(Subject(default_bundle()), Hardware())
>>> report["good"], report["verdict"]
(True, 'This machine is good: ...')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

from edge.bundle import load_bundle
from edge.defaults import demo_shard
from edge.errors import TagletError
from edge.golden import Step, check_golden, golden_folder, read_golden, read_pixels
from edge.inference.hardware import Hardware
from edge.inference.tflite_session import TfliteSession
from edge.machine import Runtime, machine, runtimes
from edge.media.frame import Frame
from edge.pipeline import STEPS, Kit, look
from edge.shard import open_shard
from edge.stopwatch import Stopwatch

ROUNDS = 5
DYNAMIC_RANGE = (
    "has int8 weights and float activations (dynamic range): each runtime rounds the activations in its own steps, so "
    "boxes differ by a few pixels between runtimes; float, float16 and int8 files do not have this"
)
SLOW_MS = 500.0
"""A picture that takes longer than the usual step between frames makes a video slower than it lasts."""


@dataclass(frozen=True)
class Subject:
    """What is checked: a bundle, a shard of its space, and a golden kit made with both."""

    bundle: Path
    shard: Path = field(default_factory=demo_shard)
    golden: Path = field(default_factory=golden_folder)


def check_up(subject: Subject, hardware: Hardware) -> dict[str, Any]:
    """Look at the machine and run the golden pictures.

    Args:
        subject: the models to run, and what they must give.
        hardware: what the models may use.

    Returns:
        `machine`, `runtimes`, `threads`, `golden` (one entry for the runtimes that the bundle's models run on),
        `unchecked` (a sentence for each installed runtime that was not tried), `good` and `verdict`, as
        `edge doctor --json` writes them.
    """
    found = runtimes()
    golden = _golden(subject, hardware)
    return {
        "machine": machine(),
        "runtimes": [asdict(runtime) for runtime in found],
        "threads": hardware.threads or "chosen by the runtime",
        "golden": [golden],
        "unchecked": _unchecked(found, golden),
        "good": golden["passed"],
        "verdict": _verdict(found, golden),
    }


def _golden(subject: Subject, hardware: Hardware) -> dict[str, Any]:
    """Return the golden result of a bundle; what stops it is its failure, not the command's."""
    try:
        kit = Kit.open(load_bundle(subject.bundle), [open_shard(subject.shard)], hardware=hardware)
        return _result(kit, check_golden(kit, subject.golden), _speed(kit, subject.golden))
    except TagletError as e:
        return {
            "runtime": None,
            "bundle": str(subject.bundle),
            "passed": False,
            "steps": 0,
            "failed": [str(e)],
            "ms": {},
        }


def _result(kit: Kit, steps: Sequence[Step], ms: dict[str, float]) -> dict[str, Any]:
    failed = [step.sentence for step in steps if not step.passed]
    used = dict.fromkeys((kit.detector.session.runtime, kit.embedder.session.runtime))
    return {
        "runtime": ", ".join(used),
        "bundle": kit.bundle.name,
        "passed": not failed,
        "steps": len(steps),
        "failed": failed,
        "notes": [*kit.notes, *_remarks(kit)],
        "ms": ms,
    }


def _remarks(kit: Kit) -> list[str]:
    """Return a sentence for each model whose answers depend on the runtime by its nature."""
    parts = (("detector", kit.bundle.detector, kit.detector), ("embedder", kit.bundle.embedder, kit.embedder))
    return [
        f"the {role} {part.model.file} {DYNAMIC_RANGE}"
        for role, part, opened in parts
        if isinstance(opened.session, TfliteSession) and opened.session.dynamic_range
    ]


def _unchecked(found: Sequence[Runtime], golden: dict[str, Any]) -> list[str]:
    """Return a sentence for each runtime that is installed and that the bundle's models did not run on."""
    return [
        f"{runtime.name} {runtime.version}: no model of this bundle ran on it; to check it with {runtime.suffix} "
        "models of your own: edge doctor --bundle DIR --shard DIR --golden DIR"
        for runtime in _untried(found, golden)
    ]


def _untried(found: Sequence[Runtime], golden: dict[str, Any]) -> list[Runtime]:
    used = golden["runtime"] or ""
    return [runtime for runtime in found if runtime.version and f"{runtime.name} " not in used]


def _speed(kit: Kit, golden: Path) -> dict[str, float]:
    """Return the milliseconds of each step for one golden picture: the middle one of five, after one that warms up."""
    name = next(iter(read_golden(golden)["pictures"]))
    image = read_pixels(golden / f"{name}.png")
    size = (image.shape[1], image.shape[0])
    laps = []
    for number in range(ROUNDS + 1):
        watch = Stopwatch()
        look(kit, Frame(number, 0.0, image), size, watch)
        laps.append(watch.timing_ms(STEPS[1:]))
    middle = sorted(laps[1:], key=lambda lap: lap["total"])[ROUNDS // 2]
    return {step: round(value, 1) for step, value in middle.items()}


def _verdict(found: Sequence[Runtime], golden: dict[str, Any]) -> str:
    if not golden["passed"]:
        return f"This machine is not good: {golden['failed'][0]}."
    total = golden["ms"]["total"]
    untried = " and ".join(f"{runtime.name} {runtime.version}" for runtime in _untried(found, golden))
    rest = f"; {untried} was not tried" if untried else ""
    if total > SLOW_MS:
        every_s = ceil(total / 1000)
        return f"This machine gives the right answers, slowly: {total:.0f} ms a picture; use --every {every_s}{rest}."
    return f"This machine is good: every golden step agrees on {golden['runtime']}, {total:.0f} ms a picture{rest}."
