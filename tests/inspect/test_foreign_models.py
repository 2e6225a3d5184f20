"""Models that no kit made: each is run, or refused with one sentence that says what to do, and no process ends."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from edge.embedder import Embedder
from edge.errors import ModelError
from edge.inference import open_session
from edge.inference.plain_words import in_plain_words
from export.bundles.reading import read_model
from export.cli import main
from tests.small_models import constant_detector, fcos_outputs, mean_embedder, save_model
from tests.small_tflite import Quantization, tflite_mean_embedder


def onnx_of_one_operator(path: Path, operator: str, domain: str = "", opset: int = 17, ir_version: int = 9) -> Path:
    """Write a model that onnx's own checker would not let through."""
    node = helper.make_node(operator, ["x"], ["y"], domain=domain)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 8, 8]) for name in "xy")
    sets = [helper.make_opsetid("", opset), *([helper.make_opsetid(domain, 1)] if domain else [])]
    graph = helper.make_graph([node], "small", [x], [y])
    path.write_bytes(helper.make_model(graph, opset_imports=sets, ir_version=ir_version).SerializeToString())
    return path


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Run a command of `export` that must end with exit code 3 and one sentence; return the sentence."""
    assert main([str(word) for word in words]) == 3
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and "Traceback" not in said
    return said


@pytest.mark.parametrize(
    "made, part",
    [
        ({"operator": "Warp", "domain": "com.acme"}, "needs the operator com.acme:Warp"),
        ({"operator": "Warp"}, "needs the operator Warp"),
        ({"operator": "Neg", "opset": 99}, "Opset 99, newer than this runtime knows"),
        ({"operator": "Neg", "ir_version": 99}, "IR version 99, newer than this runtime knows"),
    ],
)
def test_an_onnx_operator_that_is_missing_is_named(tmp_path, capsys, made, part):
    model = onnx_of_one_operator(tmp_path / "m.onnx", **made)
    assert f"{model}: onnxruntime cannot load this model (it" in (said := refused(capsys, "inspect", model))
    assert part in said and "ONNXRuntimeError" not in said


@pytest.mark.parametrize("operator", ["Warp", "FlexConv2D"])
def test_a_tflite_operator_that_is_missing_is_named(tmp_path, capsys, operator):
    model = tflite_mean_embedder(tmp_path / "m.tflite", operator=operator)
    assert f"it needs the operator {operator}, which this runtime does not have" in refused(capsys, "inspect", model)


@pytest.mark.parametrize("name", ["cut.onnx", "cut.tflite", "empty.onnx"])
def test_a_damaged_file_says_to_fetch_it_again(tmp_path, capsys, name):
    model = tmp_path / name
    whole = (tflite_mean_embedder if model.suffix == ".tflite" else mean_embedder)(model).read_bytes()
    model.write_bytes(b"" if name.startswith("empty") else whole[: len(whole) * 2 // 3])
    assert "damaged, cut short, or no model: fetch or export it again" in refused(capsys, "inspect", model)


@pytest.mark.parametrize(
    "text, words",
    [
        ("Didn't find op for builtin opcode 'CONV_2D' version '99'.\nRegistration failed.", "the operator CONV_2D"),
        (
            "[ONNXRuntimeError] : 1 : FAIL : Load model from /a b/m.onnx failed:/src/x.cc:46 Bad thing.\nmore",
            "Bad thing",
        ),
        ("tensor 3 is odd", "tensor 3 is odd"),
        ("", "RuntimeError"),
        ("x" * 999, "x" * 200),
    ],
)
def test_what_is_not_known_is_passed_on_without_noise(text, words):
    said = in_plain_words(RuntimeError(text))
    assert said == words or said.startswith(f"it needs {words},")


@pytest.mark.parametrize("side", [20_000, 40_000])
def test_a_tflite_model_of_gigabytes_is_refused(tmp_path, capsys, side):
    model = tflite_mean_embedder(tmp_path / "m.tflite", (1, side, side, 3))
    assert refused(capsys, "inspect", model).endswith(
        ": asks for more than 4 GiB of memory to run once: no device could use it\n"
    )


def test_an_open_input_is_tried_at_the_size_that_its_sidecar_gives(tmp_path, capsys):
    nodes = [
        helper.make_node("Pad", ["x", "pads"], ["wide"]),
        helper.make_node("ReduceMean", ["wide"], ["y"], keepdims=0, axes=[2, 3]),
    ]
    pads = {"pads": np.array([0, 0, 0, 0, 0, 0, 700_000, 0], np.int64)}
    model = save_model(tmp_path / "m.onnx", nodes, {"x": [1, 3, "h", "w"]}, {"y": [1, 3]}, pads)
    (tmp_path / "other.toml").write_text("size_wh = [8000, 32]\noutput = 'y'\n")
    assert "asks for more than 4 GiB" in refused(capsys, "inspect", model, "--sidecar", tmp_path / "other.toml")


def test_a_folder_named_after_memory_is_not_taken_for_a_lack_of_it(tmp_path, capsys):
    (tmp_path / "alloc").mkdir()
    model = onnx_of_one_operator(tmp_path / "alloc" / "m.onnx", "Warp")
    assert "needs the operator Warp" in refused(capsys, "inspect", model)


@pytest.mark.parametrize("suffix", [".onnx", ".tflite"])
def test_an_embedder_with_a_state_is_told_to_export_it_as_a_constant(tmp_path, capsys, suffix):
    detector = constant_detector(tmp_path / "detector.onnx", (64, 32), fcos_outputs((64, 32)))
    model = tmp_path / f"stateful{suffix}"
    if suffix == ".tflite":
        tflite_mean_embedder(model, others={"state": (1, 16)})
    else:
        nodes = [
            helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3]),
            helper.make_node("Add", ["m", "state"], ["y"]),
        ]
        save_model(model, nodes, {"x": [1, 3, 8, 8], "state": [1, 3, 1, 1]}, {"y": [1, 3, 1, 1]})
    said = refused(capsys, "bundle", "--detector", detector, "--embedder", model, "--out", tmp_path / "b")
    assert f"{model}: has 2 inputs" in said and "state" in said and "as constants" in said
    assert not (tmp_path / "b").exists()


def test_a_fixed_batch_says_which_one_to_export(tmp_path, capsys):
    nodes = [helper.make_node("ReduceMean", ["picture"], ["vector"], keepdims=0, axes=[2, 3])]
    model = save_model(tmp_path / "m.onnx", nodes, {"picture": [4, 3, 16, 16]}, {"vector": [4, 3]})
    assert "export the model with a batch of 1, or with an open one" in refused(capsys, "inspect", model)


@pytest.mark.parametrize("picture", [(1, 16, 16, 3), (1, 3, 16, 16), (1, 12, 20, 3)])
@pytest.mark.parametrize(
    "stored",
    [
        Quantization(),
        Quantization("uint8", 1 / 128, 128),
        Quantization("uint8", 1 / 127.5, 127),
        Quantization("int8", 1 / 128, 0),
        Quantization("int8", 1 / 255, -128),
    ],
    ids=lambda stored: f"{stored.dtype}-{stored.zero_point}",
)
def test_every_layout_and_zero_point_gives_the_known_vector(tmp_path, picture, stored):
    reading = read_model(tflite_mean_embedder(tmp_path / "m.tflite", picture, stored))
    assert reading.kind == "embedder" and reading.vector is not None and reading.preprocessing is not None
    assert reading.preprocessing.layout == ("NCHW" if picture[1] == 3 else "NHWC")
    embedder = Embedder(open_session(reading.path), reading.preprocessing, reading.vector.name, 3)
    width, height = reading.preprocessing.size_wh
    crop = np.empty((height, width, 3), np.uint8)
    crop[:] = (250, 180, 140)
    zero, scale = (
        (stored.zero_point + 128 * (stored.dtype == "int8"), stored.scale) if stored.scale else (127.5, 1 / 127.5)
    )
    expected = (np.array([250, 180, 140]) - zero) * scale
    assert embedder.raw([crop])[0] == pytest.approx(expected, abs=scale or 1e-5)


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    assert "no such model file" in refused(capsys, "inspect", tmp_path / "nowhere.tflite")
    with pytest.raises(ModelError, match="no such model file"):
        open_session(tmp_path / "nowhere.onnx")
