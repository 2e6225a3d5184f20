"""`export check` as a user runs it: small models, real ones, and what a user gets wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from export.cli import main
from tests.quantize import judging_kit as kit

REAL_PICTURES = 12


@pytest.fixture
def models(tmp_path: Path) -> Path:
    kit.pictures(tmp_path / "photos", copies=2)
    kit.detector(tmp_path / "float.onnx")
    kit.detector(tmp_path / "good.onnx", distance=0.98, score=0.74)
    kit.detector(tmp_path / "broken.onnx", distance=0.1)
    kit.embedder(tmp_path / "embedder.onnx")
    return tmp_path


def check(folder: Path, *words: str | Path) -> int:
    return main(["check", *map(str, words), "--images", str(folder / "photos")])


def test_a_good_file_passes_with_its_figures(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(models, models / "good.onnx", "--reference", models / "float.onnx", "--json", "-") == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["passed"] is True and document["reason"] == "" and document["skipped"] == 0
    assert document["metric"]["name"] == "box_agreement" and document["metric"]["budget_points"] == 5
    assert document["metric"]["drop_ci95"] == [0, 0]
    assert document["details"]["score_agreement"] == pytest.approx(0.99)
    assert "good.onnx holds the budget" in said.err and "16 pictures" in said.err and "about 60 would" in said.err


def test_a_broken_file_is_exit_5_with_the_reason_in_one_sentence(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = models / "result.json"
    assert check(models, models / "broken.onnx", "--reference", models / "float.onnx", "--json", out) == 5
    said = capsys.readouterr()
    assert (
        said.err.strip()
        .splitlines()[-1]
        .startswith(
            "export check: broken.onnx is refused: its boxes have collapsed while its scores look right (mean IoU 0.0"
        )
    )
    assert "agreement of confidences" in said.out
    assert json.loads(out.read_text())["passed"] is False


def test_a_loss_above_the_budget_is_exit_5(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = {f"{n:02}.png": f"shade-{n % 8}" for n in range(16)}
    queries = kit.queries(models / "queries.csv", shown)
    lossy = kit.embedder(models / "lossy.onnx", np.eye(3), (0, 0.3, 0))
    words = (lossy, "--reference", models / "embedder.onnx", "--queries", queries)
    assert check(models, *words) == 5
    assert (
        "lossy.onnx does not hold the budget: recall@1 drops by 50.0 points, 1 are allowed" in capsys.readouterr().err
    )
    assert check(models, *words, "--max-drop", "60") == 0


def test_a_corrupt_picture_is_named_counted_and_exit_3(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (models / "photos/cut.png").write_bytes((models / "photos/00.png").read_bytes()[:80])
    assert check(models, models / "good.onnx", "--reference", models / "float.onnx", "--json", "-") == 3
    said = capsys.readouterr()
    assert "cut.png" in said.err and json.loads(said.out)["skipped"] == 1


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["good.onnx"], 2, "--reference"),
        (["nowhere.onnx", "--reference", "float.onnx"], 3, "no such model file"),
        (["embedder.onnx", "--reference", "float.onnx"], 3, "is embedder"),
        (["good.onnx", "--reference", "embedder.onnx"], 3, "gives no single vector"),
        (["good.onnx", "--reference", "float.onnx", "--max-drop", "-1"], 2, "is not a number of points"),
        (["good.onnx", "--reference", "float.onnx", "--shard", "shard"], 2, "--shard needs --with"),
        (["good.onnx", "--reference", "float.onnx", "--queries", "queries.csv"], 3, "cannot be read"),
        (["good.onnx", "--reference", "float.onnx", "--coco", "labels.json"], 3, "cannot be read as a COCO file"),
        (["good.onnx", "--reference", "float.onnx", "--coco", "a", "--queries", "b"], 2, "not allowed with"),
        (["good.onnx", "--reference", "float.onnx", "--with", "nowhere"], 4, "this is not a bundle"),
    ],
)
def test_refuses_a_wrong_call(
    models: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    part: str,
) -> None:
    monkeypatch.chdir(models)
    try:
        ended = main(["check", *words, "--images", "photos"])
    except SystemExit as e:
        ended = int(str(e.code))
    said = capsys.readouterr().err
    assert (ended, part in said) == (code, True), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("file", "least_iou", "most_iou"),
    [
        ("yolox_nano_416_int8out_BROKEN.tflite", 0.0, 0.3),
        ("yolox_nano_416_dynamic.tflite", 0.9, 0.99),
        ("yolox_nano_416_f16.tflite", 0.99, 1.0),
    ],
)
def test_published_files_against_their_float_original(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, least_iou: float, most_iou: float
) -> None:
    """The scores of all three agree; the boxes of one have collapsed, and it is refused by them."""
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    (tmp_path / "photos").mkdir()
    for picture in sorted((shared / "data/bottles_cups_det/images").iterdir())[::5][:REAL_PICTURES]:
        (tmp_path / "photos" / picture.name).symlink_to(picture)
    detectors = shared / "models/detectors"
    words = (detectors / file, "--reference", detectors / "yolox_nano_416.onnx", "--json", "-")
    code = check(tmp_path, *words, "--max-drop", "2")
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["details"]["score_agreement"] > 0.94
    assert least_iou <= document["details"]["box_iou_mean"] <= most_iou
    collapsed = "boxes have collapsed while its scores look right" in said.err
    assert (code, collapsed) == ((5, True) if most_iou < 0.5 else (0, False)), said.err
