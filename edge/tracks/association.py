"""Which detection continues which track: the rounds of ByteTrack, over the boxes where tracks should be by now.

Confident detections are paired first, by overlap; then those that leapt too far to overlap, by their look; then weak
ones may continue what is left, but never start anything, and count for nothing where they lie in a confident one. So an
object that is half covered for a moment keeps its track, and clutter makes none.

Source: Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (arXiv 2110.06864).
Other than there: a track moves at a constant speed instead of through a Kalman filter, pairs are taken greedily, and
two that look quite different are never paired, because a product may be put where another one stood.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge.tracks.boxes import centre, overlap, share_inside
from edge.tracks.seen import Seen, likeness
from edge.tracks.track import Track

SAME_OVERLAP = 0.3
SAME_OVERLAP_WEAK = 0.5
LEAST_LIKENESS = 0.3
PART = 0.7
LEAP = 1.0
LEAP_S = 0.6
LEAP_GROWTH = 1.5
LEAP_LIKENESS = 0.7
"""How far a box may leap, in its longer sides; in which time; by which factor a side may change; how alike at least."""
Pair = tuple[int, int]


def associate(tracks: Sequence[Track], seen: Sequence[Seen], timestamp_s: float, confident: float) -> list[Pair]:
    """Return pairs of track and detection, both by their place; each stands in one pair at most.

    Args:
        tracks: the live ones, oldest first.
        seen: detections of one look.
        timestamp_s: of the look.
        confident: confidence from which a detection is not weak.
    """
    boxes = [track.expected_at(timestamp_s) for track in tracks]
    strong = [i for i, one in enumerate(seen) if one.confidence >= confident]
    weak = [i for i, one in enumerate(seen) if one.confidence < confident and not _is_part(one, seen, strong)]

    def near(t: int, s: int) -> float | None:
        value = overlap(boxes[t], seen[s].xyxy)
        return value if value >= SAME_OVERLAP and likeness(tracks[t].patch, seen[s].patch) >= LEAST_LIKENESS else None

    def leapt(t: int, s: int) -> float | None:
        return _leap(tracks[t], seen[s], timestamp_s)

    def covered(t: int, s: int) -> float | None:
        value = overlap(boxes[t], seen[s].xyxy)
        return value if value >= SAME_OVERLAP_WEAK else None

    pairs: list[Pair] = []
    for detections, measure in ((strong, near), (strong, leapt), (weak, covered)):
        taken, used = {t for t, _ in pairs}, {s for _, s in pairs}
        left = [t for t in range(len(tracks)) if t not in taken]
        pairs += _greedy(left, [s for s in detections if s not in used], measure)
    return pairs


def _is_part(weak: Seen, seen: Sequence[Seen], strong: Sequence[int]) -> bool:
    """Return whether a weak detection lies in a confident one: then it is a part of it."""
    return any(share_inside(weak.xyxy, seen[i].xyxy) >= PART for i in strong)


def _leap(track: Track, seen: Seen, timestamp_s: float) -> float | None:
    """Return how alike a track and a detection are that do not overlap, None where they cannot be one object."""
    last_s, last = track.latest
    (x0, y0), (x1, y1), sides = centre(last), centre(seen.xyxy), (last[2] - last[0], last[3] - last[1])
    if timestamp_s - last_s > LEAP_S or max(abs(x1 - x0), abs(y1 - y0)) > LEAP * max(sides):
        return None
    for before, now in zip(sides, (seen.xyxy[2] - seen.xyxy[0], seen.xyxy[3] - seen.xyxy[1]), strict=True):
        if max(before, now) > LEAP_GROWTH * min(before, now):
            return None
    alike = likeness(track.patch, seen.patch)
    return alike if alike >= LEAP_LIKENESS else None


def _greedy(
    tracks: Sequence[int], detections: Sequence[int], measure: Callable[[int, int], float | None]
) -> list[Pair]:
    """Pair what `measure` gives most for; equal ones by the place of the track, then of the detection."""
    values = ((measure(t, s), t, s) for t in tracks for s in detections)
    pairs: list[Pair] = []
    for _, t, s in sorted((-value, t, s) for value, t, s in values if value is not None):
        if all(t != a and s != b for a, b in pairs):
            pairs.append((t, s))
    return pairs
