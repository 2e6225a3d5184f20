"""How good a detector file is: run it as the device does and measure it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.decoders import FAMILIES
from edge.detector import Detector
from edge.errors import ModelError
from edge.inference.hardware import Hardware
from edge.inference.onnx_session import OnnxSession
from export.evaluation.coco import ImageDetections, ImageMatch, ImageTruth, match_image
from export.train.detector.samples import ImageArray, Sample

LOWEST_CONFIDENCE = 0.01


def load_detector(path: Path, score_threshold: float = LOWEST_CONFIDENCE, threads: int = 1) -> Detector:
    """Load a detector of the kit's own family with everything above a low threshold.

    Raises:
        ModelError: the file cannot be loaded or is of another family.
    """
    session = OnnxSession(path, Hardware(threads))
    read = FAMILIES["fcos"].recognise(session.inputs, session.outputs)
    if read is None:
        raise ModelError(f"{path}: is not a detector of the fcos family: outputs must be `scores` and `distances`")
    return Detector(session, read.preprocessing, replace(read.decoding, score_threshold=score_threshold))


def judge(detector: Detector, samples: Iterable[Sample]) -> list[ImageMatch]:
    """Match what a detector finds with the labels of every sample."""
    matches = []
    for sample in samples:
        found = detector.detect(sample.image)
        truth = ImageTruth(sample.xyxy.astype(np.float64))
        detections = ImageDetections(found.xyxy.astype(np.float64), found.confidence.astype(np.float64))
        matches.append(match_image(truth, detections))
    return matches


def boxes_per_frame(detector: Detector, frames: Sequence[ImageArray], threshold: float) -> float:
    """Return how many detections at or above a threshold there are in a frame on average; 0 without frames."""
    counts = [int((detector.detect(frame).confidence >= threshold).sum()) for frame in frames]
    return sum(counts) / len(counts) if counts else 0.0
