"""`export quantize` as a user calls it: what it leaves, and one sentence for each way to call it wrongly."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edge.defaults import default_bundle
from export.cli import main
from export.golden.pictures import golden_pictures
from export.quantize import run as spine
from export.quantize.byte_weights import with_byte_weights
from tests.quantize.small_networks import SIDECAR, network
from tests.quantize.test_static_models import Layers, observe_ranges, pictures, prepare, quantized, reading_of


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(5):
        for name, image in golden_pictures(seed).items():
            if name != "none":
                Image.fromarray(image).save(folder / f"{seed}-{name}.png")
    return folder


@pytest.fixture
def embedder(tmp_path: Path) -> Path:
    reading_of(network(11), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.fixture(autouse=True)
def onnx_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT files have tests of their own; here they would cost a converter's environment. Few rounds of timing do."""

    def none(*_: object) -> Iterator[Any]:
        return iter(())

    monkeypatch.setattr(spine, "litert_forms", none)
    monkeypatch.setattr("export.quantize.timing.ROUNDS", 3)


def call(*words: object) -> int:
    return main(["quantize", *map(str, words)])


def said(capsys: pytest.CaptureFixture[str], *words: object, code: int = 3) -> str:
    assert call(*words) == code
    err = capsys.readouterr().err
    assert "Traceback" not in err
    return err.strip().splitlines()[-1]


def test_detector_of_the_package_keeps_its_budget(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call(default_bundle() / "detector.onnx", "--calib", photos, "--out", out) == 0
    report = json.loads((out / "report.json").read_text())
    assert {"model", "kind", "measured_on", "baseline", "variants", "recommended", "verdict"} <= set(report)
    assert report["kind"] == "detector"
    assert set(report["recommended"]) == {"pi", "phone", "web"}
    static = next(v for v in report["variants"] if v["scheme"] in ("qdq", "mixed"))
    assert static["passed"] and static["size_ratio"] < 0.3 and static["int8_macs_share"] >= 0.7
    assert report["recommended"]["web"].endswith("weight_only.onnx")
    assert {path.name for path in out.iterdir()} >= {v["file"] for v in report["variants"]}
    assert all("estimated" in why or "Stay in float" in why for why in report["why"].values())
    assert any("restored" in remark for remark in report["remarks"])
    page = (out / "report.html").read_text()
    assert page.count("<svg") == 2 and "http-equiv" in page and "<script" not in page
    assert static["companions"] and all((out / name).is_file() for name in static["companions"])


def test_embedder_is_calibrated_on_the_crops_of_its_bundle(photos: Path, tmp_path: Path) -> None:
    out, bundle = tmp_path / "out", default_bundle()
    words = (bundle / "embedder.onnx", "--calib", photos, "--with", bundle, "--target", "web", "--out", out)
    assert call(*words) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["kind"] == "embedder"
    assert report["calibrated_on"] > 8, "crops are counted, some pictures hold two"
    assert [v["scheme"] for v in report["variants"]] == ["float", "weight_only", "fp16"]


def test_budget_that_cannot_be_held_leaves_nothing(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, told = tmp_path / "out", tmp_path / "told.json"
    monkeypatch.setattr("export.quantize.judged.Judged.passes", lambda self, max_drop: False)
    words = (embedder, "--calib", photos, "--out", out, "--json", told, "--target", "pi")
    assert "no int8 file for pi holds the budget" in said(capsys, *words, code=5)
    assert not out.exists()
    assert json.loads(told.read_text())["verdict"].startswith("Budget not met")


def test_refused_files_stand_apart(
    photos: Path, embedder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from export.quantize.judged import Judged

    fine = Judged.passes
    calls: list[bool] = []

    def refuse_half(self: Judged, max_drop: float) -> bool:
        calls.append(True)
        return fine(self, max_drop) and len(calls) != 4  # float, then int8 weights, then the measurement of each

    monkeypatch.setattr(Judged, "passes", refuse_half)
    words = ("--calib", photos, "--out", tmp_path / "out", "--target", "web", "--max-drop", 100)
    assert call(embedder, *words) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    refused = [v["file"] for v in report["variants"] if not v["passed"]]
    assert len(refused) == 1 and refused[0].startswith("refused/")
    assert all((tmp_path / "out" / v["file"]).is_file() for v in report["variants"])
    assert refused[0] not in report["recommended"].values()


def test_empty_calibration_folder(embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "none").mkdir()
    sentence = said(capsys, embedder, "--calib", tmp_path / "none", "--out", tmp_path / "out")
    assert "holds no picture that can be read" in sentence
    assert not (tmp_path / "out").exists()


def test_one_picture(photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one").mkdir()
    shutil.copy(sorted(photos.iterdir())[0], tmp_path / "one")
    sentence = said(capsys, embedder, "--calib", tmp_path / "one", "--out", tmp_path / "out")
    assert "1 picture cannot show what values a model takes: give at least 16" in sentence


def test_corrupt_pictures_are_skipped_and_named(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    some = tmp_path / "some"
    shutil.copytree(photos, some)
    whole = sorted(some.iterdir())[0].read_bytes()
    (some / "cut.png").write_bytes(whole[: len(whole) // 2])
    words = ("--calib", some, "--out", tmp_path / "out", "--target", "web", "--max-drop", 100)
    assert call(embedder, *words) == 0
    assert "cut.png: this PNG picture is damaged or cut" in capsys.readouterr().err
    remarks = json.loads((tmp_path / "out" / "report.json").read_text())["remarks"]
    assert any("cut.png" in remark for remark in remarks)


def test_pictures_of_another_domain_are_warned_of(photos: Path, embedder: Path, tmp_path: Path) -> None:
    for name, low, high in (("dark", 118, 138), ("bright", 0, 255)):
        (tmp_path / name).mkdir()
        for seed in range(8):
            pixels = np.random.default_rng(seed).integers(low, high, (16, 16, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{seed}.png")
    words = ("--calib", tmp_path / "dark", "--images", tmp_path / "bright", "--out", tmp_path / "out")
    assert call(embedder, *words, "--target", "web", "--max-drop", 100) == 0
    remarks = json.loads((tmp_path / "out" / "report.json").read_text())["remarks"]
    assert any("reach beyond the ranges of the calibration pictures" in remark for remark in remarks)


def test_overlap_of_calibration_and_evaluation(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "judged").mkdir()
    shutil.copy(sorted(photos.iterdir())[0], tmp_path / "judged" / "renamed.png")
    words = ("--calib", photos, "--images", tmp_path / "judged", "--out", tmp_path / "out")
    assert "is the same picture as" in said(capsys, embedder, *words)


def test_model_that_is_quantized_already(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = prepare(reading_of(network(), tmp_path / "float.onnx")).model
    int8 = quantized(prepared, observe_ranges(prepared, pictures(4)).ranges("min_max"), Layers.of(prepared))
    onnx.save(int8, embedder)
    sentence = said(capsys, embedder, "--calib", photos, "--out", tmp_path / "out")
    assert "is quantized already (static)" in sentence and "export check" in sentence


def test_stored_weights_are_no_reason_to_refuse(photos: Path, embedder: Path, tmp_path: Path) -> None:
    onnx.save(with_byte_weights(network()), embedder)
    words = ("--calib", photos, "--out", tmp_path / "out", "--target", "web", "--max-drop", 100)
    assert call(embedder, *words) == 0


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ([1, 3, "height", "width"], "leaves the size of its input open"),
        ([1, 3, 16, 16], "has 2 inputs (picture float32[1, 3, 16, 16], more"),
    ],
)
def test_inputs_that_are_no_single_picture(
    shape: list[int | str], words: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = len([side for side in shape if isinstance(side, int)]) == 4
    names = ["picture", *(["more"] if two else [])]
    nodes = [helper.make_node("Add", [names[0], names[-1]], ["sum"])]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names]
    result = [helper.make_tensor_value_info("sum", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "g", values, result)
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    assert words in said(capsys, tmp_path / "m.onnx", "--calib", photos, "--out", tmp_path / "out")


def test_unknown_operator(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    model.graph.node[0].op_type, model.graph.node[0].domain = "Own", "my.house"
    model.opset_import.append(helper.make_opsetid("my.house", 1))
    onnx.save(model, tmp_path / "m.onnx")
    sentence = said(capsys, tmp_path / "m.onnx", "--calib", photos, "--out", tmp_path / "out")
    assert "onnxruntime cannot load this model" in sentence and "Own" in sentence


def test_missing_external_data(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = network()
    tensor = model.graph.initializer[0]
    onnx.external_data_helper.set_external_data(tensor, "weights.bin")
    tensor.ClearField("raw_data")
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    sentence = said(capsys, tmp_path / "m.onnx", "--calib", photos, "--out", tmp_path / "out")
    assert "keeps weights in weights.bin, which is not beside it" in sentence


def test_above_two_gigabytes(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "m.onnx").open("wb") as file:
        file.truncate(3 << 30)
    sentence = said(capsys, tmp_path / "m.onnx", "--calib", photos, "--out", tmp_path / "out")
    assert "above 2 GB" in sentence


def test_full_disk_leaves_nothing(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("export.quantize.onnx_source.onnx.save", full)
    out = tmp_path / "place" / "out"
    assert "No space left on device): nothing was left behind" in said(
        capsys, embedder, "--calib", photos, "--out", out
    )
    assert list(out.parent.iterdir()) == []


def test_interrupt_leaves_nothing(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(spine, "time_in_turn", interrupted)
    out = tmp_path / "place" / "out"
    sentence = said(capsys, embedder, "--calib", photos, "--out", out, code=130)
    assert f"interrupted; {out} is as it was before" in sentence and "kept" not in sentence
    assert list(out.parent.iterdir()) == []


def test_report_says_how_to_try_a_runtime_that_is_not_here(
    photos: Path, embedder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = ("tflite-runtime 2.14.0 (by operator versions)",)
    monkeypatch.setattr(spine, "_with_companions", lambda measured, _: replace(measured, runtimes=elsewhere))
    assert call(embedder, "--calib", photos, "--out", tmp_path / "out", "--target", "web") == 0
    remarks = json.loads((tmp_path / "out" / "report.json").read_text())["remarks"]
    assert any("TAGLET_TFLITE_PYTHON" in remark for remark in remarks)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--eval", "labels.json"), "--images must say in which folder they lie"),
        (("--shard", "shop"), "give the bundle by --with"),
        (("--max-drop", "nan"), "--max-drop is nan, expected 0 to 100 points"),
    ],
)
def test_options_that_need_another_one(
    words: tuple[str, ...], sentence: str, photos: Path, embedder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in said(capsys, embedder, "--calib", photos, "--out", "out", *words, code=2)


def test_kind_that_the_model_is_not(
    photos: Path, embedder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (embedder, "--kind", "detector", "--calib", photos, "--out", tmp_path / "out")
    assert "--kind says detector, it reads as embedder" in said(capsys, *words)


def test_sidecar_travels_with_every_file(photos: Path, embedder: Path, tmp_path: Path) -> None:
    words = ("--calib", photos, "--out", tmp_path / "out", "--max-drop", 100)
    assert call(embedder, *words) == 0
    files = list((tmp_path / "out").glob("*.onnx"))
    assert len(files) == 4
    assert all(path.with_name(f"{path.name}.toml").read_text() == SIDECAR for path in files)
    assert not list((tmp_path / "out").glob(".*"))
    first = onnx.load(files[0])
    assert numpy_helper.to_array(first.graph.initializer[0]).size
