"""What quantization cost: a variant held against its float model in the measure of the task.

| the model is | labels | metric |
|---|---|---|
| a detector | COCO file | `ap50`, all classes as one, as `export evaluate --coco` |
| a detector | none | `box_agreement`: AP50 with the float model's boxes and classes as truth |
| an embedder | queries | `recall_at_1`: the nearest other photo shows the same product |
| an embedder | none | `neighbour_agreement`: the nearest other crop is the float model's |
| either, with bundle and shard | queries | `recall_at_1` of the whole chain, tag precision and recall beside it |
| an embedder, with bundle and shard | none | `neighbour_agreement`: the product found first is the float model's |

Devices search a catalogue that the float embedder made, whatever variant they run: so a variant's vectors are always
searched among float vectors, never among its own.

A faint box comes and goes without harm, and so does a neighbour for one that is as near (by less than the margin below
which `edge tag` calls an answer ambiguous: that counts as agreement). Agreement moves more than the measure of the task
all the same: its budget is `AGREEMENT_ALLOWANCE` times that of the task; docs/check.md has the figures.

    >>> judge = open_judge(job)
    >>> judge.judge(read_model(Path("yolox_nano.int8.onnx"))).drop_points
    0.4
"""

from __future__ import annotations

from dataclasses import replace

from edge.bundle import load_bundle
from edge.errors import ModelError, UsageError
from export.quantize.in_bundle import reading_in_bundle
from export.quantize.job import Job
from export.quantize.judged import Judge
from export.quantize.pictures import is_queries, require_disjoint


def open_judge(job: Job) -> Judge:
    """Run the float model over the evaluation pictures and return what holds variants against it.

    Raises:
        InputError: a picture of the evaluation was calibrated on, or the pictures show nothing to judge by.
        ModelError: the float model is neither detector nor embedder, or cannot be run.
        SpaceMismatch: the shard was embedded by another model.
        UsageError: the labels are of the other kind of model.
    """
    require_disjoint(job.calibration, job.evaluation.pictures)
    if job.chain is not None:
        job = replace(job, reading=reading_in_bundle(job.reading, load_bundle(job.chain.bundle)))
    queries = job.evaluation.labels is not None and is_queries(job.evaluation.labels)
    detector = job.reading.kind == "detector"
    if job.reading.kind == "unknown":
        raise ModelError(f"{job.reading.path}: neither a detector nor an embedder, so nothing can be compared")
    if job.chain is not None and job.chain.shard is not None and (queries or not detector):
        from export.quantize.judging.chain import ChainJudge, ProductJudge

        return ChainJudge.open(job, job.chain.shard) if queries else ProductJudge.open(job, job.chain.shard)
    if detector:
        from export.quantize.judging.detector import DetectorJudge

        if queries:
            raise UsageError("a queries file judges a detector only within a chain: give the bundle and the shard too")
        return DetectorJudge.open(job)
    from export.quantize.judging.embedder import EmbedderJudge

    if job.evaluation.labels is not None and not queries:
        raise UsageError(f"{job.evaluation.labels}: an embedder is judged by a queries file (.csv), not by boxes")
    return EmbedderJudge.open(job)
