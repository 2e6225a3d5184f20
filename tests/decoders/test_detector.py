from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.decoders import recognise
from edge.detector import Detector
from edge.errors import ModelError
from edge.inference import open_session
from tests.small_models import constant_detector, fcos_outputs, save_model

SIZE_WH = (64, 32)


def open_detector(path: Path) -> Detector:
    session = open_session(path)
    reading = recognise(session.inputs, session.outputs)
    assert reading is not None
    return Detector(session, reading.preprocessing, reading.decoding)


def test_boxes_are_pixels_of_the_picture_clipped_to_it(tmp_path: Path) -> None:
    detector = open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, fcos_outputs(SIZE_WH)))
    found = detector.detect(np.zeros((64, 128, 3), np.uint8))
    # Cell (1, 1) of stride 8 lies around (12, 12); one stride to each side is 4..20; the picture is twice as large.
    assert found.xyxy.tolist() == [[8, 8, 40, 40]]
    assert found.confidence.tolist() == [0.75]
    small = detector.detect(np.zeros((5, 32, 3), np.uint8))
    assert small.xyxy[0, 3] <= 5


def test_no_detection_is_an_ordinary_answer(tmp_path: Path) -> None:
    outputs = fcos_outputs(SIZE_WH)
    outputs["scores"] = np.zeros_like(outputs["scores"])
    assert len(open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, outputs)).detect(picture())) == 0


@pytest.mark.parametrize(
    "output, value, part",
    [
        ("scores", np.nan, "not numbers"),
        ("distances", np.nan, "not numbers"),
        ("distances", np.inf, "not finite"),
        ("scores", 7.5, "above 1"),
    ],
)
def test_rejects_values_that_mean_nothing(tmp_path: Path, output: str, value: float, part: str) -> None:
    outputs = fcos_outputs(SIZE_WH)
    outputs[output] = np.where(outputs["scores"] > 0, np.float32(value), outputs[output]).astype(np.float32)
    with pytest.raises(ModelError, match=part):
        open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, outputs)).detect(picture())


def test_rejects_a_decoding_that_names_an_absent_output(tmp_path: Path) -> None:
    detector = open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, fcos_outputs(SIZE_WH)))
    wrong = replace(detector.decoding, outputs={"scores": "scores", "distances": "nowhere"})
    with pytest.raises(ModelError, match="no output 'nowhere'"):
        replace(detector, decoding=wrong).detect(picture())


def test_rejects_a_decoding_of_another_family(tmp_path: Path) -> None:
    detector = open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, fcos_outputs(SIZE_WH)))
    wrong = replace(detector.decoding, family="fastestdet", outputs={"map": "scores"})
    with pytest.raises(ModelError, match="not of the family fastestdet"):
        replace(detector, decoding=wrong).detect(picture())


def test_a_model_that_fails_while_running_is_one_sentence(tmp_path: Path) -> None:
    from onnx import helper

    nodes = [helper.make_node("Gather", ["flat", "far"], ["y"], axis=0)]
    nodes.insert(0, helper.make_node("Flatten", ["x"], ["flat"], axis=0))
    save_model(tmp_path / "m.onnx", nodes, {"x": [1, 3, 4, 4]}, {"y": ["a", "b"]}, {"far": np.int64([99])})
    session = open_session(tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="onnxruntime failed") as caught:
        session.run({"x": np.zeros((1, 3, 4, 4), np.float32)})
    assert "\n" not in str(caught.value)


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((32, 64, 3), np.uint8)
