"""A bundle's detector against labelled boxes: a COCO file in, average precision and recall out.

All classes are taken as one: what is measured is whether objects are found, not how they are named. For average
precision the detector keeps boxes down to a confidence of 0.01; recall and precision at its own threshold stand
beside it.

    >>> truth = read_coco(Path("labels.json"))
    >>> result = evaluate_detections(bundle.open_detector(), truth, Path("images"))
    >>> result.document()["ap50"]
    0.81
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.detector import Detector
from edge.errors import InputError, MediaError
from export.evaluation.coco import ImageDetections, ImageMatch, ImageTruth, at_threshold, interval, match_image, measure
from export.evaluation.photos import open_photo

LOWEST_CONFIDENCE = 0.01


@dataclass(frozen=True)
class LabelledImage:
    """One image of a COCO file: its file name and its boxes."""

    path: str
    truth: ImageTruth


@dataclass(frozen=True)
class Evaluated:
    """The images that could be read, matched; the detector's own threshold; a sentence for each other image."""

    matches: tuple[ImageMatch, ...]
    threshold: float
    problems: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the figures as they stand in the result document; null where there is nothing to measure."""
        whole, point = measure(self.matches), at_threshold(self.matches, self.threshold)
        figures = {
            "ap50": whole.ap50,
            "ap50_95": whole.ap50_95,
            "ar50_at_10": whole.ar50_at_10,
            "threshold": point.threshold,
            "recall_at_threshold": point.recall,
            "precision_at_threshold": point.precision,
        }
        ci95 = {name: [_figure(bound) for bound in interval(self.matches, name)] for name in ("ap50", "ar50_at_10")}
        named = {name: _figure(value) for name, value in figures.items()}
        return {"images": whole.images, "boxes": whole.boxes, **named, "ci95": ci95}


def read_coco(path: Path) -> tuple[LabelledImage, ...]:
    """Read the images and boxes of a COCO file, in the order of the file.

    Raises:
        InputError: it is not JSON, or not in the form of the COCO detection format (cocodataset.org, "Data format").
    """
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as e:
        raise InputError(f"{path}: cannot be read as a COCO file ({e})") from e
    try:
        names = {image["id"]: str(image["file_name"]) for image in value["images"]}
        boxes: dict[Any, list[tuple[list[float], bool]]] = {image_id: [] for image_id in names}
        for label in value["annotations"]:
            boxes[label["image_id"]].append(([float(v) for v in label["bbox"]], bool(label.get("iscrowd", 0))))
        return tuple(LabelledImage(name, _truth(boxes[image_id])) for image_id, name in names.items())
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise InputError(f"{path}: is not a COCO detection file ({type(e).__name__}: {e})") from e


def evaluate_detections(detector: Detector, labelled: Iterable[LabelledImage], images: Path) -> Evaluated:
    """Run a detector over labelled images.

    Args:
        detector: ready to run.
        labelled: images with their boxes in pixels.
        images: folder that their paths start from.
    """
    threshold = detector.decoding.score_threshold
    eager = replace(detector, decoding=replace(detector.decoding, score_threshold=min(threshold, LOWEST_CONFIDENCE)))
    matches, problems = [], []
    for image in labelled:
        try:
            matches.append(match_image(image.truth, _detect(eager, images / image.path)))
        except MediaError as e:
            problems.append(str(e))
    return Evaluated(tuple(matches), threshold, tuple(problems))


def _detect(detector: Detector, path: Path) -> ImageDetections:
    """Return what is found in a picture, in pixels of the picture as its file has it."""
    photo = open_photo(path)
    found = detector.detect(photo.image)
    return ImageDetections(found.xyxy.astype(np.float64) * photo.scale, found.confidence.astype(np.float64))


def _truth(boxes: list[tuple[list[float], bool]]) -> ImageTruth:
    xywh = np.array([box for box, _ in boxes], np.float64).reshape(-1, 4)
    return ImageTruth(
        np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]), np.array([crowd for _, crowd in boxes], bool)
    )


def _figure(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
