"""Bind a detector and an embedder into a bundle: copy, hash, try, write whole or not at all.

>>> build_bundle(detector, embedder, BundleSettings(name="shop"), Path("bundle"))
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import DESCRIPTION, Bundle, BundleFile, DetectorPart, EmbedderPart, Matching, load_bundle
from edge.bundle_description import Description, SecondLookPart, to_json
from edge.detections import Float32s
from edge.errors import ModelError
from edge.files import canonical_json, sha256_of_file, whole_folder
from edge.preprocessing import ImageArray, Preprocessing
from export.bundles.reading import ModelReading
from export.bundles.unknown import why_no_detector, why_no_embedder

PROJECTION_FILE = "projection.npy"
TRIAL_SIZE_WH = (320, 240)


@dataclass(frozen=True)
class BundleSettings:
    """What a bundle says beyond its models.

    Attributes:
        name: its name.
        target: "pi", "phone", "web" or "any".
        matching: when a product is suggested.
        crop_margin: a detected box is widened by this share of its sides before it is cut.
        licences: one entry for each model.
        float_embedder: the float model that names the embedding space, where the embedder is a quantized variant.
        space_id: of a bundle whose embedder this one is a variant of (see `variant.py`); empty: it is computed.
        projection: float32 (raw + 1, ndim), the last row being the bias, or None.
        agreement: measured agreement with the float models.
        second_look: when products are looked at again; None: never.
    """

    name: str
    target: str = "any"
    matching: Matching = field(default_factory=lambda: Matching(0.6, 0.03))
    crop_margin: float = 0.05
    licences: tuple[dict[str, Any], ...] = ()
    float_embedder: ModelReading | None = None
    space_id: str = ""
    projection: Float32s | None = None
    agreement: dict[str, Any] = field(default_factory=dict)
    second_look: SecondLookPart | None = None


def build_bundle(detector: ModelReading, embedder: ModelReading, settings: BundleSettings, out: Path) -> Bundle:
    """Write a bundle and return it as a device would load it.

    Args:
        detector: a model of kind "detector".
        embedder: a model of kind "embedder" (or "classifier": its class scores are then the vector).
        settings: name, target, thresholds, licences.
        out: the bundle's folder; a bundle that stands there is replaced.

    Raises:
        ModelError: a model is of the wrong kind, or fails on a trial picture.
        OutputError: the folder cannot be written; nothing half-written stays behind.
    """
    _require_kinds(detector, embedder)
    with whole_folder(out, DESCRIPTION, "bundle") as folder:
        description = _describe(detector, embedder, settings, folder)
        text = json.dumps(to_json(description), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")
        _try(load_bundle(folder), detector, embedder)
    return load_bundle(out)


def space_id(embedder_sha256: str, preprocessing: Preprocessing, fit_sha256: str | None) -> str:
    """Name an embedding space: SHA-256 in hex over the float embedder, its preprocessing and its fit.

    Args:
        embedder_sha256: of the float model's file, whatever variant of it runs.
        preprocessing: of the float model.
        fit_sha256: of the projection file, None without one.
    """
    space = {"embedder": embedder_sha256, "preprocessing": preprocessing.to_json(), "fit": fit_sha256}
    return hashlib.sha256(canonical_json(space)).hexdigest()


def trial_picture() -> ImageArray:
    """Return a picture that is not uniform, for trying a model: colour ramps, (240, 320, 3) uint8."""
    y, x = np.mgrid[: TRIAL_SIZE_WH[1], : TRIAL_SIZE_WH[0]]
    return np.stack([x * 255 // TRIAL_SIZE_WH[0], y * 255 // TRIAL_SIZE_WH[1], (x + y) % 256], axis=2).astype(np.uint8)


def _require_kinds(detector: ModelReading, embedder: ModelReading) -> None:
    if detector.kind != "detector":
        raise ModelError(f"{detector.path}: {why_no_detector(detector)}")
    if embedder.vector is None or embedder.preprocessing is None:
        raise ModelError(f"{embedder.path}: {why_no_embedder(embedder)}")


def _describe(detector: ModelReading, embedder: ModelReading, settings: BundleSettings, folder: Path) -> Description:
    assert detector.decoding and detector.preprocessing and embedder.vector and embedder.preprocessing
    projection = _write_projection(settings.projection, folder)
    space = settings.float_embedder or embedder
    assert space.preprocessing is not None
    ndim = embedder.vector.ndim if settings.projection is None else settings.projection.shape[1]
    fit = projection.sha256 if projection else None
    return Description(
        name=settings.name,
        target=settings.target,
        space_id=settings.space_id or space_id(sha256_of_file(space.path), space.preprocessing, fit),
        detector=DetectorPart(
            _copy(detector.path, folder, "detector"), detector.preprocessing, detector.decoding, detector.labels
        ),
        embedder=EmbedderPart(
            _copy(embedder.path, folder, "embedder"),
            embedder.preprocessing,
            embedder.vector.name,
            ndim,
            projection,
            settings.crop_margin,
            embedder.vector.pooling,
        ),
        matching=settings.matching,
        licences=settings.licences,
        agreement=settings.agreement,
        second_look=settings.second_look,
    )


def _copy(source: Path, folder: Path, role: str) -> BundleFile:
    target = folder / f"{role}{source.suffix}"
    shutil.copyfile(source, target)
    return _bundle_file(target)


def _write_projection(rows: Float32s | None, folder: Path) -> BundleFile | None:
    if rows is None:
        return None
    target = folder / PROJECTION_FILE
    np.save(target, np.ascontiguousarray(rows, np.float32), allow_pickle=False)
    return _bundle_file(target)


def _bundle_file(path: Path) -> BundleFile:
    return BundleFile(path.name, sha256_of_file(path), path.stat().st_size)


def _try(bundle: Bundle, detector: ModelReading, embedder: ModelReading) -> None:
    """Run both models once, so that a contradiction between model and description shows here and not on a device."""
    picture = trial_picture()
    running = bundle.open_detector()
    eager = replace(running.decoding, score_threshold=0.0, iou_threshold=1.0)
    try:
        found = replace(running, decoding=eager).detect(picture)
    except ModelError as e:
        raise ModelError(f"{detector.path}: {e}") from e
    highest, labels = int(found.class_id.max(initial=-1)), len(bundle.detector.labels)
    if labels and highest >= labels:
        raise ModelError(f"{detector.path}: {labels} labels were given, the model found class number {highest}")
    try:
        bundle.open_embedder().embed([picture])
    except ModelError as e:
        raise ModelError(f"{embedder.path}: {e}") from e
