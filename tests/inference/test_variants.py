"""Variants of one model (float, int8, weight-only) on real photos: the same answers, bounded from below."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edge.detections import Float32s
from edge.detector import Detector
from edge.embedder import Embedder
from edge.geometry import iou
from edge.inference import open_session
from edge.inference.hardware import Hardware
from edge.media.pictures import read_picture
from edge.preprocessing import ImageArray
from export.bundles.reading import read_model

pytestmark = pytest.mark.full
PHOTOS = 120


@dataclass(frozen=True)
class Embedders:
    """A float embedder, a variant of it, and what is asked of the variant."""

    reference: str
    variant: str
    cosine_p5: float
    top1_agreement: float


@dataclass(frozen=True)
class Detectors:
    """A float detector, a variant of it, and the share of its boxes that the variant must have within some pixels."""

    reference: str
    variant: str
    pixels: float
    found: float


EMBEDDERS = [
    Embedders("mobilenet_v1_025_embedder.onnx", "mobilenet_v1_025_float_embedder.tflite", 0.99999, 1.0),
    Embedders("mobilenet_v1_100_embedder.onnx", "mobilenet_v1_100_quant_embedder.tflite", 0.998, 0.95),
]
DETECTORS = [
    Detectors("yolox_nano_416.onnx", "yolox_nano_416_f16.tflite", 2, 0.98),
    Detectors("yolox_nano_416.onnx", "yolox_nano_416_dynamic.tflite", 20, 0.85),
]


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    return shared


@cache
def photos(shared: Path, role: str, at_most: int) -> tuple[ImageArray, ...]:
    root = shared / "data" / "grocery_store"
    with (root / "manifest.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file) if row["role"] == role]
    return tuple(read_picture(str(root / path)) for path in paths[:: max(1, len(paths) // at_most)][:at_most])


def embeddings(shared: Path, name: str, pictures: tuple[ImageArray, ...]) -> Float32s:
    reading = read_model(shared / "models" / "embedders" / name)
    assert reading.preprocessing is not None and reading.vector is not None
    session = open_session(reading.path, Hardware(threads=1))
    return Embedder(session, reading.preprocessing, reading.vector.name, reading.vector.ndim).embed(pictures)


def detector(shared: Path, name: str) -> Detector:
    reading = read_model(shared / "models" / "detectors" / name)
    assert reading.preprocessing is not None and reading.decoding is not None
    return Detector(open_session(reading.path, Hardware(threads=1)), reading.preprocessing, reading.decoding)


@pytest.mark.parametrize("pair", EMBEDDERS, ids=lambda pair: pair.variant)
def test_variant_finds_the_same_product(folder: Path, pair: Embedders, capsys: pytest.CaptureFixture[str]) -> None:
    catalogue, queries = photos(folder, "catalog", 1000), photos(folder, "query", PHOTOS)
    assert len(catalogue) >= 61 and len(queries) == PHOTOS
    one, other = (
        [embeddings(folder, name, pictures) for pictures in (catalogue, queries)]
        for name in (pair.reference, pair.variant)
    )
    best = [(asked @ known.T).argmax(axis=1) for known, asked in (one, other)]
    agreement = float((best[0] == best[1]).mean())
    cosine_p5 = float(np.percentile((one[1] * other[1]).sum(axis=1), 5))
    with capsys.disabled():
        print(f"\n{pair.variant}: top-1 agreement {agreement:.3f}, 5th percentile of cosine {cosine_p5:.5f}")
    assert agreement >= pair.top1_agreement and cosine_p5 >= pair.cosine_p5


@pytest.mark.parametrize("pair", DETECTORS, ids=lambda pair: pair.variant)
def test_variant_finds_the_same_boxes(folder: Path, pair: Detectors, capsys: pytest.CaptureFixture[str]) -> None:
    detectors = [detector(folder, name) for name in (pair.reference, pair.variant)]
    distances = []
    for picture in photos(folder, "query", 40):
        one, other = (found.detect(picture).xyxy for found in detectors)
        overlap = iou(one, other)
        near = [np.abs(one[i] - other[overlap[i].argmax()]).max() if len(other) else np.inf for i in range(len(one))]
        distances += near
    found = float((np.array(distances) <= pair.pixels).mean())
    with capsys.disabled():
        print(f"\n{pair.variant}: {found:.3f} of {len(distances)} boxes within {pair.pixels:g} pixels")
    assert len(distances) >= 20 and found >= pair.found
