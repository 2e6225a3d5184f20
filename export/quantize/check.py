"""A quantized file, from whatever tool, beside its float original: what `export check` finds, as values and words.

>>> checked = check(job, read_model(Path("yolox_nano_416_int8out_BROKEN.tflite")))
>>> checked.verdict
'yolox_nano_416_int8out_BROKEN.tflite is refused: its boxes have collapsed while its scores look right (...)'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from export.bundles.reading import ModelReading
from export.evaluation.tables import aligned
from export.quantize.job import Job
from export.quantize.judged import Judged
from export.quantize.judging import open_judge

METRICS = {
    "ap50": "AP50",
    "box_agreement": "AP50 with the float model's boxes as truth",
    "recall_at_1": "recall@1",
    "neighbour_agreement": "agreement of nearest neighbours",
}
DETAILS = {
    "box_iou_mean": "mean IoU with the float model's boxes",
    "score_agreement": "agreement of confidences",
    "class_agreement": "agreement of classes",
    "cosine_p05": "cosine with the float model, 5th percentile",
    "cosine_median": "cosine with the float model, median",
    "spread": "spread of vectors, share of the float model's",
    "neighbour_agreement": "agreement of nearest neighbours",
    "tag_precision_float": "tag precision, float",
    "tag_precision": "tag precision, this file",
    "tag_recall_float": "tag recall, float",
    "tag_recall": "tag recall, this file",
}


@dataclass(frozen=True)
class Checked:
    """The judgement on one file.

    Attributes:
        job: what was asked; its reading is the float original.
        variant: the file that is judged.
        judged: the figures.
    """

    job: Job
    variant: ModelReading
    judged: Judged

    @property
    def passed(self) -> bool:
        """Whether the file is within the budget and nothing else speaks against it."""
        return self.judged.passes(self.job.max_drop)

    @property
    def verdict(self) -> str:
        """One sentence: within the budget, above it, or refused and why."""
        judged, name, budget = self.judged, self.variant.path.name, self.judged.budget(self.job.max_drop)
        if judged.reason:
            return f"{name} is refused: {judged.reason}"
        drop = f"{METRICS[judged.metric]} drops by {judged.drop_points:.1f} points"
        if not self.passed:
            return f"{name} does not hold the budget: {drop}, {budget:g} are allowed{self._uncertain()}"
        return f"{name} holds the budget: {drop}, {budget:g} are allowed{self._uncertain()}"

    def _uncertain(self) -> str:
        have, needed = self.judged.pictures, self.judged.pictures_needed
        return f"; {have} pictures cannot decide it for certain, about {needed:,} would" if needed else ""

    def document(self) -> dict[str, Any]:
        """Return the result document of `export check`."""
        judged = self.judged
        return {
            "model": str(self.variant.path),
            "reference": str(self.job.reading.path),
            "kind": self.job.reading.kind,
            "quantization": self.variant.facts.quantization,
            "bytes": self.variant.facts.bytes,
            "size_ratio": round(self.variant.facts.bytes / self.job.reading.facts.bytes, 4),
            "metric": {
                "name": judged.metric,
                "float": round(judged.floating, 4),
                "quantized": round(judged.quantized, 4),
                "drop_points": round(judged.drop_points, 3),
                "drop_ci95": [round(bound, 3) for bound in judged.drop_ci95] if judged.drop_ci95 else None,
                "budget_points": judged.budget(self.job.max_drop),
            },
            "details": {name: round(value, 4) for name, value in judged.details.items()},
            "pictures": judged.pictures,
            "pictures_needed": judged.pictures_needed,
            "passed": self.passed,
            "reason": judged.reason,
            "verdict": self.verdict,
        }

    def table(self) -> str:
        """Lay out the figures as text, a line for each."""
        judged = self.judged
        interval = "({:.1f} to {:.1f})".format(*judged.drop_ci95) if judged.drop_ci95 else ""
        rows = [
            ["stored as", f"{self.variant.facts.quantization}, {self.variant.facts.bytes:,} bytes"],
            ["pictures", str(judged.pictures)],
            [METRICS[judged.metric], f"{judged.floating:.3f} float, {judged.quantized:.3f} this file"],
            ["drop, points", f"{judged.drop_points:.1f} {interval}".rstrip()],
        ]
        rows += [[words, f"{judged.details[name]:.3f}"] for name, words in DETAILS.items() if name in judged.details]
        return aligned(rows)


def check(job: Job, variant: ModelReading) -> Checked:
    """Hold one file against the job's float model; raises as `open_judge` and `Judge.judge` do."""
    return Checked(job, variant, open_judge(job).judge(variant))
