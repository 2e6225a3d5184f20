"""Real models on real pictures: the class and the rough place are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.detections import Detections
from edge.detector import Detector
from edge.geometry import iou
from edge.inference import open_session
from edge.inference.hardware import Hardware
from export.bundles.reading import read_model

CASES = [
    ("yolox_nano_416.onnx", "cat_720p.jpg", "cat", (105, 70, 950, 718)),
    ("yolox_nano_416.onnx", "hot_dog.jpg", "hot dog", (95, 85, 470, 232)),
    ("yolox_nano_416.onnx", "burger.jpg", "sandwich", (15, 12, 400, 318)),
    ("yolox_nano_416.onnx", "parrot.jpg", "bird", (100, 100, 460, 880)),
    ("yolox_nano_416.onnx", "grace_hopper.bmp", "person", (10, 25, 512, 598)),
    ("fastestdet_352.onnx", "cat_720p.jpg", "cat", (105, 70, 950, 718)),
    ("fastestdet_352.onnx", "hot_dog.jpg", "hot dog", (95, 85, 470, 232)),
    ("fastestdet_352.onnx", "grace_hopper.bmp", "person", (10, 25, 512, 598)),
    ("nanodet_m_320.onnx", "cat_720p.jpg", "cat", (105, 70, 950, 718)),
    ("nanodet_m_320.onnx", "burger.jpg", "sandwich", (15, 12, 400, 318)),
    ("nanodet_m_320.onnx", "grace_hopper.bmp", "person", (10, 25, 512, 598)),
    ("coco_ssd_mobilenet_v1_quant.tflite", "cat_720p.jpg", "cat", (105, 70, 950, 718)),
    ("coco_ssd_mobilenet_v1_quant.tflite", "hot_dog.jpg", "hot dog", (95, 85, 470, 232)),
    ("coco_ssd_mobilenet_v1_quant.tflite", "parrot.jpg", "bird", (100, 100, 460, 880)),
    ("coco_ssd_v1_quant_modelmaker_order.tflite", "hot_dog.jpg", "hot dog", (95, 85, 470, 232)),
    ("yolox_nano_416_f16.tflite", "cat_720p.jpg", "cat", (105, 70, 950, 718)),
    ("ultraface_rfb320.onnx", "grace_hopper.bmp", "face", (178, 120, 355, 332)),
]


def detect(models: Path, model: str, picture: str) -> Detections:
    reading = read_model(models / "detectors" / model)
    assert reading.preprocessing is not None and reading.decoding is not None
    session = open_session(models / "detectors" / model, Hardware(threads=1))
    with Image.open(models / "images" / picture) as image:
        pixels = np.asarray(image.convert("RGB"))
    return Detector(session, reading.preprocessing, reading.decoding).detect(pixels)


@pytest.mark.parametrize("model, picture, label, xyxy", CASES)
def test_finds_the_object_where_it_is(
    shared: Path, model: str, picture: str, label: str, xyxy: tuple[int, int, int, int]
) -> None:
    models = shared / "models"
    names = "coco_labels_90.txt" if "coco_ssd" in model else "coco_classes.txt"
    labels = ["face"] if label == "face" else (models / "labels" / names).read_text().splitlines()
    found = detect(models, model, picture)
    best = int(found.confidence.argmax())
    assert labels[found.class_id[best]] == label
    assert found.confidence[best] > 0.65
    assert iou(found.xyxy[[best]], np.float32([xyxy]))[0, 0] > 0.75


@pytest.mark.parametrize("picture", ["hot_dog.jpg", "burger.jpg", "missvickie_potato_chips.bmp"])
def test_finds_no_face_where_there_is_none(shared: Path, picture: str) -> None:
    assert len(detect(shared / "models", "ultraface_rfb320.onnx", picture)) == 0


@pytest.mark.parametrize("picture", ["cat_720p.jpg", "hot_dog.jpg", "cats_and_dogs.jpg"])
def test_both_orders_of_the_postprocess_outputs_are_read_alike(shared: Path, picture: str) -> None:
    one = detect(shared / "models", "coco_ssd_mobilenet_v1_quant.tflite", picture)
    other = detect(shared / "models", "coco_ssd_v1_quant_modelmaker_order.tflite", picture)
    assert len(one) > 0
    assert one.xyxy.tolist() == other.xyxy.tolist() and one.class_id.tolist() == other.class_id.tolist()
    assert one.confidence.tolist() == other.confidence.tolist()
