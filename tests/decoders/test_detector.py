from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.decoders import Decoding, recognise
from edge.detector import Detector
from edge.errors import ModelError
from edge.inference import open_session
from edge.preprocessing import Preprocessing
from tests.small_models import constant_detector, fcos_outputs, light_detector, save_model

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


@pytest.mark.parametrize(
    "row, boxes",
    [
        ((-40, -30, 10, 12, 0.9, 0), [[0, 0, 10, 12]]),
        ((50, 20, 900, 700, 0.9, 0), [[50, 20, 64, 32]]),
        ((70, 5, 90, 20, 0.9, 0), []),
        ((30, 20, 10, 25, 0.9, 0), []),
    ],
)
def test_boxes_outside_the_picture_are_cut_off_or_dropped(
    tmp_path: Path, row: tuple[float, ...], boxes: list[list[float]]
) -> None:
    rows = np.zeros((1, 5, 6), np.float32)
    rows[0, 0] = row
    detector = open_detector(constant_detector(tmp_path / "d.onnx", SIZE_WH, {"rows": rows}))
    assert detector.decoding.family == "end_to_end"
    assert detector.detect(picture()).xyxy.tolist() == boxes


@pytest.mark.parametrize(
    "value, part",
    [(np.nan, "not numbers"), (np.inf, "not finite"), (1e20, "not finite")],
)
def test_rejects_queries_and_rows_that_mean_nothing(tmp_path: Path, value: float, part: str) -> None:
    logits, rows = np.zeros((1, 100, 3), np.float32), np.zeros((1, 5, 6), np.float32)
    logits[0, 7, 1] = value
    rows[0, 0] = 1, 1, 9, 9, 0.9, value
    cases = {"rows": {"rows": rows}}
    if not np.isfinite(value):
        cases["detr"] = {"logits": logits, "pred_boxes": np.zeros((1, 100, 4), np.float32)}
    for name, outputs in cases.items():
        with pytest.raises(ModelError, match=part):
            open_detector(constant_detector(tmp_path / f"{name}.onnx", SIZE_WH, outputs)).detect(picture())


def test_rejects_scores_above_one_of_a_model_that_was_taken_for_another(tmp_path: Path) -> None:
    """Logits where scores are expected: the sentence says where to look."""
    predictions = np.full((1, 7, 84), 5.0, np.float32)
    with pytest.raises(ModelError, match=r"confidence of 5, above 1: check its family"):
        detector = open_detector(constant_detector(tmp_path / "d.onnx", (64, 64), {"output0": predictions}))
        detector.detect(picture())


def light(path: Path) -> Detector:
    rule = Preprocessing((288, 192), layout="NCHW", std=(255.0, 255.0, 255.0))
    outputs = {"scores": "scores", "distances": "distances"}
    decoding = Decoding("fcos", outputs, (8, 16, 32), score_threshold=0.5)
    return Detector(open_session(path), rule, decoding)


def test_a_model_of_any_size_takes_a_smaller_input(tmp_path: Path) -> None:
    detector = light(light_detector(tmp_path / "any.onnx"))
    image = np.zeros((192, 288, 3), np.uint8)
    image[64:128, 96:192] = 255
    smaller = detector.with_input(0.5)
    assert smaller is not None
    assert smaller.preprocessing.size_wh == (128, 96)
    for found in (detector.detect(image), smaller.detect(image)):
        assert len(found) > 0
        middle = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
        assert ((middle > (80, 48)) & (middle < (208, 144))).all()


def test_a_model_of_one_size_stays_as_it_is(tmp_path: Path) -> None:
    assert light(light_detector(tmp_path / "fixed.onnx", (288, 192))).with_input(0.5) is None


def test_a_lower_threshold_finds_more(tmp_path: Path) -> None:
    image = np.full((192, 288, 3), 100, np.uint8)
    detector = light(light_detector(tmp_path / "any.onnx"))
    assert len(detector.detect(image)) == 0
    assert len(detector.with_threshold(0.3).detect(image)) > 0
