"""The spine of the device side: frames -> detections -> tracks -> crops -> embeddings -> matches -> tags.

>>> kit = Kit.open(load_bundle(bundle_folder), [open_shard(shard_folder)])
>>> with open_source("clip.mp4") as source:
...     result = tag_source(kit, source)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from edge.errors import InputError, ModelError
from edge.kit import CANDIDATES, Kit, Selection, candidates_of
from edge.looking import Objects, find_objects, look
from edge.media.frame import Glance, Source, Stream, is_stream
from edge.photos import each_once, objects_in, without_parts
from edge.stopwatch import Stopwatch
from edge.tagging import Identity, tags_of, unmatched_of
from edge.tags import SourceTags, Tag, Unmatched
from edge.tracks.appearances import Named, gap_for, gather
from edge.tracks.budget import NO_LIMITS, Budget, Limits, remarks
from edge.tracks.naming import look_again
from edge.tracks.pace import pace_for
from edge.watching import Eye, reading

__all__ = [
    "CANDIDATES",
    "INTERRUPTED",
    "STEPS",
    "Kit",
    "Limits",
    "Objects",
    "Selection",
    "candidates_of",
    "find_objects",
    "look",
    "tag_source",
    "without_parts",
]

STEPS = ("decode", "detect", "embed", "search")
INTERRUPTED = "interrupted: what was found until then is kept"


@dataclass
class Findings:
    """What is found in a source, as it comes.

    Attributes:
        gap_s: what comes back within so many seconds is the same appearance.
        objects: tracks of a video that have ended, objects of a photo.
        frames_detected: frames that the detector looked at.
        problem: why it ended early, one sentence; None where it did not.
        notes: what gave way to the limits.
    """

    gap_s: float
    objects: list[Named] = field(default_factory=list)
    frames_detected: int = 0
    problem: str | None = None
    notes: tuple[str, ...] = ()


def tag_source(
    kit: Kit,
    source: Source,
    every_s: float | None = None,
    stopwatch: Stopwatch | None = None,
    limits: Limits = NO_LIMITS,
) -> SourceTags:
    """Tag one source.

    Args:
        kit: models and catalogue.
        source: an opened picture, video or camera.
        every_s: seconds between the frames of a video that are looked at, 0 for every frame; None looks where
            something changes, see `edge.tracks.pace`.
        stopwatch: gathers where the time goes.
        limits: how much work a video may take.

    Returns:
        What was found, of a photo the main object's tag first. A source that breaks in the middle, or an interrupt,
        gives what was found until then, with `partial` set and `error` saying why.
    """
    watch, found = stopwatch or Stopwatch(), Findings(gap_for(every_s))
    try:
        if is_stream(source):
            watch_stream(kit, source, every_s, limits, watch, found)
        else:
            found.objects, found.frames_detected = objects_in(kit, source, watch), 1
    except ModelError as e:
        found.problem = f"{source.path}: {e}"
    except InputError as e:
        found.problem = str(e)
    except KeyboardInterrupt:
        found.problem = INTERRUPTED
    tags, unmatched = conclude(kit, source, found, watch)
    return SourceTags(
        path=source.path,
        kind=source.kind,
        duration_s=source.duration_s,
        resolution_wh=source.resolution_wh,
        partial=source.partial or found.problem is not None,
        frames_decoded=source.frames_decoded,
        frames_detected=found.frames_detected,
        crops_embedded=sum(one.asked for one in found.objects),
        error=found.problem or source.error,
        tags=tags,
        unmatched=unmatched,
        content_id=source.content_id,
        notes=found.notes,
    )


def watch_stream(
    kit: Kit, source: Stream, every_s: float | None, limits: Limits, watch: Stopwatch, found: Findings
) -> None:
    """Watch a video: look where it shows something new, follow what is there, and name each track when it ends.

    Args:
        kit: models and catalogue.
        source: an opened video or camera.
        every_s: see `tag_source`.
        limits: likewise.
        watch: gathers where the time goes.
        found: takes in what is found, also where this ends with an error.
    """
    eye, pace = Eye(kit, source.resolution_wh, watch, found.objects), pace_for(every_s)
    budget = Budget(limits, "none" if pace.whole else "unreferenced")
    reader = reading(source, pace.glance_s, budget.hurry, limits.realtime)

    def look_if_allowed(glance: Glance) -> None:
        if budget.allows(glance.timestamp_s, eye.spent(reader)):
            found.frames_detected += 1
            pace.learn(glance.timestamp_s, glance.grey, eye.look(glance, budget.share, pace.cut))

    waiting = None
    try:
        with reader:
            for glance in watch.over("decode", reader):
                decision = pace.decide(glance.timestamp_s, glance.grey)
                waiting = glance if decision == "wait" else None
                if decision == "look":
                    look_if_allowed(glance)
                elif decision == "still":
                    eye.stay(glance.timestamp_s)
        if waiting is not None:
            look_if_allowed(waiting)
    finally:
        found.gap_s = max(found.gap_s, gap_for(budget.sparse_s))
        found.notes = remarks(budget, limits, reader.dropped, eye.input_fixed)
        eye.close()


def conclude(
    kit: Kit, source: Source, found: Findings, watch: Stopwatch
) -> tuple[tuple[Tag, ...], tuple[Unmatched, ...]]:
    """Make tags of what was found, and say what is not in the catalogue."""
    identity = Identity(source.content_id, kit.bundle.space_id, tuple(shard.sha256 for shard in kit.gallery.shards))
    with watch.lap("search"):
        if not is_stream(source):
            known, unknown = each_once(found.objects)
            return without_parts(tags_of(known, identity), unmatched_of(unknown))
        least = kit.bundle.matching.similarity_threshold
        settle = partial(look_again, reconsider=kit.reconsider, least=least, matchings=kit.matchings)
        known, unknown = gather(found.objects, found.gap_s, settle)
        return tags_of(known, identity), unmatched_of(unknown)
