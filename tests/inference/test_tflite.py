"""TFLite files: quantized tensors, names from signatures, and the same answers as onnxruntime."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge.decoders import recognise
from edge.detections import Detections
from edge.detector import Detector
from edge.embedder import Embedder
from edge.errors import ModelError
from edge.inference import TensorSpec, open_session
from edge.inference.hardware import Hardware
from edge.inference.quantization import dequantize, quantize
from edge.inference.tflite_session import TfliteSession
from edge.preprocessing import ImageArray
from export import cli
from export.bundles.reading import read_model
from export.bundles.tflite_graph import describe_tflite


@pytest.fixture
def models(shared: Path) -> Path:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    return shared / "models"


def picture(models: Path, name: str) -> ImageArray:
    with Image.open(models / "images" / name) as image:
        return np.asarray(image.convert("RGB"))


def detect(models: Path, model: str, name: str) -> Detections:
    session = open_session(models / "detectors" / model, Hardware(threads=1))
    reading = recognise(session.inputs, session.outputs)
    assert reading is not None
    return Detector(session, reading.preprocessing, reading.decoding).detect(picture(models, name))


def embed(models: Path, model: str, names: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    reading = read_model(models / "embedders" / model)
    assert reading.preprocessing is not None and reading.vector is not None
    embedder = Embedder(
        open_session(reading.path, Hardware(threads=1)), reading.preprocessing, reading.vector.name, reading.vector.ndim
    )
    return embedder.embed([picture(models, name) for name in names])


@given(st.floats(0.001, 1), st.integers(0, 255), st.integers(0, 255))
def test_stored_values_come_back_exactly(scale: float, zero_point: int, stored: int) -> None:
    spec = TensorSpec("x", (1,), "uint8", scale, zero_point)
    values = np.uint8([stored])
    assert quantize(dequantize(values, spec), spec).tolist() == [stored]


@pytest.mark.parametrize("zero_point", [127, 128])
def test_values_beyond_the_type_are_clamped(zero_point: int) -> None:
    spec = TensorSpec("x", (3,), "uint8", 1 / 128, zero_point)
    assert quantize(np.float32([-9, 0, 9]), spec).tolist() == [0, zero_point, 255]


def test_every_pixel_level_reaches_a_quantized_input_unchanged(models: Path) -> None:
    for name in ("mobilenet_v1_100_quant_embedder.tflite", "mlkit_object_labeler.tflite"):
        reading = read_model(models / "embedders" / name)
        assert reading.preprocessing is not None
        levels = reading.preprocessing.values()
        assert quantize(levels, reading.inputs[0]).tolist() == [list(range(256))] * 3


def test_signature_names_go_before_tensor_names(models: Path) -> None:
    session = open_session(models / "detectors" / "yolox_nano_416_f16.tflite")
    assert [spec.name for spec in (*session.inputs, *session.outputs)] == ["images", "output"]


@pytest.mark.parametrize("name", ["cat_720p.jpg", "hot_dog.jpg", "parrot.jpg"])
def test_both_runtimes_find_the_same_boxes(models: Path, name: str) -> None:
    onnx = detect(models, "yolox_nano_416.onnx", name)
    lite = detect(models, "yolox_nano_416_f16.tflite", name)
    assert onnx.class_id.tolist() == lite.class_id.tolist()
    assert np.abs(onnx.xyxy - lite.xyxy).max() <= 2
    assert np.abs(onnx.confidence - lite.confidence).max() < 0.01


def test_both_runtimes_give_the_same_vector(models: Path) -> None:
    names = ["cat_720p.jpg", "hot_dog.jpg", "burger.jpg"]
    for pair in (
        ("mobilenet_v1_025_embedder.onnx", "mobilenet_v1_025_float_embedder.tflite", 0.9999),
        ("mobilenet_v1_100_embedder.onnx", "mobilenet_v1_100_quant_embedder.tflite", 0.999),
    ):
        onnx, lite = (embed(models, model, names) for model in pair[:2])
        assert (onnx * lite).sum(axis=1).min() >= pair[2]


@pytest.mark.parametrize(
    "file, kind, family, quantization",
    [
        ("detectors/yolox_nano_416_f16.tflite", "detector", "yolox", "fp16"),
        ("detectors/yolox_nano_416_dynamic.tflite", "detector", "yolox", "dynamic"),
        ("embedders/mlkit_object_labeler.tflite", "classifier", None, "static"),
        ("embedders/mobilenet_v1_025_quant.tflite", "classifier", None, "static"),
        ("embedders/mobilenet_v1_025_float_embedder.tflite", "embedder", None, "float"),
        ("embedders/mobilenet_v1_100_quant_embedder.tflite", "embedder", None, "static"),
    ],
)
def test_reads_real_files(models: Path, file: str, kind: str, family: str | None, quantization: str) -> None:
    reading = read_model(models / file)
    assert (reading.kind, reading.family, reading.facts.quantization) == (kind, family, quantization)
    assert reading.facts.format == "tflite"


def test_only_a_dynamic_range_file_is_said_to_depend_on_the_runtime(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(models.rglob("*.tflite"))
    found = [path for path in files if TfliteSession(path, Hardware(threads=1)).dynamic_range]
    assert [path.name for path in found] == ["yolox_nano_416_dynamic.tflite"] and len(files) >= 10
    assert cli.main(["inspect", str(found[0])]) == 0
    assert "differ by a few pixels between runtimes" in capsys.readouterr().out


def test_a_sidecar_asks_for_plain_bilinear_resizing(models: Path, tmp_path: Path) -> None:
    (tmp_path / "plain.toml").write_text("antialias = false\n")
    path = models / "detectors" / "coco_ssd_mobilenet_v1_quant.tflite"
    rules = [reading.preprocessing for reading in (read_model(path), read_model(path, tmp_path / "plain.toml"))]
    assert [rule is not None and rule.antialias for rule in rules] == [True, False]


def test_labels_and_normalisation_come_from_the_metadata(models: Path) -> None:
    facts = describe_tflite(models / "detectors" / "coco_ssd_mobilenet_v1_quant.tflite")
    assert (len(facts.labels), facts.labels[0], facts.mean) == (90, "person", (127.5, 127.5, 127.5))
    assert "Packaged goods" in describe_tflite(models / "embedders" / "mlkit_object_labeler.tflite").labels


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3", b"\xff\xff\xff\xffTFL3" + bytes(50), b"text" * 9])
def test_rejects_a_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    (tmp_path / "m.tflite").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.tflite"):
        open_session(tmp_path / "m.tflite")


def test_rejects_a_truncated_model(models: Path, tmp_path: Path) -> None:
    whole = (models / "embedders" / "mobilenet_v1_025_float_embedder.tflite").read_bytes()
    for length in range(8, len(whole), len(whole) // 9):
        (tmp_path / "cut.tflite").write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut\.tflite"):
            read_model(tmp_path / "cut.tflite")


def test_a_damaged_file_is_described_or_refused_never_worse(models: Path, tmp_path: Path) -> None:
    whole = (models / "embedders" / "mobilenet_v1_025_quant.tflite").read_bytes()
    dice = random.Random(5)
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[dice.randrange(3000)] ^= 1 << dice.randrange(8)
        (tmp_path / "m.tflite").write_bytes(damaged)
        try:
            describe_tflite(tmp_path / "m.tflite")
        except ModelError as e:
            assert "damaged" in str(e)
