"""One object over time: where it was, where it should be next, and the few crops that will say what it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from edge.preprocessing import ImageArray
from edge.tags import Box
from edge.tracks.boxes import area, between, centre, moved
from edge.tracks.seen import Patch, Seen

PICKS = 3
PICKS_APART_S = 0.5
"""Of each half second of a track at most one crop is picked."""
SOON_S = 0.6
"""A look within this time after a confident sighting should see the object again."""
FORESEEN_S = 0.5
"""A track is expected to go on in its way for so long, and to stay there then."""
THIN = 0.03
THIN_S = 2.0
"""A sighting is forgotten if the straight way between its neighbours, at most so long, passes so near to its box."""


@dataclass(frozen=True)
class Pick:
    """A crop worth embedding.

    Attributes:
        timestamp_s: when.
        xyxy: its box.
        confidence: the detector's.
        quality: see `edge.tracks.seen.quality`.
        crop: (h, w, 3) uint8 RGB, a copy of its own.
    """

    timestamp_s: float
    xyxy: Box
    confidence: float
    quality: float
    crop: ImageArray


@dataclass(eq=False)
class Track:
    """An object that is being followed.

    Attributes:
        trail: time and box of its sightings up to the last confident one; steady ones are thinned out.
        unsure: time and box of those after it, which count once it is seen with confidence again.
        sightings: how many looks saw it with confidence.
        patch: of its last confident sighting.
        speed: pixels a second to the right and down; None before there was a step.
        picks: at most `PICKS`, in the order of time.
        missed: how many looks since its last sighting, of any confidence, did not find it.
        vain: whether a look within a second of a confident sighting did not confirm it.
    """

    trail: list[tuple[float, Box]] = field(default_factory=list)
    unsure: list[tuple[float, Box]] = field(default_factory=list)
    sightings: int = 0
    patch: Patch | None = None
    speed: tuple[float, float] | None = None
    picks: list[Pick] = field(default_factory=list)
    missed: int = 0
    vain: bool = False

    @property
    def fleeting(self) -> bool:
        """Return whether it was seen once with confidence, not for longer, and soon after looked for in vain."""
        return self.sightings == 1 and self.vain and self.end_s == self.start_s

    @property
    def start_s(self) -> float:
        """First sighting."""
        return self.trail[0][0]

    @property
    def end_s(self) -> float:
        """Last confident sighting."""
        return self.trail[-1][0]

    @property
    def latest(self) -> tuple[float, Box]:
        """Return time and box of the last sighting of any confidence."""
        return (self.unsure or self.trail)[-1]

    def expected_at(self, timestamp_s: float) -> Box:
        """Return where its box should be at a time after its last sighting."""
        last_s, last = self.latest
        ahead_s, (right, down) = min(timestamp_s - last_s, FORESEEN_S), self.speed or (0.0, 0.0)
        return moved(last, (right * ahead_s, down * ahead_s))

    def take(self, timestamp_s: float, seen: Seen, confident: bool) -> None:
        """Add a sighting, later than all before it."""
        if self.trail:
            self._set_speed(timestamp_s, seen.xyxy)
        self.missed = 0
        self.unsure.append((timestamp_s, seen.xyxy))
        if confident:
            self.sightings += 1
            self.patch = seen.patch
            self._confirm()
        else:
            self._doubt(timestamp_s)

    def miss(self, timestamp_s: float) -> None:
        """Note that a look did not find it."""
        self.missed += 1
        self._doubt(timestamp_s)

    def stay(self, timestamp_s: float) -> None:
        """Note that nothing has changed up to a time."""
        self.speed = (0.0, 0.0)
        if self.unsure:
            self.unsure[-1] = timestamp_s, self.unsure[-1][1]
        else:
            self._remember(timestamp_s, self.trail[-1][1])

    def wants(self, timestamp_s: float, quality: float) -> bool:
        """Return whether `pick` would keep a crop of this time and quality."""
        rival = self._rival(timestamp_s)
        return rival is None or quality > rival.quality

    def pick(self, pick: Pick) -> None:
        """Keep a crop, in place of the one of the same half second, else of the worst where there are too many."""
        if (rival := self._rival(pick.timestamp_s)) is not None:
            self.picks.remove(rival)
        self.picks.append(pick)

    def _confirm(self) -> None:
        for sighting in self.unsure:
            self._remember(*sighting)
        self.unsure.clear()

    def _doubt(self, timestamp_s: float) -> None:
        self.vain = self.vain or timestamp_s - self.end_s <= SOON_S

    def _rival(self, timestamp_s: float) -> Pick | None:
        """Return the pick that another one must beat: of the same half second, else the worst of a full list."""
        slot = self._slot(timestamp_s)
        same = next((pick for pick in self.picks if self._slot(pick.timestamp_s) == slot), None)
        if same is not None or len(self.picks) < PICKS:
            return same
        return min(self.picks, key=lambda pick: pick.quality)

    def _slot(self, timestamp_s: float) -> int:
        return int((timestamp_s - self.start_s) / PICKS_APART_S)

    def _set_speed(self, timestamp_s: float, xyxy: Box) -> None:
        """Take the mean of the old speed and that of the last step."""
        last_s, last = self.latest
        if timestamp_s <= last_s:
            return
        (x0, y0), (x1, y1), step_s = centre(last), centre(xyxy), timestamp_s - last_s
        right, down = (x1 - x0) / step_s, (y1 - y0) / step_s
        before = self.speed or (right, down)
        self.speed = (before[0] + right) / 2, (before[1] + down) / 2

    def _remember(self, timestamp_s: float, xyxy: Box) -> None:
        if len(self.trail) > 1 and self._on_the_way(timestamp_s, xyxy):
            self.trail.pop()
        self.trail.append((timestamp_s, xyxy))

    def _on_the_way(self, timestamp_s: float, xyxy: Box) -> bool:
        """Return whether the last sighting lies on the way from the one before it to this."""
        (before_s, before), (last_s, last) = self.trail[-2:]
        if timestamp_s - before_s > THIN_S and before != last:
            return False
        way = between(before, xyxy, (last_s - before_s) / (timestamp_s - before_s))
        return max(abs(p - q) for p, q in zip(way, last, strict=True)) <= THIN * math.sqrt(area(last))
