"""Tracks of one source, look by look.

>>> following = Following(confident=0.45)
>>> news = following.observe(0.0, (640, 360), seen, crop_of)
>>> ended = following.close()
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.preprocessing import ImageArray
from edge.tracks.association import associate
from edge.tracks.seen import Seen, quality
from edge.tracks.track import Pick, Track

LOST_S = 1.0
LOST_LOOKS = 2
"""A track that has not been seen for longer than that, and by so many looks, has ended."""
WEAK_SHARE = 0.5
"""Detections down to this share of the detector's threshold may continue a track."""


@dataclass(frozen=True)
class News:
    """What a look changed.

    Attributes:
        ended: tracks that have not been seen for too long, or that a cut has ended, oldest first.
        restless: whether a track began, or one was not found that the look before had found.
    """

    ended: list[Track]
    restless: bool


class Following:
    """Follows the objects of one source."""

    def __init__(self, confident: float) -> None:
        """Start with nothing seen.

        Args:
            confident: confidence that starts a track: the detector's threshold.
        """
        self._confident = confident
        self._live: list[Track] = []
        self._found: list[Track] = []

    @property
    def weak(self) -> float:
        """Confidence below which a detection says nothing."""
        return WEAK_SHARE * self._confident

    def observe(
        self,
        timestamp_s: float,
        resolution_wh: tuple[int, int],
        seen: Sequence[Seen],
        crop_of: Callable[[int], ImageArray],
        cut: bool = False,
    ) -> News:
        """Take in one look, later than those before it.

        Args:
            timestamp_s: of the look.
            resolution_wh: of the source as it is shown.
            seen: detections, none below `weak`, most confident first.
            crop_of: gives the crop of a detection by its place, a copy that may be kept.
            cut: whether the video was cut since the look before: then every track has ended.
        """
        ended = [track for track in self._live if cut or _is_lost(track, timestamp_s)]
        self._live = [track for track in self._live if track not in ended]
        pairs = dict((s, self._live[t]) for t, s in associate(self._live, seen, timestamp_s, self._confident))
        born = []
        for place, one in enumerate(seen):
            track = pairs.get(place)
            if track is None and one.confidence >= self._confident:
                track = Track()
                born.append(track)
            if track is not None:
                track.take(timestamp_s, one, one.confidence >= self._confident)
                self._consider(track, timestamp_s, resolution_wh, one, place, crop_of)
        found = [*pairs.values(), *born]
        missed = any(track not in found for track in self._found)
        for track in self._live:
            if track not in found:
                track.miss(timestamp_s)
        self._live += born
        self._found = found
        return News(ended, bool(born) or missed)

    def stay(self, timestamp_s: float) -> None:
        """Note that up to this time the picture is as it was at the last look."""
        for track in self._found:
            track.stay(timestamp_s)

    def close(self) -> list[Track]:
        """Return the tracks that are left, oldest first: the source has ended."""
        ended, self._live = self._live, []
        return ended

    def _consider(
        self,
        track: Track,
        timestamp_s: float,
        resolution_wh: tuple[int, int],
        seen: Seen,
        place: int,
        crop_of: Callable[[int], ImageArray],
    ) -> None:
        """Keep the crop of a confident detection that is among the track's best."""
        if seen.confidence < self._confident:
            return
        value = quality(seen, resolution_wh)
        if track.wants(timestamp_s, value):
            track.pick(Pick(timestamp_s, seen.xyxy, seen.confidence, value, crop_of(place)))


def _is_lost(track: Track, timestamp_s: float) -> bool:
    return timestamp_s - track.latest[0] > LOST_S and track.missed >= LOST_LOOKS
