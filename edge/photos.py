"""What a photo shows: its objects, each product once, without what is only a part of another one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.kit import Kit
from edge.looking import Sighting, look
from edge.media.frame import Source
from edge.prominence import parts
from edge.stopwatch import Stopwatch
from edge.tags import Moment, Tag, Unmatched
from edge.tracks.appearances import Named
from edge.tracks.naming import small
from edge.tracks.votes import status


def objects_in(kit: Kit, source: Source, watch: Stopwatch) -> list[Named]:
    """Return the objects of a photo, the main one first.

    Args:
        kit: models and catalogue.
        source: an opened picture.
        watch: gathers where the time goes.
    """
    found = []
    for frame in watch.over("decode", source.frames(0)):
        found += [_named(kit, one) for one in look(kit, frame, source.resolution_wh, watch, still=True)]
    return found


def each_once(objects: list[Named]) -> tuple[list[Named], list[Named]]:
    """Return the products, each once and as it is most similar, and what is not in the catalogue."""
    known: dict[tuple[int, str], list[Named]] = {}
    for one in objects:
        if one.status != "unmatched":
            known.setdefault(one.product, []).append(one)
    return [_together(same) for same in known.values()], [one for one in objects if one.status == "unmatched"]


def without_parts(
    tags: tuple[Tag, ...], unmatched: tuple[Unmatched, ...]
) -> tuple[tuple[Tag, ...], tuple[Unmatched, ...]]:
    """Leave out what is only a part of another product of the photo; an object without a product outdoes nothing."""
    boxes = [*(tag.best.xyxy for tag in tags), *(one.best.xyxy for one in unmatched)]
    xyxy = np.array(boxes, np.float32).reshape(-1, 4)
    similarity = np.array([tag.candidates[0].similarity for tag in tags] + [-2.0] * len(unmatched))
    product = np.array([*range(len(tags)), *[-1] * len(unmatched)])
    whole = ~parts(xyxy, product, similarity)
    return (
        tuple(tag for tag, kept in zip(tags, whole[: len(tags)], strict=True) if kept),
        tuple(one for one, kept in zip(unmatched, whole[len(tags) :], strict=True) if kept),
    )


def _named(kit: Kit, seen: Sighting) -> Named:
    return Named(
        trail=((seen.timestamp_s, seen.xyxy),),
        sightings=1,
        fleeting=False,
        status=status(seen.candidates, kit.matchings),
        candidates=seen.candidates,
        best=Moment(seen.timestamp_s, seen.xyxy, small(seen.crop), seen.vector),
        asked=1,
    )


def _together(same: list[Named]) -> Named:
    best = max(same, key=lambda one: one.similarity)
    return replace(best, trail=tuple(place for one in same for place in one.trail))
