"""What the pipeline says of its sources: tags, honest misses, and how the work went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.preprocessing import ImageArray
from edge.shard.calibration import rule_of
from edge.shard.vectors import Int8s

if TYPE_CHECKING:
    from edge.bundle import Bundle, Matching
    from edge.bundle_description import SecondLookPart
    from edge.shard import Shard

Box = tuple[float, float, float, float]
Trail = tuple[tuple[float, Box], ...]


@dataclass(frozen=True)
class Candidate:
    """A product that an object may be.

    Attributes:
        shard: index of the shard that it comes from.
        product_id: the operator's id.
        title: what a person reads.
        similarity: cosine of its best view to the object, -1..1.
    """

    shard: int
    product_id: str
    title: str
    similarity: float


@dataclass(frozen=True)
class Moment:
    """An object as it was seen best.

    Attributes:
        timestamp_s: seconds from the start of the source.
        xyxy: box in pixels of the source as it is shown.
        crop: (h, w, 3) uint8 RGB, small (at most 200 pixels a side).
        vector: int8 (ndim,), what was searched with; None where it was not kept.
    """

    timestamp_s: float
    xyxy: Box
    crop: ImageArray
    vector: Int8s | None = None


@dataclass(frozen=True)
class Tag:
    """One product in one appearance.

    Attributes:
        tag_id: the same for the same source, embedding space, shard and appearance; see docs/formats/tag-document.md.
        status: "match", or "ambiguous" where the lead over the next product is too small to choose.
        candidates: the product first, then the alternatives, best first.
        margin: similarity of the first minus that of the second candidate; 1 where there is no second.
        start_s: first sighting, seconds from the start of the source.
        end_s: last sighting.
        best: the sighting that was most similar.
        trail: time and box of every sighting, in order.
    """

    tag_id: str
    status: Literal["match", "ambiguous"]
    candidates: tuple[Candidate, ...]
    margin: float
    start_s: float
    end_s: float
    best: Moment
    trail: Trail


@dataclass(frozen=True)
class Unmatched:
    """An object that was found but is not in the catalogue, which is an answer and not a failure.

    Attributes:
        start_s: first sighting, seconds from the start of the source.
        end_s: last sighting.
        best: the most confident sighting.
        trail: time and box of every sighting, in order.
        nearest: the most similar product, below the threshold; None where the catalogue is empty.
    """

    start_s: float
    end_s: float
    best: Moment
    trail: Trail
    nearest: Candidate | None


@dataclass(frozen=True)
class SourceTags:
    """Everything found in one source.

    Attributes:
        path: as the user gave it.
        kind: "image" or "video".
        duration_s: length in seconds, None where the container does not say; 0 for a picture.
        resolution_wh: width and height as it is shown, (0, 0) where it could not be opened.
        partial: whether reading ended early; what was readable is tagged.
        frames_decoded: frames read from the source.
        frames_detected: frames that the detector looked at.
        crops_embedded: crops that the embedder looked at.
        error: one sentence, or None.
        tags: products, in order of their first sighting.
        unmatched: objects without a product, likewise.
        content_id: SHA-256 that names the content; empty where it could not be opened.
        notes: what gave way to `--realtime` or `--budget`, a sentence each.
    """

    path: str
    kind: Literal["image", "video"]
    duration_s: float | None
    resolution_wh: tuple[int, int]
    partial: bool
    frames_decoded: int
    frames_detected: int
    crops_embedded: int
    error: str | None
    tags: tuple[Tag, ...]
    unmatched: tuple[Unmatched, ...]
    content_id: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TagRun:
    """One call of `edge tag`: what was used, what was found, where the time went.

    Attributes:
        bundle: the models.
        shards: the catalogues, in the order that `Candidate.shard` counts.
        sources: one entry for each input.
        timing_ms: milliseconds in decode, detect, embed, search and total.
        demo: whether the catalogue is the demo catalogue of invented products.
        second_look: whether close calls were looked at again; None where nobody asked and nothing could.
    """

    bundle: Bundle
    shards: tuple[Shard, ...]
    sources: tuple[SourceTags, ...]
    timing_ms: Mapping[str, float]
    demo: bool
    second_look: bool | None = None

    @property
    def rule(self) -> SecondLookPart | None:
        """The rule of the second look that was taken; None: ranked by the embedder alone."""
        return rule_of(self.bundle.second_look, (s.calibration for s in self.shards)) if self.second_look else None

    def matching(self, candidate: Candidate) -> Matching:
        """Return the thresholds that a product is judged by: those of its catalogue, else the bundle's."""
        return self.shards[candidate.shard].matching(self.bundle.matching, self.rule)
