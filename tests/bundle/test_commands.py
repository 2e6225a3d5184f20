"""`export inspect` and `export bundle` as a user runs them: exit codes, one sentence, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from edge.bundle import load_bundle
from export.cli import main
from tests.small_models import constant_detector, fcos_outputs, mean_embedder, save_model

REPOSITORY = Path(__file__).resolve().parents[2]
SIZE_WH = (64, 32)


def export(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "export", *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)


def export_here(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which is quicker and gives the same code and sentences."""
    code = main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return subprocess.CompletedProcess([], code, said.out, said.err)


def assert_refused(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    (folder / "text.onnx").write_text("this is a letter, not a model")
    (folder / "empty.onnx").write_bytes(b"")
    return folder


def test_inspect_describes_a_model(models: Path) -> None:
    done = export("inspect", models / "detector.onnx", "--json", "-")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert (value["format"], value["opset"], value["kind"], value["family"]) == ("onnx", 17, "detector", "fcos")
    assert value["quantization"] == "float" and value["bytes"] == (models / "detector.onnx").stat().st_size
    assert value["inputs"] == [{"name": "picture", "dtype": "float32", "shape": [1, 3, 32, 64]}]
    assert value["preprocessing"]["size_wh"] == [64, 32]
    assert {output["name"] for output in value["outputs"]} == {"scores", "distances"}
    assert "family         fcos" in export("inspect", models / "detector.onnx").stdout


@pytest.mark.parametrize("name", ["text.onnx", "empty.onnx", "nowhere.onnx"])
def test_inspect_refuses_what_is_no_model(models: Path, name: str) -> None:
    assert_refused(export("inspect", models / name), 3, name)


def test_bundle_is_built_and_can_be_loaded(models: Path, tmp_path: Path) -> None:
    done = export(
        *("bundle", "--detector", models / "detector.onnx", "--embedder", models / "embedder.onnx"),
        *("--embedder-mean", "0", "--embedder-std", "255", "--name", "shop", "--target", "pi"),
        *("--similarity-threshold", "0.7", "--licence", "Apache-2.0", "--out", tmp_path / "b", "--json", "-"),
    )
    assert done.returncode == 0, done.stderr
    bundle = load_bundle(tmp_path / "b")
    value = json.loads(done.stdout)
    assert value["bundle"] == {"name": "shop", "sha256": bundle.sha256, "space_id": bundle.space_id}
    assert (bundle.target, bundle.embedder.preprocessing.std) == ("pi", (255, 255, 255))
    assert bundle.matching.similarity_threshold == 0.7
    assert bundle.licences == ({"licence": "Apache-2.0"},)


@pytest.mark.parametrize(
    "model, parts",
    [
        (
            "strange.onnx",
            ["outputs p float32[1, 9, 4], q float32[1, 9, 3]", "strange.onnx.toml", "yolov8", "[outputs]"],
        ),
        ("stateful.onnx", ["has 2 inputs", "x float32[1, 3, 8, 8], state float32[1, 8]", "as constants"]),
        ("open.onnx", ["x float32[1, 3, ?, ?]", "open.onnx.toml", "size_wh"]),
        ("embedder.onnx", ["not of a detector family known here"]),
    ],
)
def test_a_model_that_is_not_known_says_what_was_seen_and_what_to_do(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], model: str, parts: list[str]
) -> None:
    boxes = {"p": np.zeros((1, 9, 4), np.float32), "q": np.zeros((1, 9, 3), np.float32)}
    constant_detector(models / "strange.onnx", SIZE_WH, boxes)
    nodes = [helper.make_node("ReduceMean", ["x"], ["m"]), helper.make_node("Mul", ["m", "state"], ["next"])]
    save_model(models / "stateful.onnx", nodes, {"x": [1, 3, 8, 8], "state": [1, 8]}, {"next": ["a", "b", "c", 8]})
    save_model(models / "open.onnx", [helper.make_node("Neg", ["x"], ["y"])], *[{n: [1, 3, "h", "w"]} for n in "xy"])
    done = export(
        "bundle", "--detector", models / model, "--embedder", models / "embedder.onnx", "--out", tmp_path / "b"
    )
    assert_refused(done, 3, model, *parts)
    seen = export_here(capsys, "inspect", models / model)
    assert seen.returncode == 0, seen.stderr
    if model != "embedder.onnx":
        assert all(part in seen.stdout for part in parts)


@pytest.mark.parametrize(
    "text, part",
    [
        ("family = 'yolov8'\noutputs = {predictions = 'p'}", "predictions must have"),
        ("family = 'detr'\noutputs = {logits = 'p', boxes = 'q'}", "boxes must have shape"),
        ("family = 'gfl'\noutputs = {scores_8 = 'p', distances_8 = 'q'}", "needs strides"),
        ("family = 'gfl'\nstrides = [8]\noutputs = {scores = 'p', distances = 'q'}", "scores_8"),
        ("family = 'gfl'\nstrides = [8]\noutputs = {scores_8 = 'q', distances_8 = 'p'}", "scores_8 must have shape"),
        ("family = 'ssd_raw'\noutputs = {boxes = 'p', scores = 'q'}", "anchors needs strides"),
        ("family = 'end_to_end'\noutputs = {rows = 'p'}", "rows must have shape"),
        ("family = 'decoded_boxes'\noutputs = {boxes = 'p', scores = 'q'}\nlabels = ['a']", "1 labels were given"),
    ],
)
def test_a_sidecar_that_contradicts_the_model_is_one_sentence(
    models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, part: str
) -> None:
    scores = np.full((1, 9, 3), 0.5, np.float32)
    scores[0, :, 2] = 0.75
    boxes = np.tile(np.float32([0.1, 0.1, 0.5, 0.5]), (1, 9, 1))
    constant_detector(tmp_path / "net.onnx", SIZE_WH, {"p": boxes, "q": scores})
    (tmp_path / "net.toml").write_text(text)
    arguments = ("--detector", tmp_path / "net.onnx", "--embedder", models / "embedder.onnx")
    done = export_here(capsys, "bundle", *arguments, "--out", tmp_path / "b")
    assert_refused(done, 3, "net.", part)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize(
    "options, code, part",
    [
        (["--detector", "text.onnx"], 3, "text.onnx"),
        (["--detector", "nowhere.onnx"], 3, "no such model file"),
        (["--detector", "embedder.onnx"], 3, "not of a detector family known here"),
        (["--embedder", "detector.onnx"], 3, "no single output that holds a vector"),
        (["--embedder-sidecar", "nowhere.toml"], 3, "nowhere.toml"),
        (["--similarity-threshold", "nan"], 2, "--similarity-threshold is nan"),
        (["--margin-threshold", "3"], 2, "--margin-threshold is 3.0"),
        (["--embedder-mean", "1", "2"], 2, "--embedder-mean takes 1 or 3 numbers"),
        (["--score-threshold", "7"], 2, "--score-threshold is 7.0"),
    ],
)
def test_bundle_refuses_with_one_sentence(
    models: Path, tmp_path: Path, options: list[str], code: int, part: str
) -> None:
    chosen = {"--detector": "detector.onnx", "--embedder": "embedder.onnx", "--out": str(tmp_path / "b")}
    name, *values = options
    arguments: list[str] = []
    for option, value in {**chosen, name: None}.items():
        given = values if option == name else [str(value)]
        is_file = option.startswith(("--detector", "--embedder")) and given[0].endswith((".onnx", ".toml"))
        arguments += [option, *([str(models / given[0])] if is_file else given)]
    assert_refused(export("bundle", *arguments), code, part)
    assert not (tmp_path / "b").exists()


def test_full_disk_leaves_nothing_behind(models: Path, tmp_path: Path) -> None:
    """A limit on the length of files stands for a disk that is full: the same error reaches the program."""
    program = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)); import export.cli as c;"
    arguments = ["bundle", "--detector", models / "detector.onnx", "--embedder", models / "embedder.onnx"]
    command = [sys.executable, "-B", "-c", f"{program} sys.exit(c.main(sys.argv[1:]))", *map(str, arguments)]
    command += ["--out", str(tmp_path / "b")]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert_refused(done, 3, "cannot be written", "nothing was left behind")
    assert list(tmp_path.iterdir()) == []


def test_help_shows_a_worked_example() -> None:
    for command in ("bundle", "inspect"):
        assert f"python -m export {command}" in export(command, "--help").stdout


def test_real_models_make_a_bundle(shared: Path, tmp_path: Path) -> None:
    detector = shared / "models" / "detectors" / "yolox_nano_416.onnx"
    embedder = shared / "models" / "embedders" / "mobilenet_v1_100_embedder.onnx"
    done = export("bundle", "--detector", detector, "--embedder", embedder, "--out", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    assert "assumed BGR" in done.stderr
    assert load_bundle(tmp_path / "b").embedder.ndim == 1024
