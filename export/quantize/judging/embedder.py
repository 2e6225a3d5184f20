"""An embedder's variants by what is found: the right product, or what the float model finds.

There is no catalogue here but the evaluation itself: every crop is searched among the float model's vectors of all
other pictures, as a device searches a catalogue that the float model made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle, Matching, load_bundle
from edge.command_line import progress
from edge.detections import Float32s, Int32s
from edge.embedder import Embedder, Projection
from edge.errors import InputError, ModelError
from export.bundles.reading import ModelReading
from export.evaluation.bootstrap import Float64s, ratio_interval
from export.evaluation.queries import read_queries
from export.quantize.job import Job
from export.quantize.judged import Judged
from export.quantize.judging.certainty import AGREEMENT_ALLOWANCE, pictures_needed
from export.quantize.judging.crops import Crops, crops_of_job
from export.quantize.judging.running import open_embedder, require_runs
from export.quantize.judging.vectors import VectorAgreement, agreement, search

MARGIN = Matching(0.6, 0.03).margin_threshold
"""Of a bundle that says nothing else: see `search`."""
FEWEST_PICTURES = 3


@dataclass(frozen=True)
class EmbedderJudge:
    """Holds variants of one embedder against it; see `export.quantize.judged.Judge`.

    Attributes:
        reading: the float model.
        crops: what is embedded.
        vectors: float32 (n, d) the float model's.
        product: int32 (n,) what each crop shows, -1 where that cannot be found again; None without labels.
        max_drop: the budget of the job, points.
        projection: what the bundle applies after the model.
        margin: see `search`.
    """

    reading: ModelReading
    crops: Crops
    vectors: Float32s
    product: Int32s | None
    max_drop: float
    projection: Projection | None = None
    margin: float = MARGIN

    @classmethod
    def open(cls, job: Job) -> EmbedderJudge:
        """Run the float model over the crops.

        Raises:
            InputError: there are too few pictures, or no product is shown twice.
            ModelError: the float model cannot be run.
        """
        files = job.evaluation.pictures
        product = _products(job, files) if job.evaluation.labels else None
        crops = crops_of_job(job, files, best_only=product is not None)
        if len(np.unique(crops.picture)) < FEWEST_PICTURES:
            raise InputError(
                f"{len(np.unique(crops.picture))} pictures to judge by: neighbours need at least {FEWEST_PICTURES}"
            )
        bundle = load_bundle(job.chain.bundle) if job.chain else None
        projection = _projection(bundle, job.reading) if bundle else None
        margin = bundle.matching.margin_threshold if bundle else MARGIN
        embedder = open_embedder(job.reading, projection=projection)
        vectors = embed(embedder, crops, "float model")
        return cls(job.reading, crops, vectors, product, job.max_drop, projection, margin)

    def judge(self, variant: ModelReading) -> Judged:
        """Embed the crops with a variant and compare; see `Judge.judge`."""
        embedder = open_embedder(variant, self.reading, self.projection)
        try:
            vectors = embed(embedder, self.crops, "variant")
        except ModelError as e:
            require_runs(embedder.session)
            return self._refused(str(e))
        ours, theirs = (search(v, self.vectors, self.crops.picture, self.margin) for v in (self.vectors, vectors))
        alike = agreement(self.vectors, vectors, theirs.agrees)
        if self.product is None:
            counts = np.stack([~theirs.agrees, np.ones(len(vectors))], axis=1).astype(np.float64)
            return self._judged("neighbour_agreement", 1.0, alike.neighbours, counts, alike)
        asked = self.product >= 0
        hits = [((self.product[rows] == self.product) & asked).astype(np.float64) for rows in (ours.row, theirs.row)]
        shares = [float(hit.sum() / asked.sum()) for hit in hits]
        counts = np.stack([hits[0] - hits[1], asked], axis=1).astype(np.float64)
        return self._judged("recall_at_1", shares[0], shares[1], counts, alike)

    def _judged(
        self, metric: str, floating: float, quantized: float, counts: Float64s, alike: VectorAgreement
    ) -> Judged:
        cluster = self.crops.picture if self.product is None else self.product
        interval = ratio_interval(counts, cluster, np.zeros(len(cluster), np.int32))
        drop = 100 * (floating - quantized)
        ci95 = (100 * interval[0], 100 * interval[1]) if interval else None
        allowance = AGREEMENT_ALLOWANCE if self.product is None else 1.0
        needed = pictures_needed(drop, ci95, len(self.crops.files), allowance * self.max_drop)
        pictures, reason, details = len(self.crops.files), alike.reason, alike.details()
        return Judged(metric, floating, quantized, drop, ci95, pictures, needed, reason, details, allowance)

    def _refused(self, reason: str) -> Judged:
        n = len(self.crops.files)
        if self.product is None:
            return Judged("neighbour_agreement", 1.0, 0.0, 100.0, None, n, None, reason, {}, AGREEMENT_ALLOWANCE)
        return Judged("recall_at_1", 1.0, 0.0, 100.0, None, n, None, reason)


def embed(embedder: Embedder, crops: Crops, who: str) -> Float32s:
    """Embed crops one at a time, float32 (n, d), with progress."""
    return np.concatenate([embedder.embed([one]) for one in progress(crops, who, len(crops), "crop")])


def _products(job: Job, files: Sequence[Path]) -> Int32s:
    """Return the product of each file, -1 where no other file shows it, or where it shows nothing."""
    labels, images = job.evaluation.labels, job.evaluation.images
    assert labels is not None and images is not None
    shown = {images / query.path: query.product_id for query in read_queries(labels).queries}
    names = np.array([shown.get(path, "") for path in files], np.str_)
    _, number, count = np.unique(names, return_inverse=True, return_counts=True)
    alone: npt.NDArray[np.bool_] = (count[number] < 2) | (names == "")
    if alone.all():
        raise InputError(
            f"{labels}: no product is shown by two of its pictures, and without a shard each photo is searched among "
            "the others: add photos, or give the bundle and the shard"
        )
    return np.where(alone, -1, number).astype(np.int32)


def _projection(bundle: Bundle, reading: ModelReading) -> Projection | None:
    """Return the projection of a bundle, if it is one for this embedder's vectors."""
    projection = bundle.open_embedder().projection
    fits = projection is not None and reading.vector is not None and len(projection.matrix) == reading.vector.ndim
    return projection if fits else None
