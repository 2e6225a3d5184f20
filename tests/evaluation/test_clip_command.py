"""`export evaluate --clips` as a user runs it, on videos of one colour that show what their truth says, or do not."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from edge.bundle import load_bundle
from export.cli import main as export
from export.evaluation.appearances import Appearance, ClipTruth
from tests.evaluation.test_evaluate_command import COLOURS, FOUND_XYWH, SIZE_WH, shard_of_colours
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

X, Y, W, H = FOUND_XYWH
BOX = (float(X), float(Y), float(X + W), float(Y + H))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a bundle, a shard of three colours, and videos that are red, blue and white on the left."""
    folder = tmp_path_factory.mktemp("clips")
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    words = ["bundle", "--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx"]
    words += ["--embedder-mean", "0", "--embedder-std", "255", "--out", folder / "bundle"]
    words += ["--similarity-threshold", "0.7", "--margin-threshold", "0.05"]
    assert export([str(word) for word in words]) == 0
    shard_of_colours(folder / "shard", load_bundle(folder / "bundle").space_id)
    for name in ("red", "blue", "white"):
        video(folder / f"{name}.mp4", name)
    return folder


def video(path: Path, left: str) -> None:
    """Write two seconds, ten frames each."""
    pixels = np.zeros((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    pixels[:, :32] = COLOURS[left]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE_WH, "yuv420p"
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def truth(folder: Path, name: str, product_id: str | None, clip: str = "") -> Path:
    shown = Appearance(product_id, name, 0.0, 1.9, ((1.0, BOX, 1.0),))
    path = folder / f"{name}.json"
    path.write_text(json.dumps(ClipTruth(clip or f"{name}.mp4", 2.0, (shown,)).document()))
    return path


def evaluate(workshop: Path, *truths: Path) -> int:
    words = ["evaluate", "--bundle", workshop / "bundle", "--shard", workshop / "shard", "--images", workshop]
    return export([str(word) for word in (*words, "--json", workshop / "result.json", "--clips", *truths)])


def test_right_wrong_and_unlisted_are_told_apart(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = (truth(tmp_path, "red", "red"), truth(tmp_path, "blue", "green"), truth(tmp_path, "white", None))
    assert evaluate(workshop, *truths) == 0
    document = json.loads((workshop / "result.json").read_text())
    assert (document["shown"], document["right"], document["false"]) == (2, 1, 1)
    assert document["by"]["red.mp4"]["f1"] == 1.0 and document["by"]["blue.mp4"]["f1"] == 0.0
    assert document["by"]["white.mp4"]["f1"] is None
    assert document["false_per_minute"] == pytest.approx(1 / (6 / 60))
    printed = capsys.readouterr().out
    assert "identity switches" in printed and printed.count("\n") == 5


def test_clips_that_cannot_be_used_are_named_and_the_others_still_judged(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = [truth(tmp_path, "red", "red"), truth(tmp_path, "gone", "red"), truth(tmp_path, "blue", "plum")]
    assert evaluate(workshop, *truths, tmp_path / "none.json") == 3
    document = json.loads((workshop / "result.json").read_text())
    assert (document["clips"], document["skipped"], document["f1"]) == (1, 3, 1.0)
    said = capsys.readouterr().err
    assert "gone.mp4: no such file" in said
    assert "blue.json: product 'plum' is in no shard" in said
    assert "none.json: cannot be read" in said


def test_a_cut_video_is_named(workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (workshop / "red.mp4").read_bytes()
    (workshop / "cut.mp4").write_bytes(content[: len(content) // 3])
    assert evaluate(workshop, truth(tmp_path, "red", "red", "cut.mp4")) == 3
    assert "cut or damaged" in capsys.readouterr().err


def test_needs_a_catalogue(workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = truth(tmp_path, "red", "red")
    assert export(["evaluate", "--images", str(workshop), "--clips", str(path)]) == 2
    assert "--clips needs --shard" in capsys.readouterr().err
