"""Boxes that were encoded come back decoded, family by family; what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decoders import FAMILIES, Decoding, recognise
from edge.inference import TensorSpec
from tests.decoders.encoders import CLASSES, ENCODERS, INPUT_WH, encode_counted, encode_decoded


def spec(name: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, shape, "float32")


def whole(name: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, shape, "int64")


def gfl_outputs(side: int, strides: tuple[int, ...]) -> list[TensorSpec]:
    """Return outputs whose names say nothing, scores of all levels first."""
    cells = [(-(-side // stride)) ** 2 for stride in strides]
    scores = [spec(f"scale_{i}", 1, n, 80) for i, n in enumerate(cells)]
    return scores + [spec(f"scale_{i + len(cells)}", 1, n, 32) for i, n in enumerate(cells)]


def yunet_outputs(side: int, keypoints: bool) -> list[TensorSpec]:
    columns = {"cls": 1, "obj": 1, "bbox": 4} | ({"kps": 10} if keypoints else {})
    return [spec(f"{name}_{s}", 1, (side // s) ** 2, n) for name, n in columns.items() for s in (8, 16, 32)]


@pytest.mark.parametrize("swapped", [False, True])
def test_full_confidence_of_the_first_class_is_told_by_values(swapped: bool) -> None:
    """1.0 and class 0 are whole numbers both."""
    columns = (np.zeros((1, 1)), np.ones((1, 1))) if swapped else (np.ones((1, 1)), np.zeros((1, 1)))
    outputs = {"boxes": np.float32([[[0, 0, 1, 1]]]), "a": np.float32(columns[0]), "b": np.float32(columns[1])}
    decoding = Decoding("nms_outputs", {"boxes": "boxes", "scores": "a", "classes": "b"}, (), {"tell_by_values": True})
    found = FAMILIES["nms_outputs"].decode(outputs, decoding, INPUT_WH)
    assert (found.confidence.tolist(), found.class_id.tolist()) == ([1.0], [0])


def counted(count: str, boxes: str, scores: str, classes: str) -> list[TensorSpec]:
    return [spec(scores, 1, 10), spec(boxes, 1, 10, 4), spec(count, 1), spec(classes, 1, 10)]


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoded_box_comes_back(family: str, data: st.DataObject) -> None:
    smallest = 8.5 if family.startswith(("gfl", "nanodet")) else 2  # a box without a cell's centre has no distances
    width, height = data.draw(st.floats(smallest, 60)), data.draw(st.floats(smallest, 40))
    x = data.draw(st.floats(width / 2 + 0.5, INPUT_WH[0] - width / 2 - 0.5))
    y = data.draw(st.floats(height / 2 + 0.5, INPUT_WH[1] - height / 2 - 0.5))
    xyxy = np.float32([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    score, class_id = data.draw(st.floats(0.35, 1)), data.draw(st.integers(0, CLASSES - 1))
    outputs, decoding = ENCODERS[family](xyxy, score, class_id)
    found = FAMILIES[decoding.family].decode(
        {name: value.astype(np.float32) for name, value in outputs.items()}, decoding, INPUT_WH
    )
    assert len(found) == 1
    assert np.abs(found.xyxy[0] - xyxy).max() < 0.01
    assert found.confidence[0] == pytest.approx(score, abs=1e-4)
    assert found.class_id[0] == class_id


@pytest.mark.parametrize("family", ENCODERS)
def test_nothing_above_the_threshold_is_zero_detections(family: str) -> None:
    outputs, decoding = ENCODERS[family](np.float32([10, 10, 30, 30]), 0.5, 0)
    floats = {name: value.astype(np.float32) for name, value in outputs.items()}
    strict = replace(decoding, score_threshold=0.9)
    assert len(FAMILIES[decoding.family].decode(floats, strict, INPUT_WH)) == 0


@settings(max_examples=40)
@given(st.data())
@pytest.mark.parametrize("family", ENCODERS)
def test_any_shape_and_any_option_is_boxes_or_one_sentence(family: str, data: st.DataObject) -> None:
    outputs, decoding = ENCODERS[family](np.float32([10, 10, 30, 30]), 0.5, 0)
    shapes = st.lists(st.integers(0, 9), max_size=4)
    broken = {name: np.ones(data.draw(shapes), np.float32) for name in outputs}
    name = data.draw(st.sampled_from(FAMILIES[decoding.family].options or ("none",)))
    value = data.draw(st.sampled_from([None, True, -1, 3.5, "x", [], [1, "2"], {}, {"strides": [4]}]))
    options = {**decoding.options, name: value}
    for tried, how in ((broken, decoding), (outputs, replace(decoding, options=options))):
        try:
            found = FAMILIES[decoding.family].decode(tried, how, INPUT_WH)
        except ValueError as e:
            assert "\n" not in str(e)
        else:
            assert found.xyxy.dtype == np.float32


@pytest.mark.parametrize("family", ENCODERS)
def test_rejects_outputs_of_another_shape(family: str) -> None:
    outputs, decoding = ENCODERS[family](np.float32([10, 10, 30, 30]), 0.5, 0)
    for wrong in (np.zeros((1, 3)), np.zeros((1, 3, 3)), np.zeros((2, 4, 5, 5, 5))):
        broken = {name: wrong.astype(np.float32) for name in outputs}
        with pytest.raises(ValueError, match="must have"):
            FAMILIES[decoding.family].decode(broken, decoding, INPUT_WH)


@pytest.mark.parametrize(
    "options, part",
    [({"box_format": "xywh"}, "box_format"), ({"background": 9}, "background"), ({"normalized": "no"}, "normalized")],
)
def test_rejects_an_option_that_makes_no_sense(options: dict[str, Any], part: str) -> None:
    outputs, decoding = encode_decoded("xyxy", True, -1)(np.float32([10, 10, 30, 30]), 0.5, 0)
    with pytest.raises(ValueError, match=part):
        FAMILIES["decoded_boxes"].decode(outputs, replace(decoding, options=options), INPUT_WH)


@pytest.mark.parametrize(
    "inputs, outputs, family",
    [
        ([], [], None),
        ([spec("images", 1, 3, 416, 416)], [spec("output", 1, 3549, 85)], "yolox"),
        ([spec("images", 1, 416, 416, 3)], [spec("output", 1, 3549, 6)], "yolox"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 84, 8400)], "yolov8"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 25200, 85)], "yolov5"),
        ([spec("input.1", 1, 3, 352, 352)], [spec("758", 1, 85, 22, 22)], "fastestdet"),
        ([spec("x", 1, 3, 352, 352)], [spec("features", 1, 512, 11, 11)], None),
        ([spec("input", 1, 3, 240, 320)], [spec("scores", 1, 4420, 2), spec("boxes", 1, 4420, 4)], "decoded_boxes"),
        ([spec("input", 1, 3, 240, 320)], [spec("scores", 1, 4420, 2), spec("boxes", 1, 4000, 4)], None),
        ([spec("x", 1, 3, 64, 96)], [spec("scores", 1, 126, 1), spec("distances", 1, 126, 4)], "fcos"),
        ([spec("x", 1, 3, 64, 96)], [spec("scores", 1, 99, 1), spec("distances", 1, 99, 4)], None),
        ([spec("x", 1, 3, 320, 320)], gfl_outputs(320, (8, 16, 32)), "gfl"),
        ([spec("x", 1, 3, 320, 320)], gfl_outputs(320, (8, 16, 32, 64))[::-1], "gfl"),
        ([spec("x", 1, 3, 320, 320)], gfl_outputs(320, (8, 16, 32))[:-1], None),
        ([spec("x", 1, 3, 416, 416)], [spec("output", 1, 3598, 112)], "nanodet_plus"),
        ([spec("x", 1, 3, 416, 416)], [spec("output", 1, 3598, 33)], "nanodet_plus"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 5, 8400)], "yolov8"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 8400, 5)], "yolov8"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 8400, 84)], "yolov8"),
        (
            [spec("images", 1, 3, 640, 640)],
            [spec("output0", 1, 116, 8400), spec("output1", 1, 32, 160, 160)],
            "yolov8",
        ),
        ([spec("images", 1, 640, 640, 3)], [spec("Identity", 1, 84, 8400)], "yolov8"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 6, 25200)], "yolov5"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 300, 6)], "end_to_end"),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, None, 6)], "end_to_end"),
        ([spec("images", 1, 3, 640, 640)], [spec("output", None, 7)], "end_to_end"),
        ([spec("images", 1, 3, 640, 640)], [spec("out", 1, 1, 100, 7)], "end_to_end"),
        ([spec("input", 1, 3, 640, 640)], [whole("labels", 1, 100), spec("dets", 1, 100, 5)], "end_to_end"),
        ([spec("input", 1, 3, 640, 640)], [whole("labels", 1, 100), spec("dets", 1, 99, 5)], None),
        ([spec("input", 1, 3, 320, 320)], [spec("dets", None, None, None), whole("labels", None, None)], "end_to_end"),
        ([spec("input", 1, 3, 320, 320)], [spec("a", None, None, None), whole("b", None, None)], None),
        ([spec("images", 1, 3, 224, 224)], [spec("classes", 1, 6)], None),
        ([spec("images", None, 3, 224, 224)], [spec("classes", None, 6)], None),
        (
            [spec("images", 1, 3, 640, 640)],
            counted("num_dets", "det_boxes", "det_scores", "det_classes"),
            "nms_outputs",
        ),
        ([spec("image", 1, 3, 640, 640)], [spec("b", None, 4), spec("s", None), whole("l", None)], "nms_outputs"),
        ([spec("image", 1, 3, 640, 640)], [spec("b", None, 4), spec("s", None), spec("l", None)], None),
        ([spec("image", 1, 300, 300, 3)], counted("P:3", "P", "P:1", "P:2"), "tflite_postprocess"),
        ([spec("image", 1, 300, 300, 3)], counted("count", "boxes", "scores", "classes"), "tflite_postprocess"),
        ([spec("x", 1, 3, 640, 640)], yunet_outputs(640, keypoints=True), "yunet"),
        ([spec("x", 1, 3, 640, 640)], yunet_outputs(640, keypoints=False), "yunet"),
        ([spec("x", 1, 300, 300, 3)], [spec("boxes", 1, 1917, 4), spec("scores", 1, 1917, 91)], "ssd_raw"),
        ([spec("x", 1, 128, 128, 3)], [spec("classificators", 1, 896, 1), spec("r", 1, 896, 16)], "ssd_raw"),
        ([spec("x", 1, 256, 256, 3)], [spec("classificators", 1, 896, 1), spec("r", 1, 896, 16)], "ssd_raw"),
        ([spec("x", 1, 192, 192, 3)], [spec("classificators", 1, 2304, 1), spec("r", 1, 2304, 16)], "ssd_raw"),
        ([spec("x", 1, 192, 192, 3)], [spec("classificators", 1, 2000, 1), spec("r", 1, 2000, 16)], None),
        ([spec("x", 1, 3, 800, 800)], [spec("logits", 1, 100, 92), spec("pred_boxes", 1, 100, 4)], "detr"),
        ([spec("x", 1, 3, 640, 640)], [spec("pred_logits", 1, 300, 80), spec("pred_boxes", 1, 300, 4)], "detr"),
        ([spec("x", 1, 3, 640, 640)], [spec("logits", 1, 300, 80), spec("boxes", 1, 100, 4)], None),
        ([spec("x", 1, 3, 64, 64), spec("orig_size", 1, 2)], [spec("labels", 1, 300), spec("boxes", 1, 300, 4)], None),
        ([spec("x", 1, 3, None, None)], [spec("output", 1, None, 85)], None),
        ([spec("x", 1, 3, 416, 416), spec("state", 1, 8)], [spec("output", 1, 3549, 85)], None),
        ([spec("x", 1, 1, 416, 416)], [spec("output", 1, 3549, 85)], None),
    ],
)
def test_recognises_its_own_and_no_others(
    inputs: list[TensorSpec], outputs: list[TensorSpec], family: str | None
) -> None:
    reading = recognise(inputs, outputs)
    assert (reading.decoding.family if reading else None) == family
    if reading:
        family_read = FAMILIES[reading.decoding.family]
        roles, named = set(family_read.output_roles(reading.decoding.strides)), set(reading.decoding.outputs)
        assert roles - set(family_read.optional_roles) <= named <= roles
        assert set(reading.decoding.outputs.values()) <= {spec.name for spec in outputs}
        assert set(reading.decoding.options) <= set(family_read.options)
        assert reading.assumed


@pytest.mark.parametrize(
    "names, by_values",
    [
        (("TFLite_Detection_PostProcess:1", "TFLite_Detection_PostProcess:2"), False),
        (("detection_classes", "detection_scores"), False),
        (("StatefulPartitionedCall:3", "StatefulPartitionedCall:1"), True),
    ],
)
def test_scores_and_classes_are_told_apart_by_name_else_by_values(names: tuple[str, str], by_values: bool) -> None:
    classes, scores = names
    outputs = [spec(scores, 1, 10), spec("b", 1, 10, 4), spec("n", 1), spec(classes, 1, 10)]
    for order in (outputs, outputs[::-1]):
        reading = recognise([spec("x", 1, 300, 300, 3)], order)
        assert reading is not None
        assert reading.decoding.options.get("tell_by_values", False) == by_values
        if not by_values:
            assert (reading.decoding.outputs["scores"], reading.decoding.outputs["classes"]) == (scores, classes)


def test_levels_are_matched_by_shape_whatever_their_names_and_order() -> None:
    reading = recognise([spec("x", 1, 3, 320, 320)], gfl_outputs(320, (8, 16, 32, 64))[::-1])
    assert reading is not None and reading.decoding.strides == (8, 16, 32, 64)
    assert reading.decoding.outputs["scores_8"] == "scale_0"
    assert reading.decoding.outputs["distances_64"] == "scale_7"


def test_rejects_scores_and_classes_that_are_both_fractions() -> None:
    outputs, decoding = encode_counted("tflite_postprocess", 2, swapped=True)(np.float32([10, 10, 30, 30]), 0.5, 1)
    outputs["s"] = outputs["s"] + 0.5
    with pytest.raises(ValueError, match="whole numbers"):
        FAMILIES["tflite_postprocess"].decode(outputs, decoding, INPUT_WH)


@pytest.mark.parametrize("rows", [(1, 0, 6), (0, 6), (0, 7), (1, 300, 6)])
def test_a_model_that_found_nothing_gives_zero_detections(rows: tuple[int, ...]) -> None:
    decoding = Decoding("end_to_end", {"rows": "r"})
    assert len(FAMILIES["end_to_end"].decode({"r": np.zeros(rows, np.float32)}, decoding, INPUT_WH)) == 0


@pytest.mark.parametrize("count", [0, -1, 99])
def test_a_count_beyond_the_rows_reads_no_further(count: int) -> None:
    outputs, decoding = encode_counted("nms_outputs", 1, pixels=True)(np.float32([10, 10, 30, 30]), 0.5, 1)
    outputs["n"] = np.float32([count])
    assert len(FAMILIES["nms_outputs"].decode(outputs, decoding, INPUT_WH)) == max(count, 0) // 99 * 6


def test_decoded_yolox_is_the_yolov5_layout_with_one_row_for_each_cell() -> None:
    outputs, decoding = ENCODERS["yolov8"](np.float32([10, 10, 30, 40]), 0.5, 1)
    rows = outputs["p"][0].T
    with_objectness = np.insert(rows, 4, np.where(rows[:, 4:].max(axis=1) > 0, 0.8, 0.0), axis=1).astype(np.float32)
    one_row = replace(decoding, family="yolov5", options={"anchors": 1})
    found = FAMILIES["yolov5"].decode({"p": with_objectness[None]}, one_row, INPUT_WH)
    assert found.xyxy.tolist() == [[10, 10, 30, 40]] and found.confidence.tolist() == [pytest.approx(0.4)]


def test_four_levels_of_nanodet_plus_are_told_from_picodet_by_their_names() -> None:
    picodet = gfl_outputs(320, (8, 16, 32, 64))
    names = [f"{kind}_pred_stride_{stride}" for kind in ("cls", "dis") for stride in (8, 16, 32, 64)]
    plus = [replace(one, name=name) for one, name in zip(picodet, names, strict=True)]
    readings = [recognise([spec("x", 1, 3, 320, 320)], outputs) for outputs in (picodet, plus)]
    told = [(r.preprocessing.colour, r.preprocessing.resize, r.decoding.options) for r in readings if r]
    assert told == [("RGB", "stretch", {}), ("BGR", "stretch", {"cell_offset": 0.0})]
