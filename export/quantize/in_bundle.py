"""A model as the bundle around it says: a bundle knows preprocessing and thresholds that the model's file may not.

>>> reading = reading_in_bundle(read_model(bundle.root / "detector.onnx"), bundle)
>>> reading.decoding.score_threshold
0.45
"""

from __future__ import annotations

from dataclasses import replace

from edge.bundle import Bundle
from edge.files import sha256_of_file
from export.bundles.reading import ModelReading, VectorOutput


def reading_in_bundle(reading: ModelReading, bundle: Bundle) -> ModelReading:
    """Return a reading with what a bundle says of the same file; another file is returned as it is read.

    A detector that takes the place of the bundle's is still given the bundle's thresholds: they are what it will run
    with.
    """
    detector, embedder = bundle.detector, bundle.embedder
    sha256 = sha256_of_file(reading.path)
    if sha256 == detector.model.sha256:
        return replace(
            reading, kind="detector", preprocessing=detector.preprocessing, decoding=detector.decoding, assumed=""
        )
    if sha256 == embedder.model.sha256:
        raw = reading.vector.ndim if reading.vector else embedder.ndim
        vector = VectorOutput(embedder.output, raw, embedder.pooling)
        return replace(reading, kind="embedder", preprocessing=embedder.preprocessing, vector=vector, assumed="")
    if reading.decoding is None:
        return reading
    decoding = replace(
        reading.decoding,
        score_threshold=detector.decoding.score_threshold,
        iou_threshold=detector.decoding.iou_threshold,
        max_detections=detector.decoding.max_detections,
    )
    return replace(reading, decoding=decoding)
