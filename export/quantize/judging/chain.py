"""A variant in the whole chain: pictures through detector, embedder, catalogue and second look, as `edge tag` does it.

The catalogue is the shard as it stands: devices search what the float embedder made, so the float model must be the
one that the shard names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle import Bundle, load_bundle
from edge.command_line import progress
from edge.detections import Float32s, Int32s
from edge.embedder import Projection
from edge.errors import InputError, ModelError, SpaceMismatch
from edge.files import sha256_of_file
from edge.gallery import Gallery
from edge.pipeline import Kit
from edge.shard import Shard, open_shard
from export.bundles.build import space_id
from export.bundles.reading import ModelReading
from export.evaluation.bootstrap import Float64s, drop_interval, ratio_interval
from export.evaluation.photos import ask
from export.evaluation.queries import Query, read_queries
from export.evaluation.retrieval import AMONG, FIGURES, NOTHING, Answers, tally
from export.quantize.job import Job
from export.quantize.judged import Judged
from export.quantize.judging.certainty import AGREEMENT_ALLOWANCE, pictures_needed
from export.quantize.judging.crops import Crops, crops_of_job
from export.quantize.judging.embedder import embed
from export.quantize.judging.reasons import why_tags_are_refused
from export.quantize.judging.running import open_detector, open_embedder, require_runs
from export.quantize.judging.vectors import agreement

METRIC = "recall_at_1"
TAG_FIGURES = ("tag_recall", "tag_precision")


@dataclass(frozen=True)
class ChainJudge:
    """Holds variants of a bundle's detector or embedder against it on photos with known answers.

    Attributes:
        reading: the float model.
        kit: the chain, with the float model in its place.
        queries: the photos.
        images: folder that their paths start from.
        floating: what the float chain answers.
        max_drop: the budget of the job, points.
    """

    reading: ModelReading
    kit: Kit
    queries: tuple[Query, ...]
    images: Path
    floating: Answers
    max_drop: float

    @classmethod
    def open(cls, job: Job, shard: Path) -> ChainJudge:
        """Run the float chain over the queries.

        Raises:
            InputError: no query shows a product of the shard.
            SpaceMismatch: the shard is of another space than the bundle, or than the embedder that is judged.
        """
        labels, images, chain = job.evaluation.labels, job.evaluation.images, job.chain
        assert labels is not None and images is not None and chain is not None
        bundle = load_bundle(chain.bundle)
        kit = Kit.open(bundle, [_shard_of(job, bundle, shard)])
        kit = _with(kit, job.reading, job.reading)
        wanted = set(job.evaluation.pictures)
        asked = [query for query in read_queries(labels).queries if images / query.path in wanted]
        answered = ask(kit, progress(asked, "float model", len(asked), "photo"), images, "detector")
        if not (answered.answers.expected != NOTHING).any():
            why = f" ({answered.problems[0]})" if answered.problems else ""
            raise InputError(f"{labels}: no photo shows a product of the shard {shard}{why}: nothing can be found")
        return cls(job.reading, kit, answered.queries, images, answered.answers, job.max_drop)

    def judge(self, variant: ModelReading) -> Judged:
        """Run the chain with a variant in it and compare; see `Judge.judge`."""
        kit = _with(self.kit, variant, self.reading)
        try:
            answers = ask(kit, progress(self.queries, "variant", len(self.queries), "photo"), self.images, "detector")
        except ModelError as e:
            require_runs((kit.detector if self.reading.kind == "detector" else kit.embedder).session)
            return self._judged(replace(Answers.empty(), expected=self.floating.expected), str(e))
        return self._judged(answers.answers, "")

    def _judged(self, answers: Answers, reason: str) -> Judged:
        counts = [tally(one, self.kit.matchings[0]) for one in (self.floating, answers)]
        values, intervals = _figures(counts, self.floating.expected)
        one, other = values[METRIC]
        ci95, drop = intervals[METRIC], 100 * (one - other)
        lost = {name: intervals[name] for name in TAG_FIGURES}
        details = {f"{name}_float": pair[0] for name, pair in values.items()}
        details |= {name: pair[1] for name, pair in values.items()}
        return Judged(
            metric=METRIC,
            floating=one,
            quantized=other,
            drop_points=drop,
            drop_ci95=ci95,
            pictures=len(self.floating),
            pictures_needed=None if reason else pictures_needed(drop, ci95, len(self.floating), self.max_drop),
            reason=reason or why_tags_are_refused(values, lost, self.max_drop),
            details=details,
        )


@dataclass(frozen=True)
class ProductJudge:
    """Holds variants of an embedder against it by the product that is found first in a shard, without labels.

    Attributes:
        reading: the float model.
        crops: what the bundle's detector cuts out of the pictures.
        vectors: float32 (n, d) the float model's.
        gallery: the shard.
        projection: what the bundle applies after the model.
        margin: products whose similarities differ by less are as near as each other.
        max_drop: the budget of the job, points.
    """

    reading: ModelReading
    crops: Crops
    vectors: Float32s
    gallery: Gallery
    projection: Projection | None
    margin: float
    max_drop: float

    @classmethod
    def open(cls, job: Job, shard: Path) -> ProductJudge:
        """Run the float model over the crops; raises as `ChainJudge.open`."""
        assert job.chain is not None
        bundle = load_bundle(job.chain.bundle)
        gallery = Gallery([_shard_of(job, bundle, shard)], bundle.space_id, bundle.name)
        projection = bundle.open_embedder().projection
        crops = crops_of_job(job, job.evaluation.pictures, best_only=False)
        vectors = embed(open_embedder(job.reading, projection=projection), crops, "float model")
        return cls(job.reading, crops, vectors, gallery, projection, bundle.matching.margin_threshold, job.max_drop)

    def judge(self, variant: ModelReading) -> Judged:
        """Embed the crops with a variant and compare what is found; see `Judge.judge`."""
        embedder = open_embedder(variant, self.reading, self.projection)
        n = len(self.crops.files)
        try:
            vectors = embed(embedder, self.crops, "variant")
        except ModelError as e:
            require_runs(embedder.session)
            return Judged("neighbour_agreement", 1.0, 0.0, 100.0, None, n, None, str(e), {}, AGREEMENT_ALLOWANCE)
        agrees = self._agrees(vectors)
        alike = agreement(self.vectors, vectors, agrees)
        counts = np.stack([~agrees, np.ones(len(agrees))], axis=1).astype(np.float64)
        interval = ratio_interval(counts, self.crops.picture, np.zeros(len(agrees), np.int32))
        ci95, drop = _points(interval), 100 * (1 - alike.neighbours)
        needed = pictures_needed(drop, ci95, n, AGREEMENT_ALLOWANCE * self.max_drop)
        return Judged(
            "neighbour_agreement",
            1.0,
            alike.neighbours,
            drop,
            ci95,
            n,
            needed,
            alike.reason,
            alike.details(),
            AGREEMENT_ALLOWANCE,
        )

    def _agrees(self, vectors: Float32s) -> npt.NDArray[np.bool_]:
        """Return (n,): whether the float model finds the same product, or one that it holds for as near."""
        found = self.gallery.search(vectors, 1).product
        known = self.gallery.search(self.vectors, AMONG)
        as_near = known.similarity[:, :1] - known.similarity <= self.margin
        return np.asarray(((known.product == found) & as_near & (found >= 0)).any(axis=1))


def _figures(
    counts: Sequence[Float64s], expected: Int32s
) -> tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float] | None]]:
    """Return each figure of the float chain and of the variant's, and the interval of its drop, points."""
    empty = expected == NOTHING
    cluster = np.where(empty, -1 - np.arange(len(expected)), expected)
    values, intervals = {}, {}
    for name in (METRIC, *TAG_FIGURES):
        part, whole = FIGURES[name]
        pairs = np.concatenate([one[:, [part, whole]] for one in counts], axis=1)
        total = pairs.sum(axis=0)
        values[name] = (_share(total[0], total[1]), _share(total[2], total[3]))
        intervals[name] = _points(drop_interval(pairs, cluster, empty.astype(np.int32)))
    return values, intervals


def _share(part: float, whole: float) -> float:
    """Return part / whole; a figure over nothing is 0."""
    return float(part / whole) if whole else 0.0


def _points(interval: tuple[float, float] | None) -> tuple[float, float] | None:
    return (100 * interval[0], 100 * interval[1]) if interval else None


def _with(kit: Kit, variant: ModelReading, like: ModelReading) -> Kit:
    """Put a model into the chain, in the place of its kind."""
    if like.kind == "detector":
        return replace(kit, detector=open_detector(variant, like))
    return replace(kit, embedder=open_embedder(variant, like, kit.embedder.projection))


def _shard_of(job: Job, bundle: Bundle, root: Path) -> Shard:
    shard = open_shard(root)
    if job.reading.kind == "detector":
        return shard
    projection, preprocessing = bundle.embedder.projection, job.reading.preprocessing
    assert preprocessing is not None, "an embedder takes a picture"
    sha256 = sha256_of_file(job.reading.path)
    own = space_id(sha256, preprocessing, projection.sha256 if projection else None)
    if own != shard.space_id and sha256 != bundle.embedder.model.sha256:
        raise SpaceMismatch(
            f"{root}: this shard was not embedded with {job.reading.path} (its space is {shard.space_id[:12]}, the "
            f"model's is {own[:12]}): build bundle and shard with this float model, or leave the shard away"
        )
    return shard
