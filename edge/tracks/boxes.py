"""Geometry of single boxes as plain numbers, where `edge.geometry` would build arrays of one row."""

from __future__ import annotations

from collections.abc import Sequence

from edge.tags import Box

Trail = Sequence[tuple[float, Box]]


def area(box: Box) -> float:
    """Return the area in square pixels; 0 where the corners are swapped."""
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)


def shared(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    return area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def overlap(a: Box, b: Box) -> float:
    """Return intersection over union, 0..1; 0 without area."""
    both = shared(a, b)
    union = area(a) + area(b) - both
    return both / union if union > 0 else 0.0


def share_inside(a: Box, b: Box) -> float:
    """Return the share of the area of a that lies in b, 0..1; 0 without area."""
    whole = area(a)
    return shared(a, b) / whole if whole > 0 else 0.0


def centre(box: Box) -> tuple[float, float]:
    """Return the middle of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def moved(box: Box, by_xy: tuple[float, float]) -> Box:
    """Return a box moved by so many pixels."""
    return box[0] + by_xy[0], box[1] + by_xy[1], box[2] + by_xy[0], box[3] + by_xy[1]


def between(a: Box, b: Box, share: float) -> Box:
    """Return the box on the straight way from a (0) to b (1)."""
    x0, y0, x1, y1 = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    return x0, y0, x1, y1


def box_at(trail: Trail, timestamp_s: float) -> Box:
    """Return the box at a time: between two sightings on the straight way, before and after them the nearest one."""
    before = trail[0]
    for after in trail:
        if after[0] >= timestamp_s:
            span_s = after[0] - before[0]
            share = (timestamp_s - before[0]) / span_s if span_s > 0 else 1.0
            return between(before[1], after[1], max(0.0, share))
        before = after
    return before[1]
