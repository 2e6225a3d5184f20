"""The pipeline to be ahead of: every frame is detected, every crop embedded and searched; nothing follows an object.

The models are the bundle's (float at run time: the packaged files store weights in bytes and are restored at load),
the thresholds are the kit's. A product that is the best match of a crop in a frame is seen there; sightings of one
product no further apart than `GAP_S` are one tag, judged by its best sighting, with a second look at that one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bundle import Matching
from edge.crops import cut_crops
from edge.media.frame import Source
from edge.pipeline import CANDIDATES, Kit, candidates_of
from edge.preprocessing import ImageArray
from edge.stopwatch import Stopwatch
from edge.tags import Box, Candidate
from export.evaluation.clips import Claim

GAP_S = 1.0


@dataclass
class _Seen:
    """A product over time, with its best sighting."""

    start_s: float
    end_s: float
    best_s: float
    xyxy: Box
    crop: ImageArray
    candidates: tuple[Candidate, ...]


def tag_naively(kit: Kit, source: Source, watch: Stopwatch) -> list[Claim]:
    """Return the tags of a source, everything looked at."""
    seen: dict[str, list[_Seen]] = {}
    for frame in watch.over("decode", source.frames(0)):
        with watch.lap("detect"):
            found = kit.detector.detect(frame.image)
        crops = cut_crops(frame.image, found.xyxy, kit.bundle.embedder.crop_margin)
        with watch.lap("embed"):
            vectors = kit.embedder.embed(crops)
        with watch.lap("search"):
            named = candidates_of(kit.gallery.search(vectors, kit.looked_up), kit.gallery)
        for box, crop, candidates in zip(found.xyxy.tolist(), crops, named, strict=True):
            if candidates and candidates[0].similarity >= _matching(kit, candidates).similarity_threshold:
                _observe(seen, _Seen(frame.timestamp_s, frame.timestamp_s, frame.timestamp_s, box, crop, candidates))
    with watch.lap("search"):
        claims = [_claim(kit, one) for sightings in seen.values() for one in sightings]
    return sorted((claim for claim in claims if claim), key=lambda claim: claim.start_s)


def _observe(seen: dict[str, list[_Seen]], now: _Seen) -> None:
    before = seen.setdefault(now.candidates[0].product_id, [])
    if not before or now.start_s - before[-1].end_s > GAP_S:
        now.crop = now.crop.copy()
        before.append(now)
        return
    last = before[-1]
    last.end_s = now.end_s
    if now.candidates[0].similarity > last.candidates[0].similarity:
        last.best_s, last.xyxy, last.crop, last.candidates = now.best_s, now.xyxy, now.crop.copy(), now.candidates


def _claim(kit: Kit, seen: _Seen) -> Claim | None:
    """Return what the sightings amount to, after the second look; None where that leaves nothing to claim."""
    ranked = kit.reconsider(seen.crop, seen.candidates)[:CANDIDATES]
    matching = _matching(kit, ranked)
    if ranked[0].similarity < matching.similarity_threshold:
        return None
    margin = ranked[0].similarity - ranked[1].similarity if len(ranked) > 1 else 1.0
    sure = margin >= matching.margin_threshold
    named = tuple(candidate.product_id for candidate in ranked[: 1 if sure else 2])
    return Claim(named, seen.start_s, seen.end_s, seen.best_s, seen.xyxy, sure)


def _matching(kit: Kit, candidates: Sequence[Candidate]) -> Matching:
    return kit.matchings[candidates[0].shard]
