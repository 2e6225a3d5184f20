"""From tracks to appearances: one for each product and the time that it is there, and each object once.

    >>> appearances, unmatched = gather(named_tracks, gap_s=2.5)

Three rules, in this order:

1. One place holds one thing. A brief track, or one of something unknown, that lies on another track is what the
   detector made of that track's object, and is left out.
2. Tracks of one product with no more than a gap between them are one appearance; a track that could be either of two,
   or is not quite similar enough, follows the one that was there before or comes after.
3. Unknown objects at one place with no more than a gap between them are one.

What remains of a single fleeting track is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from edge.tags import Box, Candidate, Moment
from edge.tracks.boxes import area, box_at, overlap, share_inside
from edge.tracks.votes import Status

GAP_S = 2.5
"""A product that comes back within this time is the same appearance."""
BRIEF = 2
BRIEF_S = 1.0
"""A track of no more sightings is brief; it may begin or end so long before or after the one that it is of."""
INSIDE = 0.7
"""So much of a box lies inside another one's if both are of one object."""
LEAST_PART = 0.3
"""A brief track of less than this share of another one's box may be a small thing before a large one."""
SAME_PLACE = 0.2
"""Overlap of an unknown object that was lost and found again."""


@dataclass(frozen=True)
class Named:
    """A track that has ended, with what it is.

    Attributes:
        trail: time and box of its sightings, in order.
        sightings: how many looks saw it with confidence.
        fleeting: seen once and then looked for in vain.
        status: what is said of it.
        candidates: products, best first.
        best: its sighting that is most like the first product; without a product, the one seen best.
        asked: how many of its crops were embedded.
        nearly: unmatched, but not by much; see `edge.tracks.votes.is_nearly`.
    """

    trail: tuple[tuple[float, Box], ...]
    sightings: int
    fleeting: bool
    status: Status
    candidates: tuple[Candidate, ...]
    best: Moment
    asked: int = 0
    nearly: bool = False

    @property
    def start_s(self) -> float:
        """First sighting."""
        return self.trail[0][0]

    @property
    def end_s(self) -> float:
        """Last sighting."""
        return self.trail[-1][0]

    @property
    def product(self) -> tuple[int, str]:
        """Shard and product_id of the first candidate."""
        return self.candidates[0].shard, self.candidates[0].product_id

    @property
    def similarity(self) -> float:
        """Of the first candidate; -1 without one."""
        return self.candidates[0].similarity if self.candidates else -1.0


def gap_for(every_s: float | None) -> float:
    """Return the gap that is allowed where a user has fixed the seconds between looks; None: where nobody has."""
    return GAP_S if every_s is None else max(GAP_S, 2.5 * every_s)


def gather(
    tracks: Iterable[Named], gap_s: float = GAP_S, settle: Callable[[Named], Named] = lambda track: track
) -> tuple[list[Named], list[Named]]:
    """Return the appearances of products and the unknown objects, each in the order of their start.

    Args:
        tracks: ended ones, in any order; those of one start in the order in which they began.
        gap_s: what comes back within so many seconds is the same appearance.
        settle: takes a second look at a track, once what is part of another is gone.
    """
    tracks = [settle(track) for track in _each_once(sorted(tracks, key=lambda track: track.start_s))]
    sure = _chained([track for track in tracks if track.status == "match"], gap_s)
    unsure = _let_follow([track for track in tracks if track.status == "ambiguous"], sure, gap_s)
    unknown = _let_follow([track for track in tracks if track.status == "unmatched"], sure, gap_s)
    return _as_one([*sure, *_chained(unsure, gap_s)]), _as_one(_resumed(unknown, gap_s))


def _each_once(tracks: Sequence[Named]) -> list[Named]:
    """Leave out tracks that are of another one's object; where they reach beyond it in time, it is there then."""
    kept = {place: track for place, track in enumerate(tracks) if _owner(track, tracks) is None}
    for track in tracks:
        owner = _owner(track, tracks)
        if owner in kept:
            kept[owner] = _extended(kept[owner], track)
    return list(kept.values())


def _owner(track: Named, tracks: Sequence[Named]) -> int | None:
    """Return the place of the track of whose object a track is: of several, the one seen most often."""
    owners = [place for place, other in enumerate(tracks) if _is_of(track, other)]
    return max(owners, key=lambda place: tracks[place].sightings, default=None)


def _extended(owner: Named, by: Named) -> Named:
    beyond = [seen for seen in by.trail if not owner.start_s <= seen[0] <= owner.end_s]
    return replace(owner, trail=tuple(sorted([*owner.trail, *beyond], key=lambda seen: seen[0])))


def _is_of(track: Named, other: Named) -> bool:
    """Return whether a track is only what was made of another one's object for a while."""
    beyond_s = max(other.start_s - track.start_s, track.end_s - other.end_s, 0.0)
    if track is other or beyond_s > BRIEF_S:
        return False
    boxes = [(box, box_at(other.trail, at_s)) for at_s, box in track.trail]
    if any(share_inside(box, whole) < INSIDE for box, whole in boxes):
        return False
    if track.sightings <= BRIEF < other.sightings:
        return all(area(box) >= LEAST_PART * area(whole) for box, whole in boxes)
    if beyond_s > 0:
        return False
    if track.status == "unmatched":
        return other.status != "unmatched"
    return track.status == "ambiguous" and other.status == "match" and other.similarity >= track.similarity


def _near(a: Named, b: Named, gap_s: float) -> bool:
    return a.start_s - b.end_s <= gap_s and b.start_s - a.end_s <= gap_s


def _let_follow(tracks: Sequence[Named], sure: list[list[Named]], gap_s: float) -> list[Named]:
    """Put each track into the first sure group that it follows, and return those that follow none."""
    left = []
    for track in tracks:
        group = next((group for group in sure if _follows(track, group, gap_s)), None)
        if group is None:
            left.append(track)
        else:
            group.append(track)
    return left


def _chained(tracks: Sequence[Named], gap_s: float) -> list[list[Named]]:
    """Group tracks of the same first product, which stand in the order of their start."""
    return _grouped(tracks, lambda track, group: track.product == group[0].product and _soon(track, group, gap_s))


def _resumed(tracks: Sequence[Named], gap_s: float) -> list[list[Named]]:
    """Group unknown objects that were lost and found again at the same place."""

    def resumes(track: Named, group: list[Named]) -> bool:
        before = group[-1]
        again = before.end_s < track.start_s <= before.end_s + gap_s
        return again and overlap(track.trail[0][1], before.trail[-1][1]) >= SAME_PLACE

    return _grouped(tracks, resumes)


def _grouped(tracks: Sequence[Named], belongs: Callable[[Named, list[Named]], bool]) -> list[list[Named]]:
    """Put each track into the latest group that it belongs to, else into a group of its own."""
    groups: list[list[Named]] = []
    for track in tracks:
        group = next((group for group in reversed(groups) if belongs(track, group)), None)
        if group is None:
            groups.append([track])
        else:
            group.append(track)
    return groups


def _soon(track: Named, group: list[Named], gap_s: float) -> bool:
    return track.start_s - max(one.end_s for one in group) <= gap_s


def _follows(track: Named, group: list[Named], gap_s: float) -> bool:
    """Return whether a track is of the product of a sure appearance.

    An ambiguous one is by its first or second product, an unmatched one that is nearly a match by its first. Where it
    is the second, the product must not be there at the same time, unless at the same place.
    """
    product, named = group[0].product, [(c.shard, c.product_id) for c in track.candidates[:2]]
    if product not in (named if track.status == "ambiguous" else named[:1] if track.nearly else []):
        return False
    if not any(_near(track, one, gap_s) for one in group):
        return False
    at_once = [one for one in group if track.start_s <= one.end_s and one.start_s <= track.end_s]
    if track.product == product or not at_once:
        return True
    best = track.best
    return any(overlap(best.xyxy, box_at(one.trail, best.timestamp_s)) >= SAME_PLACE for one in at_once)


def _as_one(groups: Iterable[list[Named]]) -> list[Named]:
    """Return each group as one, in the order of their start, without what was seen for a single look."""
    together = sorted((_together(group) for group in groups), key=lambda track: track.start_s)
    return [track for track in together if not track.fleeting]


def _together(group: list[Named]) -> Named:
    """Return tracks as one; the sure one speaks, of several the most similar, of unknown ones the longest seen."""
    if len(group) == 1:
        return group[0]
    rank = {"unmatched": 0, "ambiguous": 1, "match": 2}
    spokesman = max(group, key=lambda one: (rank[one.status], one.similarity if rank[one.status] else one.sightings))
    trail = sorted((seen for one in group for seen in one.trail), key=lambda seen: seen[0])
    return replace(spokesman, trail=tuple(trail), sightings=sum(one.sightings for one in group), fleeting=False)
