"""Tags of whole clips against what the clips show: tag F1, identity switches, time errors, false tags a minute.

The rule, also in docs/videos.md:

- A tag with the status "match" is *right* where its product is shown and both stretches of time agree: their
  intersection is at least half of their union. Tags and appearances are paired one to one, best agreement first.
- One that is not right, but whose product is shown at some moment of its time, is a *fragment*; any other is *false*.
- Precision counts right tags among matches, recall among appearances of listed products, F1 is their harmonic mean.
  An ambiguous tag claims nothing: it costs recall, not precision.
- A tag belongs to an appearance that its product names at that time, or whose box its best box overlaps most (an
  intersection over union of at least 0.3). Every match that belongs to an appearance beyond the first is an *identity
  switch*: the appearance was split, or changed its product.
- Errors of start and end are those of right tags.

>>> judged = judge(truth, [claim_of(tag) for tag in found.tags])
>>> figures([judged]).f1
1.0
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edge.geometry import iou
from edge.tags import Box, Tag
from export.evaluation.appearances import Appearance, ClipTruth
from export.evaluation.bootstrap import ratio_interval

LEAST_AGREEMENT = 0.5
SAME_PLACE_IOU = 0.3
PLACE_WITHIN_S = 0.6
"""The box that is nearest in time says where an appearance is, from so long before its start until after its end."""

Outcome = Literal["right", "fragment", "false", "ambiguous"]


@dataclass(frozen=True)
class Claim:
    """What a tag says.

    Attributes:
        product_ids: the product first; of an ambiguous tag also the one that it could be as well.
        start_s: first sighting, seconds.
        end_s: last sighting.
        best_s: time of the best sighting.
        best_xyxy: box of the best sighting in pixels.
        sure: a match; otherwise ambiguous.
    """

    product_ids: tuple[str, ...]
    start_s: float
    end_s: float
    best_s: float
    best_xyxy: Box
    sure: bool = True


@dataclass(frozen=True)
class Judged:
    """One clip's tags, held against what it shows.

    Attributes:
        duration_s: length of the clip.
        outcomes: one for each claim.
        shown: appearances of listed products.
        switches: identity switches.
        start_errors_s: tag minus truth for each right tag, seconds; negative is early.
        end_errors_s: likewise.
        misplaced: right tags whose best box is not on the product.
        fair: ambiguous tags that name a product which is shown at that time.
        missed: appearances of listed products without a right tag.
    """

    duration_s: float
    outcomes: tuple[Outcome, ...]
    shown: int
    switches: int
    start_errors_s: tuple[float, ...]
    end_errors_s: tuple[float, ...]
    misplaced: int
    fair: int
    missed: tuple[Appearance, ...]


@dataclass(frozen=True)
class ClipFigures:
    """Figures over clips; None where there is nothing to count.

    Attributes:
        clips: how many.
        minutes: their length together.
        shown: appearances of listed products.
        right, fragments, false, ambiguous, fair: tags by outcome; fair ones are among the ambiguous.
        precision, recall, f1: 0..1.
        f1_ci95: interval of F1 by bootstrap over clips.
        switches: identity switches.
        misplaced: right tags whose best box is not on the product.
        start_error_s, end_error_s: medians of the absolute errors, seconds.
        start_p90_s, end_p90_s: their 90th percentiles.
        false_per_minute: false tags for each minute of video.
    """

    clips: int
    minutes: float
    shown: int
    right: int
    fragments: int
    false: int
    ambiguous: int
    fair: int
    precision: float | None
    recall: float | None
    f1: float | None
    f1_ci95: tuple[float, float] | None
    switches: int
    misplaced: int
    start_error_s: float | None
    end_error_s: float | None
    start_p90_s: float | None
    end_p90_s: float | None
    false_per_minute: float | None


def claim_of(tag: Tag) -> Claim:
    """Return what a tag says."""
    sure = tag.status == "match"
    named = tuple(candidate.product_id for candidate in tag.candidates[: 1 if sure else 2])
    return Claim(named, tag.start_s, tag.end_s, tag.best.timestamp_s, tag.best.xyxy, sure)


def agreement(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the intersection over union of two stretches of time (start, end), 0..1; equal moments give 1."""
    together = min(a[1], b[1]) - max(a[0], b[0])
    whole = max(a[1], b[1]) - min(a[0], b[0])
    return max(0.0, together) / whole if whole > 0 else 1.0


def judge(truth: ClipTruth, claims: Sequence[Claim]) -> Judged:
    """Hold the tags of one clip against its truth; the rule stands at the top of this file."""
    listed = [shown for shown in truth.appearances if shown.product_id is not None]
    pairs = _paired(listed, claims)
    outcomes = tuple(_outcome(listed, claim, index in pairs) for index, claim in enumerate(claims))
    rights = [(claims[at], listed[pairs[at]]) for at in sorted(pairs)]
    ambiguous = [claim for claim in claims if not claim.sure]
    return Judged(
        duration_s=truth.duration_s,
        outcomes=outcomes,
        shown=len(listed),
        switches=_switches(truth.appearances, listed, claims),
        start_errors_s=tuple(claim.start_s - shown.start_s for claim, shown in rights),
        end_errors_s=tuple(claim.end_s - shown.end_s for claim, shown in rights),
        misplaced=sum(_overlap(shown, claim) < SAME_PLACE_IOU for claim, shown in rights),
        fair=sum(any(_at_the_time(shown, claim) for shown in listed) for claim in ambiguous),
        missed=tuple(shown for at, shown in enumerate(listed) if at not in pairs.values()),
    )


def figures(judged: Sequence[Judged]) -> ClipFigures:
    """Add up what was judged."""
    count = {name: sum(one.outcomes.count(name) for one in judged) for name in ("right", "fragment", "false")}
    right, claimed = count["right"], sum(count.values())
    shown, minutes = sum(one.shown for one in judged), sum(one.duration_s for one in judged) / 60
    starts = np.abs([error for one in judged for error in one.start_errors_s])
    ends = np.abs([error for one in judged for error in one.end_errors_s])
    return ClipFigures(
        clips=len(judged),
        minutes=minutes,
        shown=shown,
        right=right,
        fragments=count["fragment"],
        false=count["false"],
        ambiguous=sum(one.outcomes.count("ambiguous") for one in judged),
        fair=sum(one.fair for one in judged),
        precision=_ratio(right, claimed),
        recall=_ratio(right, shown),
        f1=_ratio(2 * right, claimed + shown),
        f1_ci95=_interval(judged),
        switches=sum(one.switches for one in judged),
        misplaced=sum(one.misplaced for one in judged),
        start_error_s=_percentile(starts, 50),
        end_error_s=_percentile(ends, 50),
        start_p90_s=_percentile(starts, 90),
        end_p90_s=_percentile(ends, 90),
        false_per_minute=_ratio(count["false"], minutes),
    )


def _paired(listed: Sequence[Appearance], claims: Sequence[Claim]) -> dict[int, int]:
    """Return the appearance of each right claim; best agreement first, then in order."""
    agreeing = [
        (-agreement((claim.start_s, claim.end_s), (shown.start_s, shown.end_s)), at, where)
        for at, claim in enumerate(claims)
        for where, shown in enumerate(listed)
        if claim.sure and claim.product_ids[0] == shown.product_id
    ]
    pairs: dict[int, int] = {}
    for negative, at, where in sorted(agreeing):
        if -negative >= LEAST_AGREEMENT and at not in pairs and where not in pairs.values():
            pairs[at] = where
    return pairs


def _outcome(listed: Iterable[Appearance], claim: Claim, right: bool) -> Outcome:
    if not claim.sure:
        return "ambiguous"
    if right:
        return "right"
    return "fragment" if any(_at_the_time(shown, claim) for shown in listed) else "false"


def _at_the_time(shown: Appearance, claim: Claim) -> bool:
    """Tell whether a product that the claim names is shown at some moment of the claim's time."""
    together = min(shown.end_s, claim.end_s) >= max(shown.start_s, claim.start_s)
    return together and shown.product_id in claim.product_ids


def _switches(everything: Sequence[Appearance], listed: Sequence[Appearance], claims: Iterable[Claim]) -> int:
    """Count the matches that belong to an appearance beyond its first."""
    belonging = [0] * len(everything)
    for claim in claims:
        owner = _owner(everything, claim) if claim.sure else None
        if owner is not None:
            belonging[owner] += 1
    return sum(
        max(0, count - 1)
        for count, shown in zip(belonging, everything, strict=True)
        if any(shown is one for one in listed)
    )


def _owner(everything: Sequence[Appearance], claim: Claim) -> int | None:
    """Return the appearance that a claim belongs to: of its product at that time, else by its place, else None."""
    named = [at for at, shown in enumerate(everything) if _at_the_time(shown, claim)]
    if named:
        times = [(everything[at].start_s, everything[at].end_s) for at in named]
        return named[int(np.argmax([agreement((claim.start_s, claim.end_s), time) for time in times]))]
    overlaps = [_overlap(shown, claim) for shown in everything]
    best = int(np.argmax(overlaps)) if overlaps else 0
    return best if overlaps and overlaps[best] >= SAME_PLACE_IOU else None


def _overlap(shown: Appearance, claim: Claim) -> float:
    """Return how well the claim's best box lies on the appearance at that time, 0..1."""
    if not shown.boxes or not shown.start_s - PLACE_WITHIN_S <= claim.best_s <= shown.end_s + PLACE_WITHIN_S:
        return 0.0
    distances = np.abs(np.array([time for time, _, _ in shown.boxes]) - claim.best_s)
    nearest = np.flatnonzero(distances <= distances.min() + 1e-6)
    boxes = np.array([shown.boxes[at][1] for at in nearest], np.float32)
    return float(iou(boxes, np.array([claim.best_xyxy], np.float32)).max())


def _interval(judged: Sequence[Judged]) -> tuple[float, float] | None:
    rows = []
    for one in judged:
        sure = len(one.outcomes) - one.outcomes.count("ambiguous")
        rows.append((2.0 * one.outcomes.count("right"), float(sure + one.shown)))
    if sum(whole > 0 for _, whole in rows) < 2:
        return None
    number = np.arange(len(rows))
    return ratio_interval(np.array(rows), number, np.zeros(len(rows), np.int64))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percentile(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]], share: float) -> float | None:
    return float(np.percentile(values, share)) if len(values) else None
