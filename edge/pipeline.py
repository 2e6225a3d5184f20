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
from edge.media.ahead import Ahead
from edge.media.frame import Glance, Source, Stream, is_stream
from edge.photos import each_once, objects_in, without_parts
from edge.stopwatch import Stopwatch
from edge.tagging import Identity, tags_of, unmatched_of
from edge.tags import SourceTags
from edge.tracks.appearances import Named, gap_for, gather
from edge.tracks.naming import look_again
from edge.tracks.pace import pace_for
from edge.watching import Eye

__all__ = [
    "CANDIDATES",
    "INTERRUPTED",
    "STEPS",
    "Kit",
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
        objects: tracks of a video that have ended, objects of a photo.
        frames_detected: frames that the detector looked at.
        problem: why it ended early, one sentence; None where it did not.
    """

    objects: list[Named] = field(default_factory=list)
    frames_detected: int = 0
    problem: str | None = None


def tag_source(
    kit: Kit, source: Source, every_s: float | None = None, stopwatch: Stopwatch | None = None
) -> SourceTags:
    """Tag one source.

    Args:
        kit: models and catalogue.
        source: an opened picture, video or camera.
        every_s: seconds between the frames of a video that are looked at, 0 for every frame; None looks where
            something changes, see `edge.tracks.pace`.
        stopwatch: gathers where the time goes.

    Returns:
        What was found, of a photo the main object's tag first. A source that breaks in the middle, or an interrupt,
        gives what was found until then, with `partial` set and `error` saying why.
    """
    watch, found = stopwatch or Stopwatch(), Findings()
    try:
        if is_stream(source):
            watch_stream(kit, source, every_s, watch, found)
        else:
            found.objects, found.frames_detected = objects_in(kit, source, watch), 1
    except ModelError as e:
        found.problem = f"{source.path}: {e}"
    except InputError as e:
        found.problem = str(e)
    except KeyboardInterrupt:
        found.problem = INTERRUPTED
    still = source.kind == "image"
    with watch.lap("search"):
        least = kit.bundle.matching.similarity_threshold
        settle = partial(look_again, reconsider=kit.reconsider, least=least, matchings=kit.matchings)
        known, unknown = each_once(found.objects) if still else gather(found.objects, gap_for(every_s), settle)
    identity = Identity(source.content_id, kit.bundle.space_id, tuple(shard.sha256 for shard in kit.gallery.shards))
    tags, unmatched = tags_of(known, identity), unmatched_of(unknown)
    if still:
        tags, unmatched = without_parts(tags, unmatched)
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
    )


def watch_stream(kit: Kit, source: Stream, every_s: float | None, watch: Stopwatch, found: Findings) -> None:
    """Watch a video: look where it shows something new, follow what is there, and name each track when it ends.

    Args:
        kit: models and catalogue.
        source: an opened video or camera.
        every_s: see `tag_source`.
        watch: gathers where the time goes.
        found: takes in what is found, also where this ends with an error.
    """
    eye, pace = Eye(kit, source.resolution_wh, watch, found.objects), pace_for(every_s)

    def take(glance: Glance) -> None:
        found.frames_detected += 1
        pace.learn(eye.look(glance))

    try:
        waiting = None
        with Ahead(source.glances(pace.glance_s, pace.hurry)) as glances:
            for glance in watch.over("decode", glances):
                decision = pace.decide(glance.timestamp_s, glance.grey)
                waiting = glance if decision == "wait" else None
                if decision == "look":
                    take(glance)
                elif decision == "still":
                    eye.stay(glance.timestamp_s)
        if waiting is not None:
            take(waiting)
    finally:
        eye.close()
