"""ONNX to float LiteRT: the user's file stays as it was, whatever happens; what comes out is held against it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from edge.detector import Detector
from edge.errors import ModelError
from edge.inference import open_session
from edge.media.pictures import read_picture
from export import cli as export_cli
from export.bundles.reading import ModelReading, read_model
from export.quantize.job import Evaluation, Job
from export.quantize.litert import LitertSource, open_litert, suits_of
from export.quantize.litert.converter.conversion import convert_onnx, require_same, write_static_copy
from export.quantize.litert.converter.environment import converter_python
from export.quantize.litert.floating import order_that_agrees
from export.quantize.variant import Variant
from tests.conftest import REPOSITORY

PACKAGED = REPOSITORY / "edge" / "data" / "bundle"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mine(tmp_path: Path, source: Path) -> ModelReading:
    copy = tmp_path / "mine.onnx"
    copy.write_bytes(source.read_bytes())
    return read_model(copy)


def python_that(tmp_path: Path, does: str) -> Path:
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{does}\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize(
    ("does", "sentence"),
    [
        ("kill -9 $$", "ended by signal 9"),
        ('echo scribble > "$2"; kill -9 $$', "ended by signal 9"),
        ('echo \'{"error": "NotImplementedError: Einsum"}\'', "onnx2tf cannot convert this model .*Einsum"),
        ("echo broken pipe >&2; exit 3", "broken pipe"),
        ("exit 3", "code 3"),
    ],
)
def test_failed_conversion_leaves_the_original_and_nothing_else(tmp_path: Path, does: str, sentence: str) -> None:
    reading = mine(tmp_path, PACKAGED / "embedder.onnx")
    before = digest(reading.path)
    with pytest.raises(ModelError, match=sentence):
        convert_onnx(reading, tmp_path / "out.tflite", [], python_that(tmp_path, does))
    assert digest(reading.path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.onnx", "python"]


def test_static_copy_fixes_the_batch_and_lists_no_weight_as_input(shared: Path, tmp_path: Path) -> None:
    for name in ("embedders/mobilenet_v1_025_embedder.onnx", "detectors/ultraface_rfb320.onnx"):
        reading = read_model(shared / "models" / name)
        before, copy = digest(reading.path), tmp_path / "copy.onnx"
        write_static_copy(reading, copy)
        graph = onnx.load(copy).graph
        assert len(graph.input) == 1 and graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1
        assert all(side.dim_value for output in graph.output for side in output.type.tensor_type.shape.dim)
        assert digest(reading.path) == before


def test_no_values_are_the_same() -> None:
    require_same([], [], Path("a.onnx"))
    require_same([{"a": np.zeros(0, np.float32)}], [{"a": np.zeros(0, np.float32)}], Path("a.onnx"))


@pytest.mark.parametrize("wrong", [1.01, np.nan])
def test_other_values_are_refused(wrong: float) -> None:
    with pytest.raises(ModelError, match="other values"):
        require_same([{"a": np.ones(3, np.float32)}], [{"a": np.full(3, wrong, np.float32)}], Path("a.onnx"))


def test_order_of_axes_is_found_by_values_where_shapes_leave_it_open() -> None:
    values = np.random.default_rng(0).normal(size=(1, 4, 4, 3)).astype(np.float32)
    assert order_that_agrees(values, values.transpose(0, 3, 2, 1)) == (0, 3, 2, 1)
    assert order_that_agrees(values, values.transpose(0, 3, 1, 2)) == (0, 3, 1, 2)
    assert order_that_agrees(values, values[0]) is None and order_that_agrees(values, values[:, :3]) is None


def pictures_of(shared: Path) -> tuple[Path, ...]:
    return tuple(sorted((shared / "models" / "images").glob("*.jpg")))


def opened(reading: ModelReading, shared: Path, folder: Path) -> LitertSource:
    before = digest(reading.path)
    source = open_litert(Job(reading, pictures_of(shared), Evaluation(())), folder)
    assert digest(reading.path) == before, "the user's file changed"
    return source


def boxes(reading: ModelReading, picture: Path) -> npt.NDArray[np.float32]:
    assert reading.preprocessing is not None and reading.decoding is not None
    detector = Detector(open_session(reading.path), reading.preprocessing, reading.decoding)
    found = detector.detect(read_picture(str(picture)))
    return np.concatenate([found.xyxy, found.confidence[:, None]], axis=1)


@pytest.mark.full
@pytest.mark.parametrize("model", ["packaged", "yolox_nano_416", "nanodet_m_320", "fastestdet_352", "ultraface_rfb320"])
def test_converted_detector_finds_the_same_boxes(shared: Path, tmp_path: Path, model: str) -> None:
    path = PACKAGED / "detector.onnx" if model == "packaged" else shared / "models" / "detectors" / f"{model}.onnx"
    reading = read_model(path)
    source = opened(reading, shared, tmp_path)
    variant = source.int8("mixed.tflite")
    assert isinstance(variant, Variant) and variant.int8_macs_share == 1
    source.float32()
    again = read_model(source.floating)
    for picture in pictures_of(shared):
        want, have = boxes(reading, picture), boxes(again, picture)
        assert len(want) == len(have)
        np.testing.assert_allclose(have[:, :4], want[:, :4], atol=2)
        np.testing.assert_allclose(have[:, 4], want[:, 4], atol=0.005)
    assert suits_of(variant.path)[0].loads


@pytest.mark.full
@pytest.mark.parametrize("model", ["packaged", "mobilenet_v1_025_embedder", "mobilenet_v1_100_embedder"])
def test_converted_embedder_gives_the_same_vectors(shared: Path, tmp_path: Path, model: str) -> None:
    path = PACKAGED / "embedder.onnx" if model == "packaged" else shared / "models" / "embedders" / f"{model}.onnx"
    reading = read_model(path)
    source = opened(reading, shared, tmp_path)
    mine, theirs = open_session(path), open_session(source.floating)
    assert reading.preprocessing is not None
    for picture in pictures_of(shared):
        image = read_picture(str(picture))
        a = next(iter(mine.run({mine.inputs[0].name: reading.preprocessing.apply(image)[0]}).values())).ravel()
        b = next(iter(theirs.run({theirs.inputs[0].name: source.rule.apply(image)[0]}).values())).ravel()
        assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) >= 0.999
    assert isinstance(source.int8("mixed.tflite"), Variant)


@pytest.mark.full
def test_packaged_models_as_float16_give_the_golden_steps_on_both_runtimes(
    shared: Path, tflite_python: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """ONNX to float16 LiteRT to a bundle, golden on LiteRT here, checked on tflite-runtime there."""
    parts: list[str] = []
    for part in ("detector", "embedder"):
        made = opened(read_model(PACKAGED / f"{part}.onnx"), shared, tmp_path).half(f"{part}.fp16.tflite")
        assert isinstance(made, Variant)
        parts += [f"--{part}", str(made.path)]
    bundle, shard, golden, images = (str(tmp_path / name) for name in ("bundle", "shard", "golden", "items.csv"))
    names = [path.name for path in pictures_of(shared)[:6]]
    Path(images).write_text(
        "product_id,title,image\n" + "".join(f"p{i},P {i},{name}\n" for i, name in enumerate(names))
    )
    folder = ["--images", str(shared / "models" / "images")]
    chosen = ["--bundle", bundle, "--shard", shard]
    assert export_cli.main(["bundle", *parts, "--out", bundle]) == 0
    assert export_cli.main(["catalog", images, *folder, "--bundle", bundle, "--out", shard]) == 0
    assert export_cli.main(["golden", *chosen, *folder, "--out", golden]) == 0
    check = [*chosen, "--golden", golden, "--threads", "1", "--json", "-"]
    command = [str(tflite_python), "-m", "edge", "doctor", *check]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    capsys.readouterr()
    assert done.returncode == 0, done.stdout + done.stderr
    (told,) = json.loads(done.stdout)["golden"]
    assert told["runtime"] == "tflite-runtime 2.14.0" and told["passed"] and told["steps"] >= 28


@pytest.mark.full
def test_environment_is_found_again_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    first = converter_python()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PATH", "")
    assert converter_python() == first
