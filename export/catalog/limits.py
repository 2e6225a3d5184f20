"""The limits of the checks, all derived from the two thresholds that tags are judged by; none is chosen by hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from edge.bundle import Matching

DRAWS = 32
"""Photos that are imagined of each product: none won of 32 says that under 9 % can be won (95 %: 1 - 0.05^(1/32))."""
LEAST_LEVELS = 8
"""Grey levels of 256 that a picture must span: compression alone leaves fewer on an empty one."""


@dataclass(frozen=True)
class Limits:
    """The limits, see docs/lint.md for why they are these.

    Attributes:
        photo: similarity of the weakest photo that is tagged at all, -1..1: the similarity threshold.
        lead: what a tag must lead by to be sure, 0..2: the margin threshold.
        same: two products whose pictures are this similar: even the picture itself, as a photo, comes out ambiguous.
        near: likewise, the weakest photo that is tagged comes out ambiguous on average.
    """

    photo: float
    lead: float
    same: float
    near: float

    @classmethod
    def of(cls, matching: Matching) -> Limits:
        """Return the limits that follow from the thresholds of a bundle or a calibrated shard.

        A photo of similarity c to picture a, and otherwise like nothing in particular, has the similarity c * s to a
        picture b of similarity s to a: its lead is c * (1 - s). That falls below the margin from s = 1 - margin / c on.
        """
        photo, lead = matching.similarity_threshold, matching.margin_threshold
        same = 1.0 - lead
        near = 1.0 - lead / photo if photo > 0 else same
        return cls(photo, lead, same, min(same, max(0.0, near)))

    def document(self) -> dict[str, float]:
        """Return the limits for a result document."""
        return {**asdict(self), "draws": DRAWS, "least_levels": LEAST_LEVELS}
