"""Boxes that were encoded come back decoded, family by family; what does not fit is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decoders import FAMILIES, Decoding, recognise
from edge.decoders.family import cell_centres
from edge.inference import TensorSpec

INPUT_WH = (96, 64)
CLASSES = 3
STRIDES = (8, 16, 32)
Encoded = tuple[dict[str, npt.NDArray[np.float32]], Decoding]


def spec(name: str, *shape: int | None) -> TensorSpec:
    return TensorSpec(name, shape, "float32")


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def encode_fcos(xyxy: npt.NDArray[np.float32], score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, STRIDES)
    scores, distances = np.zeros((1, len(cells), CLASSES)), np.zeros((1, len(cells), 4))
    row = _cell_of(cells, xyxy)
    stride = cells[row, 2]
    centre = (cells[row, :2] + 0.5) * stride
    scores[0, row, class_id] = score
    distances[0, row] = np.concatenate([centre - xyxy[:2], xyxy[2:] - centre]) / stride
    return {"s": scores, "d": distances}, Decoding("fcos", {"scores": "s", "distances": "d"}, STRIDES)


def encode_yolox(xyxy: npt.NDArray[np.float32], score: float, class_id: int) -> Encoded:
    cells = cell_centres(INPUT_WH, STRIDES)
    grid = np.zeros((1, len(cells), 5 + CLASSES))
    row = _cell_of(cells, xyxy)
    stride = cells[row, 2]
    grid[0, row, :2] = (xyxy[:2] + xyxy[2:]) / 2 / stride - cells[row, :2]
    grid[0, row, 2:4] = np.log((xyxy[2:] - xyxy[:2]) / stride)
    grid[0, row, 4], grid[0, row, 5 + class_id] = score**0.5, score**0.5
    return {"g": grid}, Decoding("yolox", {"grid": "g"}, STRIDES)


def encode_fastestdet(xyxy: npt.NDArray[np.float32], score: float, class_id: int) -> Encoded:
    columns, rows = INPUT_WH[0] // 16, INPUT_WH[1] // 16
    output = np.zeros((1, 5 + CLASSES, rows, columns))
    centre = (xyxy[:2] + xyxy[2:]) / 2 / INPUT_WH * (columns, rows)
    x, y = np.minimum(centre.astype(int), (columns - 1, rows - 1))
    share = (xyxy[2:] - xyxy[:2]) / INPUT_WH
    output[0, 1:3, y, x] = np.arctanh(centre - (x, y))
    output[0, 3:5, y, x] = logit(float(share[0])), logit(float(share[1]))
    output[0, 0, y, x], output[0, 5 + class_id, y, x] = score, score
    return {"m": output}, Decoding("fastestdet", {"map": "m"}, (16,))


def encode_decoded(box_format: str, normalized: bool, background: int) -> Callable[..., Encoded]:
    def encode(xyxy: npt.NDArray[np.float32], score: float, class_id: int) -> Encoded:
        boxes, scores = np.zeros((1, 7, 4)), np.zeros((1, 7, CLASSES))
        values = xyxy / np.tile(INPUT_WH, 2) if normalized else xyxy
        if box_format == "cxcywh":
            values = np.concatenate([(values[:2] + values[2:]) / 2, values[2:] - values[:2]])
        boxes[0, 5] = values[[1, 0, 3, 2]] if box_format == "yxyx" else values
        scores[0, 5, class_id] = score
        if background >= 0:
            scores = np.insert(scores, background, 1 - scores.max(axis=2), axis=2)
        options = {"box_format": box_format, "normalized": normalized, "background": background}
        return {"b": boxes, "s": scores}, Decoding("decoded_boxes", {"boxes": "b", "scores": "s"}, options=options)

    return encode


def _cell_of(cells: npt.NDArray[np.float32], xyxy: npt.NDArray[np.float32]) -> int:
    centre = (xyxy[:2] + xyxy[2:]) / 2
    return int(np.abs((cells[:, :2] + 0.5) * cells[:, 2:] - centre).sum(axis=1).argmin())


ENCODERS: dict[str, Callable[..., Encoded]] = {
    "fcos": encode_fcos,
    "yolox": encode_yolox,
    "fastestdet": encode_fastestdet,
    "decoded xyxy shares": encode_decoded("xyxy", True, -1),
    "decoded yxyx shares, background first": encode_decoded("yxyx", True, 0),
    "decoded cxcywh pixels, background last": encode_decoded("cxcywh", False, CLASSES),
}


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("family", ENCODERS)
def test_an_encoded_box_comes_back(family: str, data: st.DataObject) -> None:
    width, height = data.draw(st.floats(2, 60)), data.draw(st.floats(2, 40))
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
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 84, 8400)], None),
        ([spec("images", 1, 3, 640, 640)], [spec("output0", 1, 25200, 85)], None),
        ([spec("input.1", 1, 3, 352, 352)], [spec("758", 1, 85, 22, 22)], "fastestdet"),
        ([spec("x", 1, 3, 352, 352)], [spec("features", 1, 512, 11, 11)], None),
        ([spec("input", 1, 3, 240, 320)], [spec("scores", 1, 4420, 2), spec("boxes", 1, 4420, 4)], "decoded_boxes"),
        ([spec("input", 1, 3, 240, 320)], [spec("scores", 1, 4420, 2), spec("boxes", 1, 4000, 4)], None),
        ([spec("x", 1, 3, 64, 96)], [spec("scores", 1, 126, 1), spec("distances", 1, 126, 4)], "fcos"),
        ([spec("x", 1, 3, 64, 96)], [spec("scores", 1, 99, 1), spec("distances", 1, 99, 4)], None),
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
        assert set(reading.decoding.outputs) == set(FAMILIES[reading.decoding.family].roles)
        assert reading.assumed
