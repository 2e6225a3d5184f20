"""What a detector learns from: labels, placed and composed pictures, cut-outs, found packshots."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError, MediaError, MissingExtra
from export.train.detector.augment import Variety, place, relight
from export.train.detector.cutting import off_white, out_of_box
from export.train.detector.finding import find_product
from export.train.detector.mixing import MixedCutouts, MixedSource, Weighed
from export.train.detector.samples import Album, Labelled, Sample, read_coco, read_image, split
from export.train.detector.scenes import CutoutAlbum, Scenes
from export.train.extra import require_torch


def _picture(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def _write_labels(folder: Path, boxes: Sequence[Any], name: str = "a.png") -> Path:
    document = {
        "images": [{"id": 1, "file_name": name, "width": 64, "height": 48}],
        "annotations": [{"id": i, "image_id": 1, "category_id": 1, "bbox": box} for i, box in enumerate(boxes)],
    }
    (folder / "labels.json").write_text(json.dumps(document))
    return folder / "labels.json"


def test_missing_torch_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"taglet\[train\]"):
        require_torch()


def test_reads_boxes_clipped_to_the_picture(tmp_path: Path) -> None:
    rows = read_coco(_write_labels(tmp_path, [[-4, 10, 20, 100], [1, 2, 3, 4]]), tmp_path)
    assert rows[0].path == tmp_path / "a.png"
    assert rows[0].xyxy.tolist() == [[0, 10, 16, 48], [1, 2, 4, 6]]


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        ([], "holds no box"),
        ([[70, 0, 10, 10]], "no area inside its 64x48 picture"),
        ([[1, 1, 0, 5]], "no area inside"),
        ([[1, 1, 5]], "cannot be read as COCO labels"),
        (["none"], "cannot be read as COCO labels"),
    ],
)
def test_rejects_labels_that_teach_nothing(tmp_path: Path, boxes: list[Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read_coco(_write_labels(tmp_path, boxes), tmp_path)


def test_rejects_a_box_of_an_unlisted_picture(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"images": [], "annotations": [{"image_id": 7, "bbox": [1, 1, 2, 2]}]}))
    with pytest.raises(InputError, match="names image 7"):
        read_coco(labels, tmp_path)


def test_rejects_a_spoiled_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"a\.png"):
        read_image(tmp_path / "a.png")


@given(st.integers(0, 40), st.floats(0, 1), st.integers(0, 5))
def test_split_loses_and_repeats_nothing(count: int, share: float, seed: int) -> None:
    rows = [Labelled(Path(str(i)), np.zeros((0, 4), np.float32)) for i in range(count)]
    train, kept = split(rows, share, seed)
    assert len(kept) == round(share * count)
    assert sorted(int(row.path.name) for row in train + kept) == list(range(count))
    assert [row.path for row in split(rows, share, seed)[1]] == [row.path for row in kept]


@given(st.integers(0, 1000), st.integers(9, 300), st.integers(9, 300))
def test_placed_boxes_lie_inside_and_none_is_lost_unseen(seed: int, width: int, height: int) -> None:
    rng = np.random.default_rng(seed)
    corner = np.array([width, height], np.float32) * rng.uniform(0, 0.6, 2)
    sample = Sample(_picture(width, height), np.array([[*corner, *corner + 3]], np.float32))
    placed = place(sample, rng, 64, Variety(quarter_turn=0.5))
    assert placed.image.shape == (64, 64, 3)
    for boxes in (placed.xyxy, placed.ignored_xyxy):
        assert boxes.dtype == np.float32
        assert bool((boxes >= 0).all() and (boxes <= 64).all() and (boxes[:, 2:] > boxes[:, :2]).all())
    assert len(placed.xyxy) + len(placed.ignored_xyxy) <= 1


def test_placed_box_still_holds_the_object() -> None:
    image = np.zeros((90, 120, 3), np.uint8)
    image[30:60, 40:90] = 255
    sample = Sample(image, np.array([[40, 30, 90, 60]], np.float32))
    for seed in range(20):
        placed = place(sample, np.random.default_rng(seed), 96, Variety(zoom=(0.6, 1.0), quarter_turn=0.5))
        rows, columns = np.nonzero(placed.image[:, :, 0] > 200)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.abs(placed.xyxy[0] - found).max() <= 1.5


def test_same_seed_gives_the_same_picture() -> None:
    image = _picture()
    first, second = (relight(image, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == image.shape and first.dtype == np.uint8
    assert np.array_equal(first, second) and not np.array_equal(first, image)


def _disc(size: int = 60) -> np.ndarray[Any, np.dtype[np.uint8]]:
    ys, xs = np.mgrid[:size, :size]
    alpha = ((ys - size / 2) ** 2 + (xs - size / 2) ** 2 < (size / 2) ** 2).astype(np.uint8) * 255
    return np.dstack([np.full((size, size, 3), (250, 0, 0), np.uint8), alpha])


def test_composed_boxes_are_tight_around_what_was_pasted() -> None:
    ground = Sample(np.zeros((96, 96, 3), np.uint8))
    scenes = Scenes(CutoutAlbum([_disc()]), Album([ground]), 96, most=1, scale=(0.3, 0.5), hand=0.0)
    for seed in range(12):
        scene = scenes.draw(np.random.default_rng(seed))
        rows, columns = np.nonzero(scene.image[:, :, 0] > scene.image[:, :, 1].astype(int) + 40)
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        boxes = np.concatenate([scene.xyxy, scene.ignored_xyxy])
        assert len(boxes) == 1 and np.abs(boxes[0] - seen).max() <= 3


def test_box_of_a_covered_background_object_is_ignored() -> None:
    ground = Sample(np.zeros((96, 96, 3), np.uint8), np.array([[40, 40, 56, 56]], np.float32))
    scenes = Scenes(
        CutoutAlbum([_disc()]), Album([ground]), 96, most=1, scale=(3.0, 3.1), hand=0.0, variety=Variety((1, 1), 0, 1)
    )
    scene = scenes.draw(np.random.default_rng(0))
    assert len(scene.ignored_xyxy) >= 1
    assert not any(np.allclose(box[2:] - box[:2], 16, atol=2) for box in scene.xyxy)


def test_packshot_is_cut_off_its_white_and_keeps_white_inside() -> None:
    packshot = np.full((80, 80, 3), 255, np.uint8)
    packshot[20:60, 10:70] = 30
    packshot[35:45, 30:50] = 255
    cut = off_white(packshot)
    assert cut is not None and abs(cut.shape[0] - 40) <= 2 and abs(cut.shape[1] - 60) <= 2
    assert cut[cut.shape[0] // 2, cut.shape[1] // 2].tolist() == [255] * 4


def test_blank_packshot_gives_no_cutout() -> None:
    assert off_white(np.full((50, 50, 3), 255, np.uint8)) is None


def test_object_is_cut_out_of_its_box() -> None:
    image = np.full((120, 120, 3), (20, 90, 20), np.uint8)
    image[30:90, 40:80] = (220, 40, 40)
    cut = out_of_box(Sample(image, np.array([[38, 28, 82, 92]], np.float32)), 0)
    assert cut is not None and abs(cut.shape[0] - 60) <= 3 and abs(cut.shape[1] - 40) <= 3


def test_overlapped_object_is_not_cut_out() -> None:
    boxes = np.array([[20, 20, 80, 80], [30, 30, 90, 90]], np.float32)
    assert out_of_box(Sample(_picture(120, 120), boxes), 0) is None


def test_packshot_is_found_where_it_lies() -> None:
    rng = np.random.default_rng(4)
    art = np.kron(rng.integers(0, 220, (16, 12, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    packshot, photo = np.full((232, 184, 3), 255, np.uint8), np.full((320, 320, 3), 90, np.uint8)
    packshot[20:212, 20:164] = art
    photo[60:252, 100:244] = art
    found = find_product(packshot, photo)
    assert found is not None and np.abs(found.xyxy - [100, 60, 244, 252]).max() < 12


def test_absent_packshot_is_not_found() -> None:
    packshot = np.full((100, 100, 3), 255, np.uint8)
    packshot[20:80, 20:80] = _picture(60, 60)
    assert find_product(packshot, np.full((100, 100, 3), 90, np.uint8)) is None
    assert find_product(np.full((100, 100, 3), 255, np.uint8), _picture(100, 100)) is None


def test_mixtures_draw_every_part_by_its_weight() -> None:
    parts = [Album([Sample(np.full((8, 8, 3), value, np.uint8))]) for value in (1, 2)]
    rng = np.random.default_rng(0)
    drawn = [int(MixedSource([(3, parts[0]), (1, parts[1])]).draw(rng).image[0, 0, 0]) for _ in range(400)]
    assert 0.68 < drawn.count(1) / 400 < 0.82
    cutouts = MixedCutouts([(0, CutoutAlbum([_disc(20)])), (2, CutoutAlbum([_disc(30)]))])
    assert {cutouts.draw(rng).shape for _ in range(10)} == {(30, 30, 4)}
    assert Weighed(parts[0], 0.25).draw(rng).background_weight == 0.25
