"""Labels that nobody drew: cartons found by their packshots, bottles found by a larger detector.

Both are guesses. A carton counts only where many local features agree; a bottle that the larger detector is unsure of
becomes an ignored region. Finding the cartons takes minutes, so what was found is kept in a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.command_line import progress
from edge.detections import Float32s
from edge.detector import Detector
from edge.errors import ModelError
from edge.files import read_json_object, write_whole
from edge.inference import open_session
from edge.inference.hardware import Hardware
from export.bundles.reading import read_model
from export.train.detector.finding import find_product
from export.train.detector.photos import GroceryPhoto
from export.train.detector.samples import ImageArray, Sample, read_image

LEAST_AGREEING = 14
CARTON_BACKGROUND = 0.2
BOTTLE, SURE, POSSIBLE = 39, 0.35, 0.12
"""Class 39 of the 80 of COCO is "bottle" (Lin et al. 2014, arXiv 1405.0312)."""


def carton_samples(photos: list[GroceryPhoto], memory: Path) -> list[Sample]:
    """Return the carton photos in which the packshot was found, each with one box.

    Args:
        photos: cartons and their packshots.
        memory: JSON file of what was found before; written anew where photos are missing from it.
    """
    known = read_json_object(memory, "boxes of cartons") if memory.exists() else {}
    cartons = [photo for photo in photos if photo.carton]
    missing = [photo for photo in cartons if not photo.packshot and _key(photo) not in known]
    if missing:
        packshots = {photo.product_id: read_image(photo.path) for photo in cartons if photo.packshot}
        known |= dict(_find(packshots, progress(missing, "finding cartons", unit="photo")))
        write_whole(memory, json.dumps(known, indent=0) + "\n")
    return list(_as_samples(cartons, known))


def _key(photo: GroceryPhoto) -> str:
    return f"{photo.product_id}/{photo.path.name}"


def _find(packshots: dict[str, ImageArray], photos: Iterable[GroceryPhoto]) -> Iterator[tuple[str, list[float] | None]]:
    """Yield box and number of agreeing features of every photo, or None."""
    for photo in photos:
        found = find_product(packshots[photo.product_id], read_image(photo.path))
        yield _key(photo), None if found is None else [*(round(float(v), 2) for v in found.xyxy), found.agreeing]


def _as_samples(cartons: list[GroceryPhoto], known: dict[str, list[float] | None]) -> Iterator[Sample]:
    for photo in cartons:
        found = None if photo.packshot else known[_key(photo)]
        if found is not None and found[4] >= LEAST_AGREEING:
            box = np.array([found[:4]], np.float32)
            yield Sample(read_image(photo.path), box, background_weight=CARTON_BACKGROUND)


def bottle_samples(model: Path, frames: Iterable[ImageArray]) -> list[Sample]:
    """Label frames by a larger detector of the 80 COCO classes.

    Args:
        model: the detector's file.
        frames: of a clip of bottles.

    Raises:
        ModelError: the file is not a detector that the kit can read.
    """
    reading = read_model(model)
    if reading.preprocessing is None or reading.decoding is None:
        raise ModelError(f"{model}: is a {reading.kind}, a detector is needed to label bottles")
    decoding = replace(reading.decoding, score_threshold=POSSIBLE, iou_threshold=0.5)
    detector = Detector(open_session(model, Hardware(threads=1)), reading.preprocessing, decoding)
    return [_labelled(detector, frame) for frame in frames]


def _labelled(detector: Detector, frame: ImageArray) -> Sample:
    found = detector.detect(frame)
    bottles = found[found.class_id == BOTTLE]
    sure = bottles.confidence > SURE
    xyxy: Float32s = bottles.xyxy
    return Sample(frame, xyxy[sure], xyxy[~sure])
