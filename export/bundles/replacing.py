"""A bundle like another one, with another detector or another embedder.

>>> replace_detector(bundle, Path("best.onnx"), threshold=0.35, name="shop", out=Path("shop-bundle"))
>>> replace_embedder(bundle, Path("small.onnx"), Path("best.onnx"), Matching(0.7, 0.03), "shop", Path("shop-bundle"))
"""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from edge.bundle import DESCRIPTION, Bundle, BundleFile, Matching, load_bundle
from edge.bundle_description import Description, DetectorPart, EmbedderPart, to_json
from edge.errors import ModelError
from edge.files import sha256_of_file, whole_folder
from export.bundles.build import space_id
from export.bundles.reading import read_model


def replace_detector(bundle: Bundle, model: Path, threshold: float, name: str, out: Path) -> Bundle:
    """Write a bundle with the same embedder and matching, and another detector.

    Args:
        bundle: what is kept.
        model: the detector's file, of a family that its shapes tell.
        threshold: detections below this confidence are dropped, 0..1.
        name: of the new bundle.
        out: its folder; a bundle that stands there is replaced.

    Raises:
        ModelError: the file is not a detector that the kit can read.
        OutputError: the folder cannot be written; nothing half-written stays behind.
    """
    reading = read_model(model)
    if reading.decoding is None or reading.preprocessing is None:
        raise ModelError(f"{model}: is not a detector that the kit can read")
    part = DetectorPart(
        _file(model, "detector"),
        reading.preprocessing,
        replace(reading.decoding, score_threshold=threshold),
        reading.labels,
    )
    return _write(bundle, model, {"name": name, "detector": part, "agreement": {}}, out)


def replace_embedder(
    bundle: Bundle, model: Path, float_model: Path, matching: Matching, name: str, out: Path
) -> Bundle:
    """Write a bundle with the same detector and second look, another embedder, and its own embedding space.

    Args:
        bundle: what is kept.
        model: the embedder's file as it ships.
        float_model: the float model that names the embedding space.
        matching: thresholds that fit the embedder.
        name: of the new bundle.
        out: its folder; a bundle that stands there is replaced.

    Raises:
        ModelError: a file is not an embedder that the kit can read.
        OutputError: the folder cannot be written; nothing half-written stays behind.
    """
    reading, whole = read_model(model), read_model(float_model)
    if reading.vector is None or reading.preprocessing is None or whole.preprocessing is None:
        raise ModelError(f"{model}: is not an embedder that the kit can read")
    part = EmbedderPart(
        _file(model, "embedder"),
        reading.preprocessing,
        reading.vector.name,
        reading.vector.ndim,
        None,
        bundle.embedder.crop_margin,
        reading.vector.pooling,
    )
    space = space_id(sha256_of_file(float_model), whole.preprocessing, None)
    known = {"name": name, "space_id": space, "embedder": part, "matching": matching, "agreement": {}}
    return _write(bundle, model, known, out)


def _file(model: Path, role: str) -> BundleFile:
    return BundleFile(f"{role}{model.suffix}", sha256_of_file(model), model.stat().st_size)


def _write(bundle: Bundle, model: Path, known: dict[str, Any], out: Path) -> Bundle:
    """Write a bundle that differs in what is `known`; files that it does not share with the old one are the model."""
    description = Description(**{f.name: getattr(bundle, f.name) for f in fields(Description)} | known)
    kept = {bundle.detector.model, bundle.embedder.model, bundle.embedder.projection}
    with whole_folder(out, DESCRIPTION, "bundle") as folder:
        for file in (description.detector.model, description.embedder.model, description.embedder.projection):
            if file is not None:
                shutil.copyfile(bundle.root / file.file if file in kept else model, folder / file.file)
        text = json.dumps(to_json(description), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")
        written = load_bundle(folder)
        written.open_detector()
        written.open_embedder()
    return load_bundle(out)
