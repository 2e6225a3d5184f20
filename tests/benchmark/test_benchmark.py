"""`export benchmark`: every bundle on every runtime, side by side, with the base install alone."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.errors import ModelError
from edge.machine import Runtime
from export.benchmark import measuring
from export.benchmark.cases import Case, cases_of
from export.benchmark.measuring import Measured, Row, Settings, Spread, measure
from export.benchmark.plot import panels_of, write_plot
from export.benchmark.table import document, tables
from export.bundles.build import BundleSettings, build_bundle
from export.bundles.reading import read_model
from export.cli import main
from tests.conftest import REPOSITORY

NOT_IN_THE_BASE = ("cv2", "onnx", "matplotlib", "scipy", "torch", "pandas", "flatbuffers")
ONNX = Runtime("onnxruntime", ".onnx", "", "1.32.0")
LITERT = Runtime("ai-edge-litert", ".tflite", "litert", "2.3.0")
TFLITE = Runtime("tflite-runtime", ".tflite", "tflite", "2.14.0")
CASE = Case(Path("bundle"), "small", "pi", ("onnxruntime",), 1_500_000)


def row(case: Case = CASE, **accuracy: float) -> Row:
    laps = Spread.of([10.0, 11.0, 30.0])
    return Row(case, ("onnxruntime 1.32.0",), Spread.of([900.0]), laps, laps, laps, 91.0, accuracy)


def test_nothing_measured_is_said() -> None:
    assert tables(Measured((), 0, True)) == "nothing was measured"
    assert Spread.of([]) == Spread(None, None, None)
    assert document(Measured((), 0, True), Settings(()), [])["rows"] == []


def test_a_bundle_runs_on_every_runtime_that_reads_both_of_its_models() -> None:
    bundle = load_bundle(default_bundle())
    detector = replace(bundle.detector, model=replace(bundle.detector.model, file="detector.tflite"))
    mixed = replace(bundle, detector=detector, target="phone", name="mixed")
    cases, problems = cases_of([bundle, mixed], [ONNX, LITERT, TFLITE])
    assert [(case.label, case.runtime) for case in cases] == [
        ("taglet", "onnxruntime"),
        ("mixed", "ai-edge-litert + onnxruntime"),
        ("mixed", "tflite-runtime + onnxruntime"),
    ]
    assert problems == [] and cases[0].bytes == bundle.detector.model.bytes + bundle.embedder.model.bytes


def test_a_missing_runtime_says_which_extra_brings_it() -> None:
    bundle = load_bundle(default_bundle())
    parts = {
        name: replace(part, model=replace(part.model, file=f"{name}.tflite"))
        for name, part in (("detector", bundle.detector), ("embedder", bundle.embedder))
    }
    cases, problems = cases_of([replace(bundle, **parts)], [ONNX, replace(LITERT, version=None)])  # type: ignore[arg-type]
    assert cases == []
    assert len(problems) == 1 and "pip install 'taglet[litert]'" in problems[0]


def test_bundles_of_one_name_are_told_apart_by_their_folders() -> None:
    bundle = load_bundle(default_bundle())
    cases, _ = cases_of([bundle, replace(bundle, root=Path("other"))], [ONNX])
    assert {case.label for case in cases} == {str(bundle.root), "other"}


def test_one_table_for_each_target_and_runtime() -> None:
    phone = replace(CASE, target="phone", label="other")
    text = tables(Measured((row(ap50=0.5), row(phone)), 3, False))
    assert "target pi, onnxruntime 1.32.0\n" in text and "target phone, onnxruntime 1.32.0\n" in text
    first, second = text.split("\n\n")[:2]
    assert "1.50" in first and "10.0 / 11.0 / 28.1" in first and "AP50" in first and "50.0" in first
    assert "AP50" not in second


def test_plot_has_a_panel_for_each_figure_that_there_is(tmp_path: Path) -> None:
    rows = [row(ap50=0.5), row(replace(CASE, label="other"))]
    assert [panel.values[0] for panel in panels_of(rows)] == [11.0, 900.0, 91.0, 1500.0, 50.0]
    assert panels_of(rows)[-1].values[1] is None
    write_plot(rows, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as plot:
        assert plot.width > 1000 and len(np.unique(np.asarray(plot.convert("L")))) > 10


def test_an_interrupt_keeps_the_rounds_that_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter(range(3))

    def turn(case: Case, settings: Settings) -> dict[str, object]:
        if next(turns) == 2:
            raise KeyboardInterrupt
        lap = {name: [1.0] for name in ("detect", "embed", "picture")}
        return {"laps": lap, "runtimes": ["onnxruntime"], "cold_start_ms": 5.0, "peak_memory_mb": 90.0, "notes": []}

    monkeypatch.setattr(measuring, "_turn", turn)
    measured = measure([CASE], Settings(("a.png",), rounds=9))
    assert (measured.rounds, measured.interrupted) == (2, True)
    assert measured.rows[0].cold_start_ms.p50 == 5.0


def test_a_bundle_that_does_not_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere: does not run on onnxruntime \(.*no such file"):
        measure([replace(CASE, bundle=tmp_path / "nowhere")], Settings(("a.png",), rounds=1))


def test_measures_the_default_bundle_with_the_base_install_alone(tmp_path: Path) -> None:
    """What a Raspberry Pi does: a process that may import nothing but the base install."""
    words = ["benchmark", "--rounds", "1", "--runs", "1", "--threads", "1", "--json", str(tmp_path / "b.json")]
    program = (
        f"import sys; sys.modules.update(dict.fromkeys({NOT_IN_THE_BASE!r}))\n"
        "from export.cli import main\n"
        f"sys.exit(main({words!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "target any, onnxruntime" in done.stdout
    value = json.loads((tmp_path / "b.json").read_text())
    [measured] = value["rows"]
    assert measured["picture_ms"]["p50"] >= measured["picture_ms"]["least"] > 0
    assert measured["cold_start_ms"]["p50"] > measured["detect_ms"]["p50"]
    assert 20 < measured["peak_memory_mb"] < 2000
    assert value["machine"]["architecture"] and value["rounds"] == 1 and value["partial"] is False


def test_accuracy_stands_beside_the_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = REPOSITORY / "edge/data/golden"
    golden = json.loads((pictures / "golden.json").read_text())["pictures"]
    images = [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(golden)]
    boxes = [
        {"image_id": n, "bbox": [x0, y0, x1 - x0, y1 - y0], "category_id": 1}
        for n, picture in enumerate(golden.values())
        for x0, y0, x1, y1 in (found["xyxy"] for found in picture["detections"])
    ]
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"images": images, "annotations": boxes}))
    words = ["--coco", str(labels), "--images", str(pictures), "--rounds", "1", "--runs", "1", "--json", "-"]
    assert main(["benchmark", *words]) == 0
    [measured] = json.loads(capsys.readouterr().out)["rows"]
    assert measured["accuracy"]["ap50"] > 0.9 and measured["accuracy"]["skipped"] == 0


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["nowhere"], 4, "this is not a bundle"),
        (["--coco", "labels.json"], 2, "need --images"),
        (["--queries", "q.csv", "--images", "."], 2, "--queries needs --shard"),
        (["--shard", "shard"], 2, "--shard needs --queries"),
        (["--images", "."], 3, "holds no picture"),
        (["--rounds", "many"], 2, "is not a whole number"),
        (["--plot", "plot.txt"], 2, "a plot is a .png, .svg or .pdf file"),
    ],
)
def test_refuses_a_wrong_call(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        ended = main(["benchmark", *words])
    except SystemExit as e:
        ended = int(str(e.code))
    said = capsys.readouterr().err
    assert (ended, part in said) == (code, True), said


def test_a_plot_without_matplotlib_says_so_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["benchmark", "--plot", "plot.png"]) == 2
    assert "pip install 'taglet[export]'" in capsys.readouterr().err


@pytest.mark.full
def test_a_tflite_bundle_runs_where_only_tflite_runtime_is(shared: Path, tflite_python: Path, tmp_path: Path) -> None:
    models = shared / "models"
    parts = (
        models / "detectors/yolox_nano_416_f16.tflite",
        models / "embedders/mobilenet_v1_025_float_embedder.tflite",
    )
    build_bundle(*map(read_model, parts), BundleSettings("phone", target="phone"), tmp_path / "bundle")
    words = ["benchmark", str(tmp_path / "bundle"), "--rounds", "1", "--runs", "1", "--json", "-"]
    command = [str(tflite_python), "-m", "export", *words]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [measured] = json.loads(done.stdout)["rows"]
    assert measured["runtime"].startswith("tflite-runtime 2.14") and measured["picture_ms"]["p50"] > 0
