"""How models and their sidecars are read; what contradicts the model is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge.errors import ModelError
from export.bundles.reading import read_model
from tests.small_models import constant_detector, fcos_outputs, mean_embedder, save_model

SIZE_WH = (64, 32)
BOXES = {"p": np.zeros((1, 9, 4), np.float32), "q": np.zeros((1, 9, 3), np.float32)}
SIDECAR = """
family = "decoded_boxes"
colour = "BGR"
resize = "stretch"
mean = 127.5
std = [1, 2, 3]
labels = "names.txt"
score_threshold = 0.4
[outputs]
boxes = "p"
scores = "q"
[options]
normalized = false
"""


@pytest.fixture
def unknown(tmp_path: Path) -> Path:
    return constant_detector(tmp_path / "net.onnx", SIZE_WH, BOXES)


def test_without_a_sidecar_an_unknown_family_stays_unknown(unknown: Path) -> None:
    reading = read_model(unknown)
    assert (reading.kind, reading.family, reading.preprocessing) == ("unknown", None, None)


@pytest.mark.parametrize("name", ["net.toml", "net.onnx.toml"])
def test_a_sidecar_names_family_outputs_and_preprocessing(unknown: Path, name: str) -> None:
    (unknown.parent / "names.txt").write_text("a\nb\nc\n")
    (unknown.parent / name).write_text(SIDECAR)
    reading = read_model(unknown)
    assert (reading.kind, reading.family, reading.labels) == ("detector", "decoded_boxes", ("a", "b", "c"))
    assert reading.preprocessing is not None and reading.decoding is not None
    assert reading.preprocessing.size_wh == SIZE_WH
    assert reading.preprocessing.mean == (127.5, 127.5, 127.5) and reading.preprocessing.std == (1, 2, 3)
    assert reading.decoding.options == {"normalized": False} and reading.decoding.score_threshold == 0.4
    assert reading.assumed == ""


def test_options_go_before_the_sidecar(unknown: Path) -> None:
    (unknown.parent / "names.txt").write_text("a\nb\nc\n")
    (unknown.parent / "net.toml").write_text(SIDECAR)
    reading = read_model(unknown, overrides={"colour": "RGB"})
    assert reading.preprocessing is not None
    assert (reading.preprocessing.colour, reading.preprocessing.resize) == ("RGB", "stretch")


@pytest.mark.parametrize(
    "text, part",
    [
        ("family = ", "not a TOML file"),
        ("famly = 'yolox'", "unknown keys"),
        ("family = 'yolo99'", "unknown family 'yolo99'"),
        ("family = 'decoded_boxes'", "lacks the keys"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'nowhere'}", "the model has"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\nlayout = 'NHWC'", "its preprocessing makes"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\nsize_wh = [10, 10]", "preprocessing makes"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\nmean = [1, 2]", "3 finite numbers"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\nmean = nan", "3 finite numbers"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\ncolour = 'HSV'", "colour is 'HSV'"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\noptions = {depth = 1}", "unknown keys"),
        ("labels = 'nowhere.txt'", "cannot be read"),
        ("labels = [1, 2]", "labels must be"),
        ("output = 'nowhere'", "the model has"),
        ("[[family]]", "family is"),
        ("family = 5", "family is 5, expected a name"),
        ("pooling = 'max'", "pooling is 'max', expected one of"),
        ("pooling = ['mean']", "pooling is"),
    ],
)
def test_rejects_a_sidecar_that_is_wrong_or_contradicts(unknown: Path, text: str, part: str) -> None:
    (unknown.parent / "net.toml").write_text(text)
    with pytest.raises(ModelError, match=part) as caught:
        read_model(unknown)
    assert "net.toml" in str(caught.value) or "net.onnx" in str(caught.value)


@pytest.mark.parametrize(
    "text", ["score_threshold = 0.4", "strides = [8]", "output = 'vector'\noutputs = {grid = 'vector'}"]
)
def test_rejects_a_detectors_sidecar_beside_an_embedder(tmp_path: Path, text: str) -> None:
    mean_embedder(tmp_path / "e.onnx")
    (tmp_path / "e.toml").write_text(text)
    with pytest.raises(
        ModelError, match=r"e\.toml: \w+ describe a detector, and .*e\.onnx is read as .* kind embedder"
    ):
        read_model(tmp_path / "e.onnx")


def test_a_missing_explicit_sidecar_is_one_sentence(unknown: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.toml: this sidecar cannot be read"):
        read_model(unknown, unknown.parent / "nowhere.toml")


def test_a_model_may_carry_its_sidecar_in_itself(tmp_path: Path) -> None:
    mean_embedder(tmp_path / "e.onnx", metadata={"taglet.sidecar": "mean = 0\nstd = 255\ncolour = 'BGR'"})
    rule = read_model(tmp_path / "e.onnx").preprocessing
    assert rule is not None and (rule.std, rule.colour) == ((255, 255, 255), "BGR")
    (tmp_path / "e.toml").write_text("std = 1")
    rule = read_model(tmp_path / "e.onnx").preprocessing
    assert rule is not None and rule.std == (1, 1, 1)


def test_size_of_an_open_input_comes_from_the_sidecar(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    save_model(tmp_path / "e.onnx", [node], {"x": [1, 3, "h", "w"]}, {"y": [1, 3]})
    assert read_model(tmp_path / "e.onnx").kind == "unknown"
    reading = read_model(tmp_path / "e.onnx", overrides={"size_wh": [48, 32]})
    assert reading.kind == "embedder" and reading.preprocessing is not None
    assert reading.preprocessing.size_wh == (48, 32)


def test_a_detector_of_any_size_needs_its_size_and_its_family(tmp_path: Path) -> None:
    target = {"target": np.int64([0, 84, -1])}
    nodes = [helper.make_node("Reshape", ["x", "target"], ["y"])]
    save_model(tmp_path / "d.onnx", nodes, {"x": ["b", 3, "h", "w"]}, {"y": ["b", 84, "n"]}, target)
    assert read_model(tmp_path / "d.onnx").kind == "unknown"
    reading = read_model(tmp_path / "d.onnx", overrides={"size_wh": [640, 448], "family": "yolov8"})
    assert (reading.kind, reading.family) == ("detector", "yolov8")
    assert reading.decoding is not None and reading.decoding.outputs == {"predictions": "y"}
    assert reading.preprocessing is not None and reading.preprocessing.size_wh == (640, 448)


def test_a_model_with_two_inputs_is_described_not_fed(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "state"], ["y"])
    save_model(tmp_path / "m.onnx", [node], {"x": [1, 3, 8, 8], "state": [1, 3, 8, 8]}, {"y": [1, 3, 8, 8]})
    reading = read_model(tmp_path / "m.onnx")
    assert reading.kind == "unknown" and [spec.name for spec in reading.inputs] == ["x", "state"]


def test_one_of_two_vectors_is_chosen_by_the_sidecar(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["a"], axes=[2, 3], keepdims=0),
        helper.make_node("ReduceMax", ["x"], ["b"], axes=[2, 3], keepdims=0),
    ]
    save_model(tmp_path / "e.onnx", nodes, {"x": [1, 3, 8, 8]}, {"a": [1, 3], "b": [1, 3]})
    assert read_model(tmp_path / "e.onnx").kind == "unknown"
    reading = read_model(tmp_path / "e.onnx", overrides={"output": "b"})
    assert reading.kind == "embedder" and reading.vector is not None and reading.vector.name == "b"


def test_a_softmax_makes_a_classifier(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("Softmax", ["pooled"], ["y"]),
    ]
    save_model(tmp_path / "c.onnx", nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 3]})
    assert read_model(tmp_path / "c.onnx").kind == "classifier"


def quantize_nodes(kind: str) -> list[object]:
    mean = helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    if kind == "static":
        return [
            helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
            helper.make_node("ReduceMean", ["d"], ["y"], axes=[2, 3], keepdims=0),
        ]
    if kind == "dynamic":
        return [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
            helper.make_node("ReduceMean", ["d"], ["y"], axes=[2, 3], keepdims=0),
        ]
    if kind == "weight_only":
        return [
            helper.make_node("DequantizeLinear", ["weights", "scale", "zero"], ["w"]),
            helper.make_node("Conv", ["x", "w"], ["c"]),
            helper.make_node("ReduceMean", ["c"], ["y"], axes=[2, 3], keepdims=0),
        ]
    if kind == "fp16":
        return [
            helper.make_node("Cast", ["x"], ["h"], to=TensorProto.FLOAT16),
            helper.make_node("Conv", ["h", "halves"], ["c"]),
            helper.make_node("Cast", ["c"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["f"], ["y"], axes=[2, 3], keepdims=0),
        ]
    return [mean]


@pytest.mark.parametrize("kind", ["float", "static", "dynamic", "weight_only", "fp16"])
def test_quantization_is_found_in_the_graph(tmp_path: Path, kind: str) -> None:
    constants = {
        "scale": np.float32(0.1),
        "zero": np.uint8(0),
        "weights": np.ones((3, 3, 1, 1), np.uint8),
        "halves": np.ones((3, 3, 1, 1), np.float16),
    }
    nodes = quantize_nodes(kind)
    used = {name for node in nodes for name in node.input}  # type: ignore[attr-defined]
    kept = {name: value for name, value in constants.items() if name in used}
    save_model(tmp_path / "m.onnx", nodes, {"x": [1, 3, 8, 8]}, {"y": [1, 3]}, kept)  # type: ignore[arg-type]
    assert read_model(tmp_path / "m.onnx").facts.quantization == kind


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x09", b"GIF89a" + bytes(100)])
def test_rejects_a_file_that_is_no_model(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelError, match=r"m\.onnx"):
        read_model(tmp_path / "m.onnx")


def test_rejects_a_truncated_model(tmp_path: Path) -> None:
    whole = constant_detector(tmp_path / "whole.onnx", SIZE_WH, fcos_outputs(SIZE_WH)).read_bytes()
    for length in range(1, len(whole), 97):
        (tmp_path / "cut.onnx").write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"cut\.onnx"):
            read_model(tmp_path / "cut.onnx")


def test_rejects_a_model_whose_weights_lie_in_other_files(tmp_path: Path) -> None:
    whole = constant_detector(tmp_path / "whole.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    onnx.save(onnx.load(whole), tmp_path / "apart.onnx", save_as_external_data=True, size_threshold=0)
    with pytest.raises(ModelError, match="weights in other files"):
        read_model(tmp_path / "apart.onnx")


REAL = [
    ("detectors/yolox_nano_416.onnx", "detector", "yolox"),
    ("detectors/fastestdet_352.onnx", "detector", "fastestdet"),
    ("detectors/ultraface_rfb320.onnx", "detector", "decoded_boxes"),
    ("embedders/mobilenet_v1_025_classifier.onnx", "classifier", None),
    ("embedders/mobilenet_v1_025_embedder.onnx", "embedder", None),
    ("embedders/mobilenet_v1_100_embedder.onnx", "embedder", None),
]


@pytest.mark.parametrize("file, kind, family", REAL)
def test_recognises_real_models(shared: Path, file: str, kind: str, family: str | None) -> None:
    reading = read_model(shared / "models" / file)
    assert (reading.kind, reading.family, reading.facts.quantization) == (kind, family, "float")
