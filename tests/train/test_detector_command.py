"""`export train detector` as a user meets it: bad labels, doubles, resume, the bundle that comes out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.bundle import load_bundle  # noqa: E402
from edge.errors import InputError, ModelError  # noqa: E402
from export.cli import main  # noqa: E402
from export.quantize.byte_weights import with_byte_weights  # noqa: E402
from export.quantize.half_weights import with_half_weights  # noqa: E402
from export.train.contents import part  # noqa: E402
from export.train.course import Course  # noqa: E402
from export.train.curves import draw_curves  # noqa: E402
from export.train.detector.comparison import best_threshold, compare  # noqa: E402
from export.train.detector.fine_tune import Call, fine_tune  # noqa: E402
from export.train.detector.judging import load_detector  # noqa: E402
from export.train.detector.network import Deployed, Network, Shape  # noqa: E402
from export.train.detector.onnx_file import write_onnx  # noqa: E402
from export.train.detector.own_photos import OwnPhotos, read_own  # noqa: E402
from export.train.weights import load_weights  # noqa: E402

pytestmark = pytest.mark.torch
TINY = Shape((8, 8, 16, 16, 16), (0, 1, 0, 0), 8)


def _write_photos(folder: Path, count: int, first: int = 0) -> Path:
    """Write pictures of one yellow box each, with their labels, and return the label file."""
    folder.mkdir(exist_ok=True)
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for i in range(first, first + count):
        rng = np.random.default_rng(i)
        picture = np.full((80, 96, 3), 60, np.uint8) + rng.integers(0, 40, (80, 96, 3), np.uint8)
        x, y = (int(value) for value in rng.integers(2, 40, 2))
        picture[y : y + 36, x : x + 30] = (230, 200, 30)
        Image.fromarray(picture).save(folder / f"{i}.png")
        images.append({"id": i, "file_name": f"{i}.png", "width": 96, "height": 80})
        boxes.append({"id": i, "image_id": i, "category_id": 1, "bbox": [x, y, 30, 36]})
    categories = [{"id": 1, "name": "box"}, {"id": 2, "name": "tin"}]
    labels = folder / f"labels{first}.json"
    labels.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return labels


def test_refuses_too_few_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 6 are needed"):
        read_own(_write_photos(tmp_path, 2), None, tmp_path, 0.2, 0)


def test_names_corrupt_pictures_and_empty_classes_and_uses_the_rest(tmp_path: Path) -> None:
    labels = _write_photos(tmp_path, 9)
    (tmp_path / "3.png").write_bytes(b"nothing")
    photos = read_own(labels, None, tmp_path, 0.2, 0)
    assert len(photos.problems) == 1 and "3.png" in photos.problems[0]
    assert any("'tin' has no box" in note for note in photos.notes)
    assert len(photos.learning) + len(photos.stopping) + len(photos.comparing) == 8


def test_doubles_stay_on_one_side(tmp_path: Path) -> None:
    labels = _write_photos(tmp_path, 8)
    for i in (1, 2, 3):
        shutil.copy(tmp_path / "0.png", tmp_path / f"{i}.png")
    photos = read_own(labels, None, tmp_path, 0.4, 0)
    sides = [{s.image.tobytes() for s in side} for side in (photos.learning, photos.stopping, photos.comparing)]
    assert not sides[0] & sides[1] and not sides[0] & sides[2] and not sides[1] & sides[2]
    assert sum("same pixels" in note for note in photos.notes) == 3


def test_refuses_a_test_picture_that_is_learnt_from(tmp_path: Path) -> None:
    labels, test = _write_photos(tmp_path, 8), _write_photos(tmp_path, 4, first=20)
    shutil.copy(tmp_path / "2.png", tmp_path / "21.png")
    with pytest.raises(InputError, match=r"1 of its pictures are also in .*labels0\.json.*21\.png is 2\.png"):
        read_own(labels, test, tmp_path, 0.2, 0)


def test_nothing_parts_into_nothing() -> None:
    assert part([], 0.2, 0) == ([], [])


def _worn(seed: int = 0) -> Network:
    """Return a network whose normalisation has seen something."""
    torch.manual_seed(seed)
    network = Network(TINY).train()
    for _ in range(3):
        network(torch.rand(4, 3, 64, 64))
    return network.eval()


@pytest.mark.parametrize("stored", ["float", "byte", pytest.param("half", marks=pytest.mark.full)])
def test_weights_survive_the_way_through_the_file(tmp_path: Path, stored: str) -> None:
    import onnx

    source, path = _worn(), tmp_path / "d.onnx"
    write_onnx(source, path, 64)
    model = onnx.load(path)
    onnx.save({"float": lambda m: m, "half": with_half_weights, "byte": with_byte_weights}[stored](model), path)
    network, pictures = Network(TINY), torch.rand(8, 3, 64, 64)
    load_weights(network, path, pictures, "detector")
    with torch.inference_mode():
        expected, found = Deployed(source)(pictures), Deployed(network.eval())(pictures)
        trained = Deployed(network.train())(pictures)
    tolerance = {"float": 1e-4, "half": 1e-2, "byte": 0.15}[stored]
    assert all(float((a - b).abs().max()) < tolerance for a, b in zip(expected, found, strict=True))
    assert all(float((a - b).abs().max()) < 0.05 for a, b in zip(found, trained, strict=True))


def test_refuses_weights_of_another_shape(tmp_path: Path) -> None:
    write_onnx(_worn(), tmp_path / "d.onnx", 64)
    with pytest.raises(ModelError, match="present shape"):
        load_weights(Network(), tmp_path / "d.onnx", torch.rand(1, 3, 64, 64), "detector")


def test_refuses_a_folder_of_another_training(tmp_path: Path) -> None:
    photos, call = OwnPhotos([], [], [], (), ()), Call("a", "", 64, 10, 0)
    (tmp_path / "call.json").write_text(json.dumps({**call.__dict__, "seed": 1}))
    with pytest.raises(InputError, match=r"another call \(different: seed\)"):
        fine_tune(photos, call, None, tmp_path)


def test_course_is_stuck_only_after_its_patience() -> None:
    rows = [(50.0 * i, 1.0, value) for i, value in enumerate((0.1, 0.5, 0.4, 0.5, 0.3, 0.2))]
    new = Course(("loss",), "AP50")
    assert new.best() == -1 and not new.stuck() and new.steps() == (0, 0)
    assert not Course(("loss",), "AP50", rows[:5]).stuck()
    assert Course(("loss",), "AP50", rows[:4], start=0.5).stuck(), "the first weights were as good"
    assert Course(("loss",), "AP50", rows[:4], start=0.6).steps() == (150, 0)
    assert Course(("loss",), "AP50", rows).stuck() and Course(("loss",), "AP50", rows).steps() == (250, 50)


def test_equal_detectors_are_not_told_apart(tmp_path: Path) -> None:
    write_onnx(_worn(), tmp_path / "d.onnx", 64)
    detector = load_detector(tmp_path / "d.onnx")
    photos = read_own(_write_photos(tmp_path, 8), None, tmp_path, 0.4, 0).comparing
    comparison = compare(detector, detector, photos)
    assert comparison.gain() == (0, 0, 0) and comparison.verdict().startswith("not told apart")
    assert 0.2 <= best_threshold(detector, photos) <= 0.7


def test_curves_are_a_picture(tmp_path: Path) -> None:
    draw_curves({"loss": {"score": [(0, 2.0), (50, 1.0)]}, "empty": {}}, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.size[0] > 600


@pytest.mark.parametrize("option", [["--keep-aside", "1"], ["--steps", "0"], ["--size", "100"]])
def test_refuses_impossible_options(tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    labels = _write_photos(tmp_path, 6)
    call = ["train", "detector", str(labels), "--images", str(tmp_path), "--out", str(tmp_path / "b"), *option]
    assert main(call) == 2
    assert option[0] in capsys.readouterr().err


@pytest.mark.full
def test_interrupted_call_goes_on_and_writes_a_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import export.train.detector.fine_tune as tuning

    labels = _write_photos(tmp_path / "photos", 12)
    call = ["train", "detector", str(labels), "--images", str(tmp_path / "photos"), "--out", str(tmp_path / "shop")]
    call += ["--steps", "4", "--size", "64", "--json", str(tmp_path / "r.json")]
    judge = tuning.judge

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, "EVERY", 2)
    monkeypatch.setattr(tuning, "judge", interrupt)
    assert main(call) == 130
    monkeypatch.setattr(tuning, "judge", judge)
    assert main(call) == 0
    captured = capsys.readouterr()
    assert "going on after step 2 of 4" in captured.err and "kept aside" in captured.out
    document = json.loads((tmp_path / "r.json").read_text())
    assert document["steps"] == 4 and document["comparison"]["pictures"] >= 2
    bundle = load_bundle(tmp_path / "shop")
    assert bundle.detector.preprocessing.size_wh == (64, 64)
    assert (tmp_path / "shop.training" / "curves.png").exists()
