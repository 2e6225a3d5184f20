"""The default recipe: which photos are learnt from, which labels are believed, what the command refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import InputError  # noqa: E402
from export.train.detector.default import main  # noqa: E402
from export.train.detector.found_labels import bottle_samples, carton_samples  # noqa: E402
from export.train.detector.judging import load_detector  # noqa: E402
from export.train.detector.photos import (  # noqa: E402
    LABELLED,
    GroceryPhoto,
    part_groceries,
    read_manifest,
    read_photos,
)

pytestmark = pytest.mark.torch


def _groceries(products: int) -> list[GroceryPhoto]:
    return [
        GroceryPhoto(Path(f"{i}-{view}.jpg"), str(i), carton=i % 2 == 0, packshot=view == 0)
        for i in range(products)
        for view in range(3)
    ]


@pytest.mark.parametrize(("products", "share", "kept"), [(0, 0.25, 0), (8, 0.0, 0), (8, 0.25, 2), (8, 1.0, 8)])
def test_no_product_is_both_learnt_and_kept_aside(products: int, share: float, kept: int) -> None:
    learnt, aside = part_groceries(_groceries(products), share, seed=3)
    sides = [{photo.product_id for photo in side} for side in (learnt, aside)]
    assert not sides[0] & sides[1]
    assert len(sides[1]) == kept and len(learnt) + len(aside) == 3 * products
    assert sum(int(product) % 2 == 0 for product in sides[1]) == kept // 2


def test_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"manifest\.csv"):
        read_manifest(tmp_path)


def test_doubtful_cartons_are_not_learnt(tmp_path: Path, shared: Path) -> None:
    photos = [p for p in read_manifest(shared / "data" / "grocery_store") if p.carton and not p.packshot][:3]
    memory = tmp_path / "cartons.json"
    guesses = [[5, 5, 90, 200, 40], [5, 5, 90, 200, 9], None]
    keys = [f"{photo.product_id}/{photo.path.name}" for photo in photos]
    memory.write_text(json.dumps(dict(zip(keys, guesses, strict=True))))
    samples = carton_samples(photos, memory)
    assert [sample.xyxy.tolist() for sample in samples] == [[[5, 5, 90, 200]]]


def test_bottles_are_labelled_and_doubts_are_ignored(shared: Path) -> None:
    from export.train.detector.photos import frames

    clip = frames(shared / "data" / "videos" / "bottle-detection.mp4", 200)
    samples = bottle_samples(shared / "models" / "detectors" / "yolox_nano_416.onnx", clip)
    assert len(samples) >= 4 and max(len(sample.xyxy) for sample in samples) >= 2


@pytest.mark.full
def test_photos_kept_aside_are_not_learnt_from(shared: Path) -> None:
    photos = read_photos(shared / "data", 0.25, 0.25, 0)
    for name in LABELLED:
        learnt = {sample.image.tobytes() for sample in photos.learnt[name]}
        assert photos.kept[name] and not learnt & {sample.image.tobytes() for sample in photos.kept[name]}
    assert photos.people and not any(np.array_equal(photos.people[-1], frame) for frame in photos.kept_people)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [([], 2, "--data is missing"), (["--data", "nowhere"], 3, "nowhere: does not exist")],
)
def test_refuses_to_begin_without_photos(
    tmp_path: Path, arguments: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "d.onnx"), *arguments]) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.full
def test_rendered_recipe_writes_both_forms(tmp_path: Path) -> None:
    assert main([str(tmp_path / "d.onnx"), "--rendered", "--steps", "1", "--size", "64"]) == 0
    assert (tmp_path / "d.small.onnx").stat().st_size < 1_200_000
    for name in ("d.onnx", "d.small.onnx"):
        assert load_detector(tmp_path / name).preprocessing.size_wh == (64, 64)


def test_rendered_share_is_of_the_whole() -> None:
    from export.train.detector.recipes import with_rendered
    from export.train.detector.samples import Album
    from export.train.detector.training import Ingredient

    photos = Ingredient(Album([]), 0.7)
    mixed = with_rendered([photos], 0.3, 64)
    weights = [item.weight for item in mixed]
    assert mixed[0] is photos and sum(weights[1:]) / sum(weights) == pytest.approx(0.3)
