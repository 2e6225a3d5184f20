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

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from edge.tags import Box, Candidate, Moment
from edge.tracks.boxes import area, box_at, overlap, share_inside
from edge.tracks.votes import Status

GAP_S = 2.5
"""A product that comes back within this time is the same appearance."""
BRIEF = 2
BRIEF_S = 0.6
"""A track of no more sightings is brief; it may begin or end so long before or after the one that it is of."""
SPAN_S = 10.0
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
        fleeting: seen once, for a single look, and then looked for in vain.
        status: what is said of it.
        candidates: products, best first.
        best: its sighting that is most like the first product; without a product, the one seen best.
        asked: how many of its crops were embedded.
        nearly: unmatched, but not by much; see `edge.tracks.votes.is_nearly`.
        vain: whether it was looked for in vain soon after it had been seen.
        clear: whether it leads by twice the margin threshold; see `edge.tracks.votes.is_clear`.
    """

    trail: tuple[tuple[float, Box], ...]
    sightings: int
    fleeting: bool
    status: Status
    candidates: tuple[Candidate, ...]
    best: Moment
    asked: int = 0
    nearly: bool = False
    vain: bool = False
    clear: bool = False

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
    def first_two(self) -> set[tuple[int, str]]:
        """Shard and product_id of the first two candidates."""
        return {(candidate.shard, candidate.product_id) for candidate in self.candidates[:2]}

    @property
    def may_be(self) -> set[tuple[int, str]]:
        """What an unsure track may be: one of its first two products if ambiguous, its first if nearly a match."""
        if self.status == "ambiguous":
            return self.first_two
        return {self.product} if self.nearly else set()

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
    tracks = [settle(track) for track in _each_once(sorted(tracks, key=lambda track: track.start_s), gap_s)]
    sure = _chained([track for track in tracks if track.status == "match"], gap_s)
    unsure = _let_follow([track for track in tracks if track.status == "ambiguous"], sure, gap_s)
    unknown = _let_follow([track for track in tracks if track.status == "unmatched"], sure, gap_s)
    known = _as_one([*sure, *_paired(unsure, gap_s)])
    return [_doubted(one) for one in known], _as_one(_resumed(unknown, gap_s))


def _each_once(tracks: Sequence[Named], gap_s: float) -> list[Named]:
    """Leave out tracks that are of another one's object; where they reach beyond it in time, it is there then."""
    near = _neighbours(tracks, max(gap_s, BRIEF_S))
    owners = [_owner(track, tracks, near[place], gap_s) for place, track in enumerate(tracks)]
    kept = {place: track for place, track in enumerate(tracks) if owners[place] is None}
    for track, owner in zip(tracks, owners, strict=True):
        if owner in kept:
            kept[owner] = _extended(kept[owner], track)
    return list(kept.values())


def _neighbours(tracks: Sequence[Named], within_s: float) -> list[list[int]]:
    """Return for each track the places of those that may be there within so many seconds, so that time stays linear."""
    spans: defaultdict[int, list[int]] = defaultdict(list)
    for place, track in enumerate(tracks):
        for span in range(int(track.start_s / SPAN_S), int(track.end_s / SPAN_S) + 1):
            spans[span].append(place)

    def near(track: Named) -> list[int]:
        first, last = int((track.start_s - within_s) / SPAN_S) - 1, int((track.end_s + within_s) / SPAN_S) + 1
        return sorted({place for span in range(first, last + 1) for place in spans.get(span, ())})

    return [near(track) for track in tracks]


def _owner(track: Named, tracks: Sequence[Named], near: Sequence[int], gap_s: float) -> int | None:
    """Return the place of the track of whose object a track is: of several, the one seen most often."""
    if _is_borne_out(track, [tracks[place] for place in near], gap_s):
        return None
    owners = [place for place in near if _is_of(track, tracks[place])]
    return max(owners, key=lambda place: tracks[place].sightings, default=None)


def _is_borne_out(track: Named, tracks: Sequence[Named], gap_s: float) -> bool:
    """Return whether a brief track has the product of one that is not brief, shortly before or after it."""
    if track.status == "unmatched" or track.sightings > BRIEF:
        return False
    others = (one for one in tracks if one.status != "unmatched" and one.sightings > BRIEF)
    return any(one.product == track.product and _near(track, one, gap_s) for one in others)


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
    of_product: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for place, one in enumerate(sure):
        of_product[one[0].product].append(place)
    left = []
    for track in tracks:
        places = sorted(place for product in track.may_be for place in of_product.get(product, ()))
        group = next((sure[place] for place in places if _follows(track, sure[place], gap_s)), None)
        if group is None:
            left.append(track)
        else:
            group.append(track)
    return left


def _chained(tracks: Sequence[Named], gap_s: float) -> list[list[Named]]:
    """Group tracks of the same first product, which stand in the order of their start."""
    return _grouped(tracks, lambda track, group: track.product == group[0].product, gap_s)


def _paired(tracks: Sequence[Named], gap_s: float) -> list[list[Named]]:
    """Group ambiguous tracks of the same first product, or between the same two, in the order of their start."""

    def belongs(track: Named, group: list[Named]) -> bool:
        return any(track.product == one.product or track.first_two == one.first_two for one in group)

    return _grouped(tracks, belongs, gap_s)


def _doubted(one: Named) -> Named:
    """Return an appearance as ambiguous if it is a match that stands on little: few sightings and a small lead."""
    brief = one.sightings <= BRIEF and one.vain and not one.clear
    return replace(one, status="ambiguous") if brief and one.status == "match" else one


def _resumed(tracks: Sequence[Named], gap_s: float) -> list[list[Named]]:
    """Group unknown objects that were lost and found again at the same place."""

    def resumes(track: Named, group: list[Named]) -> bool:
        before = group[-1]
        again = before.end_s < track.start_s <= before.end_s + gap_s
        return again and overlap(track.trail[0][1], before.trail[-1][1]) >= SAME_PLACE

    return _grouped(tracks, resumes, gap_s)


def _grouped(tracks: Sequence[Named], belongs: Callable[[Named, list[Named]], bool], gap_s: float) -> list[list[Named]]:
    """Put each track into the latest group that has not ended for longer than the gap and that it belongs to.

    Where there is none, the track begins a group.
    """
    groups: list[list[Named]] = []
    ends_s: list[float] = []
    still_open: list[int] = []
    for track in tracks:
        still_open = [place for place in still_open if track.start_s - ends_s[place] <= gap_s]
        place = next((place for place in reversed(still_open) if belongs(track, groups[place])), None)
        if place is None:
            still_open.append(len(groups))
            groups.append([track])
            ends_s.append(track.end_s)
        else:
            groups[place].append(track)
            ends_s[place] = max(ends_s[place], track.end_s)
    return groups


def _follows(track: Named, group: list[Named], gap_s: float) -> bool:
    """Return whether a track that may be of the product of a sure appearance is a part of it.

    Where its own first product is another one, the appearance must not be there at the same time, unless at the same
    place.
    """
    if not any(_near(track, one, gap_s) for one in group):
        return False
    at_once = [one for one in group if track.start_s <= one.end_s and one.start_s <= track.end_s]
    if track.product == group[0].product or not at_once:
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
