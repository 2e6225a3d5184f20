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

from edge.bundle import Bundle, Matching
from edge.bundle_description import SecondLookPart
from edge.crops import cut_crops
from edge.detections import Detections, Float32s
from edge.detector import Detector
from edge.embedder import Embedder, l2_normalize
from edge.errors import InputError, ModelError
from edge.gallery import Gallery
from edge.inference.hardware import Hardware
from edge.matches import Matches
from edge.media.frame import Frame, Source
from edge.preprocessing import ImageArray
from edge.prominence import by_prominence, is_aimed_at, middle_box, parts, surroundings
from edge.second_look import SecondLook, open_second_look
from edge.shard import Shard
from edge.shard.vectors import quantize
from edge.stopwatch import Stopwatch
from edge.tagging import Appearances, Sighting
from edge.tags import Box, Candidate, SourceTags, Tag, Unmatched

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
    def matchings(self) -> tuple[Matching, ...]:
        """The thresholds for each shard of the gallery: what it was calibrated to, else the bundle's."""
        return tuple(shard.matching(self.bundle.matching, self._rule) for shard in self.gallery.shards)

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was asked of the hardware, or calibrated, and cannot be had here."""
        calibrations = (shard.calibration_note(self._rule) for shard in self.gallery.shards)
        hardware = (*self.detector.session.notes, *self.embedder.session.notes)
        return tuple(dict.fromkeys((*hardware, *filter(None, calibrations))))

    @property
    def _rule(self) -> SecondLookPart | None:
        return self.second_look.rule if self.second_look else None


@dataclass(frozen=True)
class Objects:
    """What was found in one picture, row by row.

    Attributes:
        detections: (n,) boxes in pixels of the picture that was looked at; of a photo, the main object first.
        crops: n pictures, one of each object.
        looked_at: n pictures that the second look sees: the crops, but of a photo's main object its surroundings.
        embeddings: float32 (n, ndim), each row of length 1.
    """

    detections: Detections
    crops: list[ImageArray]
    looked_at: list[ImageArray]
    embeddings: Float32s


def tag_source(kit: Kit, source: Source, every_s: float = EVERY_S, stopwatch: Stopwatch | None = None) -> SourceTags:
    """Tag one source.

    Args:
        kit: models and catalogue.
        source: an opened picture, video or camera.
        every_s: seconds between the frames that are looked at; 0 looks at every frame.
        stopwatch: gathers where the time goes.

    Returns:
        What was found, of a photo the main object's tag first. A source that breaks in the middle, or an interrupt,
        gives what was found until then, with `partial` set and `error` saying why.
    """
    watch = stopwatch or Stopwatch()
    max_gap_s = max(1.0, 2.5 * every_s)
    still = source.kind == "image"
    reconsider = (
        kit.reconsider if kit.second_look and not still else None
    )  # every object of a photo has been, in `look`
    appearances = Appearances(kit.matchings, max_gap_s, reconsider)
    frames_detected = crops_embedded = 0
    stopped = None
    try:
        for frame in watch.over("decode", source.frames(every_s)):
            sightings = look(kit, frame, source.resolution_wh, watch, still)
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
        if still:
            tags, unmatched = without_parts(tags, unmatched)
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
        content_id=source.content_id,
    )


def look(
    kit: Kit, frame: Frame, resolution_wh: tuple[int, int], watch: Stopwatch, still: bool = False
) -> list[Sighting]:
    """Look at one frame: with `find_objects`, every arrow of the pipeline is a line here.

    Args:
        kit: models and catalogue.
        frame: the picture; a very large one may have been read at a smaller size.
        resolution_wh: size of the source as it is shown; boxes are given in its pixels.
        watch: gathers where the time goes.
        still: whether it is a photo, which has a main object, and of which no better frame will follow.

    Returns:
        One sighting for each object that the detector found; of a photo, the main object first.
    """
    found = find_objects(kit, frame.image, watch, still)
    with watch.lap("search"):
        chosen = kit.selection
        matches = kit.gallery.search(found.embeddings, kit.looked_up, chosen.category, chosen.region, chosen.in_stock)
        named = candidates_of(matches, kit.gallery)
        if still:
            named = [kit.reconsider(*one) for one in zip(found.looked_at, named, strict=True)]
    xyxy = found.detections.xyxy * (resolution_wh[0] / frame.image.shape[1])
    confidence, vectors = found.detections.confidence, quantize(found.embeddings)
    return [
        Sighting(frame.timestamp_s, _box(xyxy[row]), float(confidence[row]), found.crops[row], candidates, vectors[row])
        for row, candidates in enumerate(named)
    ]


def find_objects(kit: Kit, image: ImageArray, watch: Stopwatch, still: bool) -> Objects:
    """Detect, cut and embed; see `look`.

    Args:
        kit: models and catalogue.
        image: (H, W, 3) uint8 RGB.
        watch: gathers where the time goes.
        still: whether it is a photo.
    """
    size_wh = image.shape[1], image.shape[0]
    with watch.lap("detect"):
        detections = kit.detector.detect(image)
    if still:
        detections = by_prominence(detections, size_wh)
    aimed_at = still and len(detections) > 0 and is_aimed_at(detections.xyxy[0], size_wh)
    crops = looked_at = cut_crops(image, detections.xyxy, kit.bundle.embedder.crop_margin)
    with watch.lap("embed"):
        embeddings = kit.embedder.embed(crops)
        if aimed_at:
            middle = kit.embedder.embed(cut_crops(image, middle_box(size_wh)))
            embeddings = np.concatenate([l2_normalize(embeddings[:1] + middle), embeddings[1:]])
    if aimed_at:
        looked_at = [*cut_crops(image, surroundings(detections.xyxy[0], size_wh)), *crops[1:]]
    return Objects(detections, crops, looked_at, embeddings)


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
