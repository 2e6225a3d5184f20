"""Ask an ended track's best crops what it is.

>>> named = name(track, ask, matchings)
>>> named = look_again(named, reconsider, matchings)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from edge.bundle import Matching
from edge.preprocessing import ImageArray
from edge.shard.vectors import Int8s
from edge.tags import Candidate, Moment
from edge.tracks.appearances import Named
from edge.tracks.track import Pick, Track
from edge.tracks.votes import fused, is_clear, is_nearly, is_settled, status

CROP_SIDE = 200
REACH = 0.05
"""A second look makes no product of what is further below the threshold: prints share letters and ornaments."""
Candidates = tuple[Candidate, ...]
Ask = Callable[[ImageArray], tuple[Candidates, Int8s]]
Reconsider = Callable[[ImageArray, Sequence[Candidate]], Candidates]


def name(track: Track, ask: Ask, matchings: Sequence[Matching]) -> Named:
    """Return an ended track with what it is.

    Args:
        track: with at least one pick; they are asked in the order of their quality, until the answers are clear.
        ask: gives the candidates of a crop, best first, and the vector that was searched with.
        matchings: thresholds of each shard, for what the embedder alone says.
    """
    asked: list[tuple[Pick, Candidates, Int8s]] = []
    for pick in sorted(track.picks, key=lambda pick: -pick.quality):
        asked.append((pick, *ask(pick.crop)))
        if is_settled([answer for _, answer, _ in asked], matchings):
            break
    candidates = fused([answer for _, answer, _ in asked])
    verdict = status(candidates, matchings)
    pick, _, vector = asked[0] if verdict == "unmatched" else _best(asked, candidates)
    return Named(
        trail=tuple(track.trail),
        sightings=track.sightings,
        fleeting=track.fleeting,
        status=verdict,
        candidates=candidates,
        best=Moment(pick.timestamp_s, pick.xyxy, small(pick.crop), vector),
        asked=len(asked),
        nearly=is_nearly(candidates, matchings),
        vain=track.vain,
        clear=is_clear(candidates, matchings),
    )


def look_again(named: Named, reconsider: Reconsider, least: float, matchings: Sequence[Matching]) -> Named:
    """Return a track after a second look at its best crop.

    Args:
        named: what is known of it.
        reconsider: gives the candidates of a crop in their final order.
        least: similarity threshold of the bundle, which speaks of the embedder alone.
        matchings: thresholds of each shard, by which it is judged now.
    """
    within_reach = named.similarity >= least - REACH
    candidates = reconsider(named.best.crop, named.candidates) if within_reach else named.candidates
    return replace(
        named,
        candidates=candidates,
        status=status(candidates, matchings),
        nearly=is_nearly(candidates, matchings),
        clear=is_clear(candidates, matchings),
    )


def _best(asked: list[tuple[Pick, Candidates, Int8s]], candidates: Candidates) -> tuple[Pick, Candidates, Int8s]:
    """Return the pick that is most like the first product; of equal ones the one asked first."""
    first = (candidates[0].shard, candidates[0].product_id) if candidates else None

    def similarity(one: tuple[Pick, Candidates, Int8s]) -> float:
        return next((c.similarity for c in one[1] if (c.shard, c.product_id) == first), -1.0)

    return max(asked, key=similarity)


def small(crop: ImageArray) -> ImageArray:
    """Return a copy of at most 200 pixels a side."""
    picture = Image.fromarray(np.ascontiguousarray(crop))
    picture.thumbnail((CROP_SIDE, CROP_SIDE))
    return np.array(picture)
