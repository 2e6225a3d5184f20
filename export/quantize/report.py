"""The report of a quantization: `report.json`, and a page with plots that needs no network.

>>> write_report(report, Path("out"))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from export.quantize.job import Job, Target
from export.quantize.noise import TensorNoise
from export.quantize.plots import noise_along_the_model, time_and_loss
from export.quantize.repair import Found
from export.quantize.variant import NotMade
from export.quantize.verdict import ESTIMATED, Choice, Measured, is_here, measured_on, to_json

WORST = 30


@dataclass(frozen=True)
class Report:
    """Everything that one run found out.

    Attributes:
        job: what was asked.
        measured: all files, the float one first.
        not_made: forms that could not be made.
        choices: the file for each target.
        found: the search for the static form.
        noise: signal-to-noise of each tensor of the static file, worst first.
        broken: why the budget is not met, else nothing.
        remarks: sentences that a reader should know.
        calibrated_on: pictures or crops that ranges were measured on.
    """

    job: Job
    measured: tuple[Measured, ...]
    not_made: tuple[NotMade, ...]
    choices: Mapping[Target, Choice]
    found: Found | None
    noise: tuple[TensorNoise, ...]
    broken: str
    remarks: tuple[str, ...]
    calibrated_on: int

    def document(self) -> dict[str, Any]:
        """Return the content of report.json."""
        floating = self.measured[0]
        return {
            "model": str(self.job.reading.path),
            "kind": self.job.reading.kind,
            "family": self.job.reading.family,
            "measured_on": measured_on(),
            "max_drop": self.job.max_drop,
            "calibrated_on": self.calibrated_on,
            "baseline": {
                "file": floating.file,
                "bytes": round(floating.bytes / floating.size_ratio),
                "latency_ms": {"p50": floating.timing.p50, "p95": floating.timing.p95} if floating.timing else None,
            },
            "variants": [
                {**to_json(m, self.job.max_drop, target), "latency_is": _latency_is(target)}
                for m in self.measured
                for target in m.variant.targets
                if target in self.job.targets
            ],
            "not_made": [asdict(n) for n in self.not_made],
            "recommended": {target: choice.file for target, choice in self.choices.items()},
            "why": {target: choice.sentence for target, choice in self.choices.items()},
            "verdict": self.verdict(),
            "repair": self._repair(),
            "tensors": [asdict(noise) for noise in self.noise[:WORST]],
            "remarks": list(self.remarks),
        }

    def verdict(self) -> str:
        """Return one sentence on the whole."""
        if self.broken:
            return f"Budget not met: {self.broken}"
        parts = [f"{target}: {choice.file}" for target, choice in self.choices.items()]
        if all(choice.file == self.measured[0].file for choice in self.choices.values()):
            return "Stay in float: no smaller file holds the budget without being slower."
        return f"Use {', '.join(parts)}."

    def _repair(self) -> dict[str, Any] | None:
        if self.found is None:
            return None
        return {
            "tried": [
                {
                    "layers_in_float": len(t.variant.kept_float),
                    "int8_macs_share": round(t.variant.int8_macs_share, 4),
                    "drop_points": round(t.judged.drop_points, 2),
                    "passed": t.accepted,
                }
                for t in self.found.trials
            ],
            "kept_float": list(self.found.chosen.variant.kept_float),
        }


def write_report(report: Report, folder: Path) -> None:
    """Write `report.json` and `report.html` into a folder."""
    document = report.document()
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(report_html(report, document), encoding="utf-8")


def report_html(report: Report, document: dict[str, Any]) -> str:
    """Return the report as one page without scripts, plots inside."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("export.quantize").joinpath("report.html").read_text("utf-8"))
    return template.render(
        document=document,
        name=report.job.reading.path.name,
        measured=report.measured,
        floating=report.measured[0],
        max_drop=report.job.max_drop,
        noise=report.noise[:WORST],
        accuracy_plot=time_and_loss(report.measured, report.measured[0].judged.budget(report.job.max_drop)),
        noise_plot=noise_along_the_model(report.noise),
        estimated=[target for target in report.job.targets if not is_here(target)],
        estimate_note=ESTIMATED,
    )


def _latency_is(target: Target) -> str:
    return "measured" if is_here(target) else ESTIMATED
