"""The golden kit: pictures with what every step of the pipeline makes of them, and the check against it.

`edge/data/golden/golden.json` and its pictures are made by `python -m export golden` from the default bundle and the
demo catalogue; docs/formats/golden.md writes down the format. Each step is given the golden result of the step before
it, so that a port (another runtime, another language) sees which of its steps is the first to differ.

    >>> kit = Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())])
    >>> [step.sentence for step in check_golden(kit) if not step.passed]
    []
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from edge.crops import cut_crops
from edge.defaults import PACKAGED
from edge.detections import Float32s
from edge.embedder import l2_normalize
from edge.errors import ArtefactRefused
from edge.files import read_json_object
from edge.geometry import iou
from edge.pipeline import CANDIDATES, Kit
from edge.preprocessing import ImageArray

SCHEMA = 1
SAMPLES = 64
SAME_BOX = 0.5
GOLDEN = "golden.json"
TOLERANCE: dict[str, float] = {
    "input": 1e-6,
    "outputs": 0.02,
    "box_pixels": 2.0,
    "confidence": 0.02,
    "cosine": 0.999,
    "similarity": 0.01,
}
"""What a port may differ in; written into golden.json, which is what is checked against."""


@dataclass(frozen=True)
class Step:
    """One step of one picture: how far from the golden values, in words, and whether that is near enough."""

    picture: str
    name: str
    passed: bool
    sentence: str


def golden_folder() -> Path:
    """Return the folder of the golden kit that comes with the package."""
    return PACKAGED / "golden"


def read_golden(folder: Path) -> dict[str, Any]:
    """Read a golden kit's values.

    Raises:
        ArtefactRefused: golden.json is missing, malformed or of another schema.
    """
    value = read_json_object(folder / GOLDEN, "golden kit")
    if value.get("schema") != SCHEMA:
        raise ArtefactRefused(f"{folder / GOLDEN}: schema is {value.get('schema')!r}, expected {SCHEMA}")
    return value


def read_pixels(path: Path) -> ImageArray:
    """Read a picture of the kit, (H, W, 3) uint8 RGB."""
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB"))


def observe(kit: Kit, image: ImageArray, xyxy: Float32s | None = None) -> dict[str, Any]:
    """Return what every step makes of a picture, as the entry of a picture in golden.json.

    Args:
        kit: models and catalogue.
        image: (H, W, 3) uint8 RGB.
        xyxy: (n, 4) boxes to cut instead of those that the detector finds.
    """
    detector, embedder = kit.detector, kit.embedder
    tensor, _ = detector.preprocessing.apply(image)
    outputs = detector.session.run({detector.session.inputs[0].name: tensor})
    found = detector.detect(image)
    crops = cut_crops(image, found.xyxy if xyxy is None else xyxy, kit.bundle.embedder.crop_margin)
    return {
        "pixels_sha256": _sha256(image),
        "resolution_wh": [image.shape[1], image.shape[0]],
        "input": summary(tensor),
        "outputs": {name: summary(value) for name, value in outputs.items()},
        "detections": [
            {"xyxy": [round(float(v), 3) for v in box], "confidence": round(float(confidence), 5)}
            for box, confidence in zip(found.xyxy, found.confidence, strict=True)
        ],
        "crops": [
            {"resolution_wh": [crop.shape[1], crop.shape[0]], "input": summary(embedder.preprocessing.apply(crop)[0])}
            | _answer(kit, crop)
            for crop in crops
        ],
    }


def _answer(kit: Kit, crop: ImageArray) -> dict[str, Any]:
    embeddings = kit.embedder.embed([crop])
    matches = kit.gallery.search(embeddings, CANDIDATES)
    places = zip(matches.shard[0], matches.product[0], matches.similarity[0], strict=True)
    return {
        "embedding": [round(float(v), 6) for v in embeddings[0]],
        "top": [
            {"product_id": kit.gallery.shards[shard].record(int(product)).product_id, "similarity": round(float(v), 4)}
            for shard, product, v in places
            if product >= 0
        ],
    }


def summary(tensor: Float32s) -> dict[str, Any]:
    """Describe a tensor: shape, SHA-256 of its little-endian float32 bytes, moments, and values spread over it.

    `samples` are the values at the flat places `i * step`, at most 64 of them.
    """
    flat = np.asarray(tensor, "<f4").ravel()
    step = max(1, -(-flat.size // SAMPLES))
    while gcd(step, flat.size) > 1 and flat.size > 1:  # else samples of a picture would stay in one of its columns
        step += 1
    return {
        "shape": list(tensor.shape),
        "sha256": _sha256(np.asarray(tensor, "<f4")),
        "mean": _number(flat.mean(dtype=np.float64)) if flat.size else 0.0,
        "min": _number(flat.min(initial=0)),
        "max": _number(flat.max(initial=0)),
        "step": step,
        "samples": [_number(v) for v in flat[::step]],
    }


def check_golden(kit: Kit, folder: Path | None = None) -> list[Step]:
    """Run the golden pictures and compare each step with its golden result.

    Args:
        kit: the bundle and the shard that the golden kit was made with, on any runtime.
        folder: a golden kit; None takes the packaged one.

    Raises:
        ArtefactRefused: the golden kit is malformed, or was made with another bundle's embedding space.
    """
    folder = folder or golden_folder()
    golden = read_golden(folder)
    if golden.get("bundle", {}).get("space_id") != kit.bundle.space_id:
        raise ArtefactRefused(
            f"{folder / GOLDEN}: made with a bundle of another embedding space: "
            "run `python -m export golden` for this one"
        )
    try:
        return [
            step
            for name, expected in golden["pictures"].items()
            for step in _check_picture(kit, folder / f"{name}.png", expected, golden["tolerance"])
        ]
    except (KeyError, TypeError, ValueError, OSError) as e:
        raise ArtefactRefused(f"{folder / GOLDEN}: incomplete or malformed ({type(e).__name__}: {e})") from e


def _check_picture(kit: Kit, path: Path, expected: Mapping[str, Any], tolerance: Mapping[str, float]) -> Iterator[Step]:
    xyxy = np.array([d["xyxy"] for d in expected["detections"]], np.float32).reshape(-1, 4)
    least = kit.bundle.detector.decoding.score_threshold
    return compare_picture(path.stem, expected, observe(kit, read_pixels(path), xyxy), tolerance, least)


def compare_picture(
    picture: str, expected: Mapping[str, Any], found: Mapping[str, Any], within: Mapping[str, float], least: float
) -> Iterator[Step]:
    """Compare what each step made of a picture with what it should.

    Args:
        picture: its name.
        expected: the golden entry, as `observe` gives it.
        found: another, of the same picture.
        within: how far apart they may be, with the keys of `TOLERANCE`.
        least: the score threshold; a box within `within["confidence"]` of it may come and go.
    """

    def step(name: str, passed: bool, sentence: str) -> Step:
        return Step(picture, name, passed, f"{picture}, {name}: {sentence}")

    same = expected["pixels_sha256"] == found["pixels_sha256"]
    yield step("pixels", same, "as they were" if same else "the picture is read otherwise")
    yield step("input", *_tensors([expected["input"]], [found["input"]], within["input"]))
    names = sorted(expected["outputs"])
    pair = [[side["outputs"].get(name, {}) for name in names] for side in (expected, found)]
    yield step("outputs", *_tensors(pair[0], pair[1], within["outputs"]))
    yield step("boxes", *_boxes(expected["detections"], found["detections"], within, least))
    inputs = [[crop["input"] for crop in side["crops"]] for side in (expected, found)]
    yield step("crops", *_tensors(inputs[0], inputs[1], within["input"]))
    yield step("embeddings", *_embeddings(expected["crops"], found["crops"], within["cosine"]))
    yield step("products", *_products(expected["crops"], found["crops"], within["similarity"]))


def _tensors(
    expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], tolerance: float
) -> tuple[bool, str]:
    """Compare summaries: equal bytes, else the samples, as shares of the golden range."""
    if [e["shape"] for e in expected] != [f.get("shape") for f in found]:
        shapes = [f.get("shape") for f in found]
        return False, f"shapes are {shapes}, expected {[e['shape'] for e in expected]}"
    if all(e["sha256"] == f["sha256"] for e, f in zip(expected, found, strict=True)):
        return True, "the same bits" if expected else "none, as expected"
    worst = max(
        float(np.abs(np.subtract(e["samples"], f["samples"])).max(initial=0)) / max(e["max"] - e["min"], 1e-9)
        for e, f in zip(expected, found, strict=True)
    )
    return worst <= tolerance, f"differs by {worst:.2g} of the range, {tolerance:g} allowed"


def _boxes(
    expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], within: Mapping[str, float], least: float
) -> tuple[bool, str]:
    """Compare boxes both ways; one so near the score threshold that it may come and go is not asked for."""
    sides = [np.array([d["xyxy"] for d in side], np.float32).reshape(-1, 4) for side in (expected, found)]
    overlap = iou(*sides)
    pairs = [(e, int(overlap[e].argmax())) for e in range(len(expected)) if overlap[e].max(initial=0) >= SAME_BOX]
    matched = ({e for e, _ in pairs}, {f for _, f in pairs})
    lost = [
        detection["xyxy"]
        for side, known in zip((expected, found), matched, strict=True)
        for place, detection in enumerate(side)
        if place not in known and detection["confidence"] >= least + within["confidence"]
    ]
    if lost:
        return False, f"{len(found)} boxes, expected {len(expected)}; on one side only: {lost[0]}"
    if not pairs:
        return True, "none, as expected"
    pixels = max(float(np.abs(sides[0][e] - sides[1][f]).max()) for e, f in pairs)
    confidence = max(abs(expected[e]["confidence"] - found[f]["confidence"]) for e, f in pairs)
    near = pixels <= within["box_pixels"] and confidence <= within["confidence"]
    return near, (
        f"off by {pixels:.2g} pixels ({within['box_pixels']:g} allowed), "
        f"confidence by {confidence:.2g} ({within['confidence']:g} allowed)"
    )


def _embeddings(
    expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], least: float
) -> tuple[bool, str]:
    if not expected:
        return True, "none, as expected"
    a, b = (l2_normalize(np.array([crop["embedding"] for crop in side], np.float64)) for side in (expected, found))
    cosine = float((a * b).sum(axis=1).min())
    return cosine >= least, f"cosine {cosine:.6f} ({least:g} asked)"


def _products(
    expected: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]], tolerance: float
) -> tuple[bool, str]:
    """Compare the best product, and each golden product's similarity wherever it ranks now."""
    if not expected:
        return True, "none, as expected"
    worst = 0.0
    for e, f in zip(expected, found, strict=True):
        now = {product["product_id"]: product["similarity"] for product in f["top"]}
        if [p["product_id"] for p in e["top"][:1]] != [p["product_id"] for p in f["top"][:1]]:
            return False, f"the best is {f['top'][:1]}, expected {e['top'][:1]}"
        worst = max([worst, *(abs(p["similarity"] - now.get(p["product_id"], p["similarity"])) for p in e["top"])])
    return worst <= tolerance, f"the same best, similarity off by {worst:.2g} ({tolerance:g} allowed)"


def _sha256(array: npt.NDArray[np.generic]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def _number(value: Any) -> float:
    return float(f"{float(value):.6g}")
