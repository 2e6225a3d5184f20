"""A detector's variants against labelled boxes, or against the boxes of the float model.

Both models keep boxes down to a confidence of 0.01, as average precision wants it. Without labels the truth is what
the float model finds at its own threshold, and a box counts only if its class is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edge.command_line import progress
from edge.detections import Detections
from edge.detector import Detector
from edge.errors import InputError, ModelError
from export.bundles.reading import ModelReading
from export.evaluation.coco import ImageDetections, ImageMatch, ImageTruth, match_image
from export.evaluation.detection import LOWEST_CONFIDENCE, read_coco
from export.evaluation.photos import Photo, open_photo
from export.quantize.job import Job
from export.quantize.judged import Judged
from export.quantize.judging.average_precision import Ap50, drop_interval
from export.quantize.judging.boxes import Agreement, Compared, Sure, compare
from export.quantize.judging.certainty import AGREEMENT_ALLOWANCE, pictures_needed
from export.quantize.judging.running import open_detector, require_runs

SUPPRESSED_INSIDE = ("end_to_end", "nms_outputs", "tflite_postprocess")
"""Families whose graph suppresses: their candidates have no order of their own."""
ALL = -1.0
"""A threshold that keeps every candidate, so that candidates of two models stay side by side."""
IOU_50 = np.array([0.5])


@dataclass(frozen=True)
class Scene:
    """One picture: what is to be found in it, and what the float model is sure of."""

    path: Path
    truth: ImageTruth
    sure: Sure


@dataclass(frozen=True)
class DetectorJudge:
    """Holds variants of one detector against it; see `export.quantize.judged.Judge`.

    Attributes:
        reading: the float model.
        scenes: the pictures.
        floating: the float model's average precision.
        metric: "ap50" or "box_agreement".
        max_drop: the budget of the job, points.
    """

    reading: ModelReading
    scenes: tuple[Scene, ...]
    floating: Ap50
    metric: str
    max_drop: float

    @classmethod
    def open(cls, job: Job) -> DetectorJudge:
        """Run the float model over the pictures.

        Raises:
            InputError: there is nothing to be found in the pictures.
            ModelError: the float model cannot be run.
        """
        detector = open_detector(job.reading)
        truths = _labelled(job) if job.evaluation.labels else dict.fromkeys(job.evaluation.pictures)
        scenes, matches = [], []
        for path in progress(truths, "float model", len(truths), "picture"):
            photo = open_photo(path)
            candidates, found = _look(detector, photo)
            sure = Sure.of(candidates, detector.decoding.score_threshold)
            truth = truths[path] or _truth_of(found, detector.decoding.score_threshold)
            scenes.append(Scene(path, truth, sure))
            matches.append(_match(truth, found, named=truths[path] is None))
        floating = Ap50.of(matches)
        _require_something(job, scenes, floating)
        metric = "ap50" if job.evaluation.labels else "box_agreement"
        return cls(job.reading, tuple(scenes), floating, metric, job.max_drop)

    def judge(self, variant: ModelReading) -> Judged:
        """Run a variant over the pictures and compare; see `Judge.judge`."""
        detector = open_detector(variant, self.reading)
        try:
            matches, compared = self._run(detector)
        except ModelError as e:
            require_runs(detector.session)
            return self._judged(Ap50.of([]), str(e), {})
        agreement = Agreement.of(compared)
        return self._judged(Ap50.of(matches), agreement.reason, agreement.details())

    def _run(self, detector: Detector) -> tuple[list[ImageMatch], list[Compared]]:
        in_order = detector.decoding.family not in SUPPRESSED_INSIDE
        matches, compared = [], []
        for scene in progress(self.scenes, "variant", len(self.scenes), "picture"):
            candidates, found = _look(detector, open_photo(scene.path))
            matches.append(_match(scene.truth, found, named=self.metric == "box_agreement"))
            compared.append(compare(scene.sure, candidates, in_order))
        return matches, compared

    def _judged(self, quantized: Ap50, reason: str, details: dict[str, float]) -> Judged:
        ran = len(quantized.boxes) > 0
        one, other = self.floating.figure(), quantized.figure() if ran else 0.0
        drop, pictures = 100 * (one - other), len(self.scenes)
        interval = drop_interval(self.floating, quantized) if ran else None
        ci95 = (100 * interval[0], 100 * interval[1]) if interval else None
        allowance = AGREEMENT_ALLOWANCE if self.metric == "box_agreement" else 1.0
        return Judged(
            metric=self.metric,
            floating=one,
            quantized=other,
            drop_points=drop,
            drop_ci95=ci95,
            pictures=pictures,
            pictures_needed=pictures_needed(drop, ci95, pictures, allowance * self.max_drop) if ran else None,
            reason=reason,
            details=details,
            allowance=allowance,
        )


def _labelled(job: Job) -> dict[Path, ImageTruth | None]:
    labels, images = job.evaluation.labels, job.evaluation.images
    assert labels is not None and images is not None
    wanted = set(job.evaluation.pictures)
    return {images / image.path: image.truth for image in read_coco(labels) if images / image.path in wanted}


def _look(detector: Detector, photo: Photo) -> tuple[Detections, Detections]:
    """Return all candidates, and what is found down to a low confidence, both in pixels of the file's picture."""
    inside = detector.decoding.family in SUPPRESSED_INSIDE
    decoding = replace(detector.decoding, score_threshold=LOWEST_CONFIDENCE if inside else ALL)
    candidates, placement = replace(detector, decoding=decoding).candidates(photo.image)
    likely = candidates[np.flatnonzero(candidates.confidence >= LOWEST_CONFIDENCE)]
    found = detector.suppress(likely, placement, (photo.image.shape[1], photo.image.shape[0]))
    whole = candidates.with_xyxy(placement.to_source(candidates.xyxy) * photo.scale)
    return whole, found.with_xyxy(found.xyxy * photo.scale)


def _truth_of(found: Detections, threshold: float) -> ImageTruth:
    """Return what a model finds at its threshold as labelled boxes, classes apart."""
    sure = found[np.flatnonzero(found.confidence >= threshold)]
    return ImageTruth(_apart(sure))


def _match(truth: ImageTruth, found: Detections, named: bool) -> ImageMatch:
    xyxy = _apart(found) if named else found.xyxy.astype(np.float64)
    return match_image(truth, ImageDetections(xyxy, found.confidence.astype(np.float64)), IOU_50)


def _apart(found: Detections) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Move the boxes of each class to a place of their own, so that boxes of two classes never overlap."""
    return found.xyxy.astype(np.float64) + 1e6 * found.class_id[:, None]


def _require_something(job: Job, scenes: Iterable[Scene], floating: Ap50) -> None:
    where = job.evaluation.labels or job.evaluation.images or "the pictures"
    if not floating.boxes.sum():
        what = "holds no box" if job.evaluation.labels else "show nothing that the float model finds"
        raise InputError(f"{where}: {what}, so no detector can be judged: give pictures of what it was trained on")
    if not any(len(scene.sure.boxes) for scene in scenes):
        raise InputError(
            f"{where}: the float model {job.reading.path} finds nothing in these pictures at its threshold: give "
            "pictures of what it was trained on, or say in its sidecar how it is fed"
        )
