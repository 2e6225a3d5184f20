"""The spine of the device side: frames -> detections -> crops -> embeddings -> matches -> tags.

>>> kit = Kit.open(load_bundle(bundle_folder), [open_shard(shard_folder)])
>>> with open_source("clip.mp4") as source:
...     result = tag_source(kit, source)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle
from edge.crops import cut_crops
from edge.detector import Detector
from edge.embedder import Embedder
from edge.errors import InputError, ModelError
from edge.gallery import Gallery
from edge.inference.hardware import Hardware
from edge.matches import Matches
from edge.media.frame import Frame, Source
from edge.preprocessing import ImageArray
from edge.second_look import SecondLook, open_second_look
from edge.shard import Shard
from edge.stopwatch import Stopwatch
from edge.tagging import Appearances, Sighting
from edge.tags import Box, Candidate, SourceTags

CANDIDATES = 5
EVERY_S = 0.5
STEPS = ("decode", "detect", "embed", "search")
INTERRUPTED = "interrupted: what was found until then is kept"


@dataclass(frozen=True)
class Selection:
    """Which products may be suggested; None leaves a field open."""

    category: str | None = None
    region: str | None = None
    in_stock: bool | None = None


@dataclass(frozen=True)
class Kit:
    """Everything that tagging needs, opened once.

    Attributes:
        bundle: the models' description.
        detector: ready to run.
        embedder: ready to run.
        gallery: the catalogue's vectors, of the same embedding space as the bundle.
        selection: which products may be suggested.
        second_look: ranks the first products again; None leaves them as the embedder ranks them.
    """

    bundle: Bundle
    detector: Detector
    embedder: Embedder
    gallery: Gallery
    selection: Selection = Selection()
    second_look: SecondLook | None = None

    @classmethod
    def open(
        cls,
        bundle: Bundle,
        shards: Sequence[Shard],
        selection: Selection | None = None,
        hardware: Hardware | None = None,
        second_look: bool = True,
    ) -> Kit:
        """Load the models of a bundle and lay the shards beside them.

        Args:
            bundle: the models' description.
            shards: the catalogues.
            selection: which products may be suggested.
            hardware: what the models run on.
            second_look: whether to look again at the first products, where bundle, pack and OpenCV are there for it.

        Raises:
            SpaceMismatch: a shard is of another embedding space.
            ArtefactRefused: a model or a pack is not what it says it is.
        """
        gallery = Gallery(shards, bundle.space_id, bundle.name)
        detector, embedder = bundle.open_detector(hardware), bundle.open_embedder(hardware)
        again = open_second_look(bundle.second_look, gallery.shards) if second_look else None
        return cls(bundle, detector, embedder, gallery, selection or Selection(), again)

    @property
    def looked_up(self) -> int:
        """Return how many products are searched for: the second look may choose among more than are suggested."""
        return max(CANDIDATES, self.second_look.rule.products) if self.second_look else CANDIDATES

    def reconsider(self, crop: ImageArray, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the products to suggest for a crop, best first, after a second look where there is one."""
        looked_at = self.second_look.reorder(crop, candidates) if self.second_look else tuple(candidates)
        return looked_at[:CANDIDATES]

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was asked of the hardware and cannot be had here."""
        return tuple(dict.fromkeys((*self.detector.session.notes, *self.embedder.session.notes)))


def tag_source(kit: Kit, source: Source, every_s: float = EVERY_S, stopwatch: Stopwatch | None = None) -> SourceTags:
    """Tag one source.

    Args:
        kit: models and catalogue.
        source: an opened picture, video or camera.
        every_s: seconds between the frames that are looked at; 0 looks at every frame.
        stopwatch: gathers where the time goes.

    Returns:
        What was found. A source that breaks in the middle, or an interrupt, gives what was found until then, with
        `partial` set and `error` saying why.
    """
    watch = stopwatch or Stopwatch()
    max_gap_s = max(1.0, 2.5 * every_s)
    appearances = Appearances(kit.bundle.matching, max_gap_s, reconsider=kit.reconsider if kit.second_look else None)
    frames_detected = crops_embedded = 0
    stopped = None
    try:
        for frame in watch.over("decode", source.frames(every_s)):
            sightings = look(kit, frame, source.resolution_wh, watch)
            for sighting in sightings:
                appearances.observe(sighting)
            frames_detected += 1
            crops_embedded += len(sightings)
    except ModelError as e:
        stopped = f"{source.path}: {e}"
    except InputError as e:
        stopped = str(e)
    except KeyboardInterrupt:
        stopped = INTERRUPTED
    sha256s = [shard.sha256 for shard in kit.gallery.shards]
    with watch.lap("search"):
        tags, unmatched = appearances.close(source.content_id, kit.bundle.space_id, sha256s)
    return SourceTags(
        path=source.path,
        kind=source.kind,
        duration_s=source.duration_s,
        resolution_wh=source.resolution_wh,
        partial=source.partial or stopped is not None,
        frames_decoded=source.frames_decoded,
        frames_detected=frames_detected,
        crops_embedded=crops_embedded,
        error=stopped or source.error,
        tags=tags,
        unmatched=unmatched,
    )


def look(kit: Kit, frame: Frame, resolution_wh: tuple[int, int], watch: Stopwatch) -> list[Sighting]:
    """Look at one frame: every arrow of the pipeline is a line here.

    Args:
        kit: models and catalogue.
        frame: the picture; a very large one may have been read at a smaller size.
        resolution_wh: size of the source as it is shown; boxes are given in its pixels.
        watch: gathers where the time goes.

    Returns:
        One sighting for each object that the detector found.
    """
    with watch.lap("detect"):
        detections = kit.detector.detect(frame.image)
    crops = cut_crops(frame.image, detections.xyxy, kit.bundle.embedder.crop_margin)
    with watch.lap("embed"):
        embeddings = kit.embedder.embed(crops)
    with watch.lap("search"):
        chosen = kit.selection
        matches = kit.gallery.search(embeddings, kit.looked_up, chosen.category, chosen.region, chosen.in_stock)
    xyxy = detections.xyxy * (resolution_wh[0] / frame.image.shape[1])
    return [
        Sighting(frame.timestamp_s, _box(xyxy[row]), float(detections.confidence[row]), crops[row], candidates)
        for row, candidates in enumerate(candidates_of(matches, kit.gallery))
    ]


def _box(xyxy: npt.NDArray[np.floating]) -> Box:
    x0, y0, x1, y1 = (float(v) for v in xyxy)
    return x0, y0, x1, y1


def candidates_of(matches: Matches, gallery: Gallery) -> list[tuple[Candidate, ...]]:
    """Name the products of each query, best first."""
    named = []
    for shards, products, similarities in zip(matches.shard, matches.product, matches.similarity, strict=True):
        found = [(int(s), int(p), float(v)) for s, p, v in zip(shards, products, similarities, strict=True) if p >= 0]
        records = [(s, gallery.shards[s].record(p), v) for s, p, v in found]
        named.append(tuple(Candidate(s, record.product_id, record.title, v) for s, record, v in records))
    return named
