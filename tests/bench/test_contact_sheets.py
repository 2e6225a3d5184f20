"""The contact sheets show what a detector found, and say which model could not be used."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.output.drawing import LINE
from tests.bench.contact_sheets import CELL, GAP, TITLE, main
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

SIZE_WH = (64, 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    constant_detector(tmp_path / "good.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(tmp_path / "embedder.onnx")
    for number in range(4):
        Image.fromarray(np.full((480, 840, 3), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    return tmp_path


def test_a_box_is_drawn_where_the_detector_sees_it(folder: Path) -> None:
    (folder / "names.txt").write_text("crate\n")
    words = [
        "--models",
        folder,
        "--pictures",
        folder,
        "--labels",
        f"good={folder / 'names.txt'}",
        "--out",
        folder / "out",
    ]
    assert main([str(word) for word in words]) == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["good.onnx.png"]
    page = np.asarray(Image.open(folder / "out" / "good.onnx.png"))
    assert page.shape[:2] == (TITLE + 2 * (240 + GAP), 3 * (CELL + GAP) + GAP)
    line = (page == LINE["match"]).all(axis=2)
    assert line[TITLE : TITLE + 240, GAP : GAP + CELL].any() and line[TITLE + 240 + GAP :, GAP : GAP + CELL].any()
    assert not line[TITLE + 240 + GAP :, GAP + CELL :].any()


def test_a_model_that_cannot_be_used_is_said_and_the_others_are_shown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.onnx").write_text("words")
    assert main(["--models", str(folder), "--pictures", str(folder), "--out", str(folder / "out")]) == 3
    assert "bad.onnx" in capsys.readouterr().err
    assert (folder / "out" / "good.onnx.png").is_file()
