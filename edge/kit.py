"""Everything that tagging needs, opened once: models, catalogue, and which products may be suggested.

>>> kit = Kit.open(load_bundle(bundle_folder), [open_shard(shard_folder)])
>>> kit.search(kit.embedder.embed(crops))[0][0].product_id
'oat-drink-1l'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.bundle import Bundle, Matching
from edge.bundle_description import SecondLookPart
from edge.detections import Float32s
from edge.detector import Detector
from edge.embedder import Embedder
from edge.gallery import Gallery
from edge.inference.hardware import Hardware
from edge.matches import Matches
from edge.preprocessing import ImageArray
from edge.second_look import SecondLook, open_second_look
from edge.shard import Shard
from edge.tags import Candidate

CANDIDATES = 5


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

    def search(self, embeddings: Float32s) -> list[tuple[Candidate, ...]]:
        """Return the products nearest to each embedding, best first, `looked_up` of them where there are so many.

        Args:
            embeddings: float32 (n, ndim), each row of length 1.
        """
        chosen = self.selection
        matches = self.gallery.search(embeddings, self.looked_up, chosen.category, chosen.region, chosen.in_stock)
        return candidates_of(matches, self.gallery)

    def reconsider(self, crop: ImageArray, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
        """Return the products to suggest for a crop, best first, after a second look where there is one."""
        looked_at = self.second_look.reorder(crop, candidates) if self.second_look else tuple(candidates)
        return looked_at[:CANDIDATES]

    @property
    def matchings(self) -> tuple[Matching, ...]:
        """The thresholds for each shard of the gallery: what it was calibrated to, else the bundle's."""
        return tuple(shard.matching(self.bundle.matching, self._rule) for shard in self.gallery.shards)

    @property
    def matchings_at_first(self) -> tuple[Matching, ...]:
        """The same for what the embedder alone says: before a second look, which raises similarities, the bundle's."""
        return (self.bundle.matching,) * len(self.gallery.shards) if self.second_look else self.matchings

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was asked of the hardware, or calibrated, and cannot be had here."""
        calibrations = (shard.calibration_note(self._rule) for shard in self.gallery.shards)
        hardware = (*self.detector.session.notes, *self.embedder.session.notes)
        return tuple(dict.fromkeys((*hardware, *filter(None, calibrations))))

    @property
    def _rule(self) -> SecondLookPart | None:
        return self.second_look.rule if self.second_look else None


def candidates_of(matches: Matches, gallery: Gallery) -> list[tuple[Candidate, ...]]:
    """Name the products of each query, best first."""
    named = []
    for shards, products, similarities in zip(matches.shard, matches.product, matches.similarity, strict=True):
        found = [(int(s), int(p), float(v)) for s, p, v in zip(shards, products, similarities, strict=True) if p >= 0]
        records = [(s, gallery.shards[s].record(p), v) for s, p, v in found]
        named.append(tuple(Candidate(s, record.product_id, record.title, v) for s, record, v in records))
    return named
