"""A bundle like another one, with another detector.

>>> replace_detector(bundle, Path("best.onnx"), threshold=0.35, name="shop", out=Path("shop-bundle"))
"""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path

from edge.bundle import DESCRIPTION, Bundle, BundleFile, load_bundle
from edge.bundle_description import Description, DetectorPart, to_json
from edge.errors import ModelError
from edge.files import sha256_of_file, whole_folder
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
    with whole_folder(out, DESCRIPTION, "bundle") as folder:
        target = folder / f"detector{model.suffix}"
        shutil.copyfile(model, target)
        for file in (bundle.embedder.model, bundle.embedder.projection):
            if file is not None:
                shutil.copyfile(bundle.root / file.file, folder / file.file)
        part = DetectorPart(
            BundleFile(target.name, sha256_of_file(target), target.stat().st_size),
            reading.preprocessing,
            replace(reading.decoding, score_threshold=threshold),
            reading.labels,
        )
        known = {f.name: getattr(bundle, f.name) for f in fields(Description)}
        description = Description(**known | {"name": name, "detector": part, "agreement": {}})
        text = json.dumps(to_json(description), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")
        load_bundle(folder).open_detector()
    return load_bundle(out)
