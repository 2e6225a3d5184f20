"""The judgement on one variant of a model, and who gives it.

>>> judge = open_judge(job)
>>> judged = judge.judge(read_model(Path("yolox_nano.int8.onnx")))
>>> judged.passes(max_drop=1.0)
False
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from export.bundles.reading import ModelReading


@dataclass(frozen=True)
class Judged:
    """What quantization cost a model in the measure of its task.

    Attributes:
        metric: "ap50", "recall_at_1", "box_agreement" (AP50 with the float model's boxes as truth),
            "neighbour_agreement" (the nearest neighbour is the float model's, or as near), ...
        floating: the float model's figure, 0..1 (1 where it is agreement).
        quantized: the variant's figure, 0..1.
        drop_points: 100 * (floating - quantized); negative where the variant is better.
        drop_ci95: paired bootstrap interval of `drop_points`; None where the pictures give none.
        pictures: how many pictures the figures rest on.
        pictures_needed: about how many would decide the budget; None where these do.
        reason: one sentence why the variant is refused whatever the drop (collapsed boxes, values that are not
            finite, ...); empty where there is no such reason.
        details: further figures by name, such as "box_iou_mean", "score_agreement", "cosine_p05".
        allowance: what the budget is multiplied with: agreement with the float model moves more than the measure of
            the task does, see `export.quantize.judging`.
    """

    metric: str
    floating: float
    quantized: float
    drop_points: float
    drop_ci95: tuple[float, float] | None
    pictures: int
    pictures_needed: int | None = None
    reason: str = ""
    details: Mapping[str, float] = field(default_factory=dict)
    allowance: float = 1.0

    def budget(self, max_drop: float) -> float:
        """Return the largest drop of this metric that passes, points, where the task's measure may drop `max_drop`."""
        return self.allowance * max_drop

    def passes(self, max_drop: float) -> bool:
        """Return whether the drop is within the budget, and nothing else speaks against the variant."""
        return not self.reason and self.drop_points <= self.budget(max_drop)


class Judge(Protocol):
    """Holds variants against one float model on one set of pictures; the float model is run once."""

    def judge(self, variant: ModelReading) -> Judged:
        """Run a variant over the pictures and compare.

        Raises:
            ModelError: the variant cannot be run.
        """
