"""What is measured: every bundle on every runtime here that can run both of its models.

>>> cases_of([load_bundle(Path("bundle"))], runtimes())[0][0].runtime
'onnxruntime'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from edge.bundle import Bundle
from edge.machine import Runtime


@dataclass(frozen=True)
class Case:
    """One bundle on the runtimes of its two models.

    Attributes:
        bundle: its folder.
        label: what the table calls it.
        target: what it is made for.
        runtimes: names of packages, that of the detector first; one where both are the same.
        bytes: length of its files together.
    """

    bundle: Path
    label: str
    target: str
    runtimes: tuple[str, ...]
    bytes: int

    @property
    def runtime(self) -> str:
        """Its runtimes in words."""
        return " + ".join(self.runtimes)


def cases_of(bundles: Sequence[Bundle], found: Sequence[Runtime]) -> tuple[list[Case], list[str]]:
    """Lay out what can be measured, by target and runtime, and a sentence for what cannot.

    Args:
        bundles: checked bundles.
        found: every runtime that the kit knows, see `edge.machine.runtimes`.
    """
    cases, problems = [], []
    labels = _labels(bundles)
    for bundle, label in zip(bundles, labels, strict=True):
        suffixes = dict.fromkeys(Path(part.model.file).suffix for part in (bundle.detector, bundle.embedder))
        able = [[r for r in found if r.suffix == suffix and r.version] for suffix in suffixes]
        for suffix, there in zip(suffixes, able, strict=True):
            if not there:
                problems.append(f"{bundle.root}: {_absent(suffix, found)}")
        size = bundle.detector.model.bytes + bundle.embedder.model.bytes
        size += bundle.embedder.projection.bytes if bundle.embedder.projection else 0
        for chosen in product(*able):
            names = tuple(runtime.name for runtime in chosen)
            cases.append(Case(bundle.root, label, bundle.target, names, size))
    return sorted(cases, key=lambda case: (case.target, case.runtime)), problems


def _absent(suffix: str, found: Sequence[Runtime]) -> str:
    extras = " or ".join(f"`pip install 'taglet[{r.extra}]'`" for r in found if r.suffix == suffix and r.extra)
    return f"no runtime for its {suffix} models is installed: run {extras}"


def _labels(bundles: Sequence[Bundle]) -> list[str]:
    """Return the names of the bundles, or their folders where two have one name."""
    names = [bundle.name for bundle in bundles]
    return names if len(set(names)) == len(names) else [str(bundle.root) for bundle in bundles]
