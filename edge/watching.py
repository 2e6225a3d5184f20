"""Watch a video: follow what its looks find, and ask of each track that ends what it is.

>>> eye = Eye(kit, source.resolution_wh, Stopwatch(), named := [])
>>> eye.look(glance)    # whether an object came or was missed
True
>>> eye.close()
>>> [one.status for one in named]
['match']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import perf_counter, thread_time

import numpy as np

from edge.crops import cut_crops
from edge.kit import Kit
from edge.looking import box_of
from edge.media.ahead import Ahead
from edge.media.frame import Glance, Hurry, Stream
from edge.preprocessing import ImageArray
from edge.resizing import resize
from edge.shard.vectors import Int8s, quantize
from edge.stopwatch import Stopwatch
from edge.tags import Candidate
from edge.tracks.appearances import Named
from edge.tracks.budget import Spent
from edge.tracks.following import Following
from edge.tracks.naming import name
from edge.tracks.seen import Seen, measure
from edge.tracks.track import Track

SPARE = 2
"""A picture is looked at, and a crop kept, at no less than twice the input of the model if it can be had."""


def reading(source: Stream, glance_s: float, hurry: Callable[[], Hurry], realtime: bool) -> Ahead[Glance]:
    """Return the glances of a video, decoded beside whoever looks at them.

    Args:
        source: an opened video or camera.
        glance_s: seconds between glances.
        hurry: what decoding may leave out.
        realtime: whether the video is taken at its own speed, as a camera is anyway: what comes too late is left out.
    """
    glances = source.glances(glance_s, hurry)
    if source.live:
        return Ahead(glances, newest_only=True, clock=thread_time)
    return Ahead(glances, newest_only=True, due_s=lambda glance: glance.timestamp_s) if realtime else Ahead(glances)


class Eye:
    """Looks at the frames of one video."""

    def __init__(self, kit: Kit, resolution_wh: tuple[int, int], watch: Stopwatch, named: list[Named]) -> None:
        """Start with nothing seen.

        Args:
            kit: models and catalogue.
            resolution_wh: of the video as it is shown; boxes are given in its pixels.
            watch: gathers where the time goes.
            named: takes in each track when it has ended.
        """
        self._kit, self._resolution_wh, self._watch, self._named = kit, resolution_wh, watch, named
        self._confident = kit.bundle.detector.decoding.score_threshold
        self._following = Following(self._confident)
        self._detector = self._whole = kit.detector.with_threshold(self._following.weak)
        self._share = 1.0
        self._work_s = 0.0

    @property
    def input_fixed(self) -> bool:
        """Whether the detector's model takes one size of input only."""
        return self._whole.with_input(1.0) is None

    def spent(self, reader: Ahead[Glance]) -> Spent:
        """Return what the video has taken so far, with its decoding."""
        decoding_ms = 1000 * reader.worked_s
        return Spent(1000 * self._work_s + decoding_ms, decoding_ms, reader.behind_s, reader.dropped)

    def look(self, glance: Glance, share: float = 1.0, cut: bool = False) -> bool:
        """Look at a frame; return whether an object came, or was missed.

        Args:
            glance: at the frame.
            share: of the sides of the detector's input, where its model takes other sizes.
            cut: whether the video was cut since the look before.
        """
        start = perf_counter()
        if share != self._share:
            self._share, self._detector = share, self._whole.with_input(share) or self._whole
        restless = self._look(glance, cut)
        self._work_s += perf_counter() - start
        return restless

    def _look(self, glance: Glance, cut: bool) -> bool:
        with self._watch.lap("detect"):
            small = glance.picture(SPARE * max(self._detector.preprocessing.size_wh))
            found = self._detector.detect(small)
            image = glance.picture(None) if len(found) and max(small.shape) < glance.longer_side else small
            xyxy = found.xyxy * np.float32(image.shape[1] / small.shape[1])
            crops = cut_crops(image, xyxy, self._kit.bundle.embedder.crop_margin)
            boxes = xyxy * np.float32(self._resolution_wh[0] / image.shape[1])
            confidence = found.confidence.tolist()
            seen = [self._seen(box_of(boxes[row]), confidence[row], crop) for row, crop in enumerate(crops)]
        news = self._following.observe(
            glance.timestamp_s, self._resolution_wh, seen, lambda row: self._kept(crops[row]), cut
        )
        self._name(news.ended)
        return news.restless

    def stay(self, timestamp_s: float) -> None:
        """Note that up to this time the picture is as it was at the last look."""
        self._following.stay(timestamp_s)

    def close(self) -> None:
        """Name what is left: the video has ended."""
        self._name(self._following.close())

    def _name(self, ended: Iterable[Track]) -> None:
        for track in ended:
            self._named.append(name(track, self._ask, self._kit.matchings_at_first))

    def _seen(self, xyxy: tuple[float, float, float, float], confidence: float, crop: ImageArray) -> Seen:
        """Measure a detection; a weak one only continues a track, by its box."""
        if confidence < self._confident:
            return Seen(xyxy, confidence)
        return Seen(xyxy, confidence, *measure(crop))

    def _kept(self, crop: ImageArray) -> ImageArray:
        """Return a copy that does not hold the whole frame in memory."""
        side = SPARE * max(self._kit.embedder.preprocessing.size_wh)
        height, width = crop.shape[:2]
        scale = min(1.0, side / max(height, width))
        return np.array(resize(crop, (max(1, round(width * scale)), max(1, round(height * scale)))))

    def _ask(self, crop: ImageArray) -> tuple[tuple[Candidate, ...], Int8s]:
        with self._watch.lap("embed"):
            embedding = self._kit.embedder.embed([crop])
        with self._watch.lap("search"):
            return self._kit.search(embedding)[0], quantize(embedding)[0]
