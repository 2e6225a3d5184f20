"""What stands on a frame at a given time: boxes between sightings are interpolated.

A sighting tells where an object was when the detector looked, some times a second; a video has many frames between.

    >>> boxes_at(((0.0, (0, 0, 10, 10)), (1.0, (20, 0, 30, 10))), 0.5)
    [(10.0, 0.0, 20.0, 10.0)]
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product
from typing import Literal

from edge.tags import Box, SourceTags, Tag, Trail

HOLD_S = 0.4
CLOCK_TOLERANCE_S = 1e-3


@dataclass(frozen=True)
class Mark:
    """One box with its name.

    Attributes:
        xyxy: pixels of the source as it is shown; may reach over its border.
        name: what a person reads.
        product_id: what is drawn where no font can draw the name; empty without a product.
        detail: what follows the name, never shortened.
        status: how it is drawn.
    """

    xyxy: Box
    name: str
    product_id: str
    detail: str
    status: Literal["match", "ambiguous", "unmatched"]


def marks_at(source: SourceTags, timestamp_s: float) -> Iterator[Mark]:
    """Yield what stands on the frame of that time, unmatched objects first so that names lie on top."""
    for unmatched in source.unmatched:
        for xyxy in boxes_at(unmatched.trail, timestamp_s):
            yield Mark(xyxy, "not in the catalogue", "", "", "unmatched")
    for tag in source.tags:
        first = tag.candidates[0]
        for xyxy in boxes_at(tag.trail, timestamp_s):
            yield Mark(xyxy, first.title, first.product_id, _detail(tag), tag.status)


def boxes_at(trail: Trail, timestamp_s: float) -> list[Box]:
    """Return where an appearance is at a time.

    Args:
        trail: times and boxes of its sightings, in the order of time; several boxes of one time are several
            specimens.
        timestamp_s: seconds from the start of the source.

    Returns:
        Boxes on the straight way from one sighting to the next; for a short while after the last sighting, its own.
    """
    moments = [(time, [box for _, box in same]) for time, same in groupby(trail, key=lambda sighting: sighting[0])]
    row = bisect_right([time - CLOCK_TOLERANCE_S for time, _ in moments], timestamp_s) - 1
    if row < 0:
        return []
    start_s, boxes = moments[row]
    held = timestamp_s - start_s <= HOLD_S
    if row + 1 == len(moments):
        return boxes if held else []
    end_s, following = moments[row + 1]
    share = min(max((timestamp_s - start_s) / (end_s - start_s), 0.0), 1.0)
    pairs = _pair(boxes, following)
    moving = [_between(boxes[i], following[j], share) for i, j in pairs]
    leaving = {i for i, _ in pairs}
    return moving + [box for i, box in enumerate(boxes) if i not in leaving and held]


def _pair(boxes: Sequence[Box], following: Sequence[Box]) -> list[tuple[int, int]]:
    """Pair the boxes of two moments, nearest centres first."""
    choices = product(range(len(boxes)), range(len(following)))
    pairs: list[tuple[int, int]] = []
    for i, j in sorted(choices, key=lambda choice: _apart(boxes[choice[0]], following[choice[1]])):
        if all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return pairs


def _apart(a: Box, b: Box) -> float:
    return (a[0] + a[2] - b[0] - b[2]) ** 2 + (a[1] + a[3] - b[1] - b[3]) ** 2


def _between(a: Box, b: Box, share: float) -> Box:
    x0, y0, x1, y1 = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    return x0, y0, x1, y1


def _detail(tag: Tag) -> str:
    similarity = f"{tag.candidates[0].similarity:.2f}"
    return f"{similarity}?" if tag.status == "ambiguous" else similarity
