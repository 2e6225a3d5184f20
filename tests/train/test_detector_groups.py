"""What teaches groups and tilt: products slid together, photos turned, outlines kept, teachers on the GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import InputError
from edge.geometry import iou
from export.train.detector.augment import Variety
from export.train.detector.groups import Groups
from export.train.detector.mixing import Kept
from export.train.detector.outlines import cutouts, outlines_of
from export.train.detector.photos import frames
from export.train.detector.samples import Album, Sample
from export.train.detector.scenes import CutoutAlbum
from export.train.detector.turning import TurnedPhotos, turnable

STILL = Variety((1, 1), 0, 1)
BLACK = Sample(np.zeros((160, 160, 3), np.uint8))


def _bar() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((60, 20, 4), 255, np.uint8)


def _photo() -> Sample:
    image = np.full((120, 160, 3), (20, 90, 20), np.uint8)
    image[30:90, 40:80] = (220, 40, 40)
    return Sample(image, np.array([[39, 29, 81, 91]], np.float32), name="a.jpg")


def test_group_touches_but_hides_little() -> None:
    groups = Groups(CutoutAlbum([_bar()]), Album([BLACK]), 160, scale=(0.4, 0.5), variety=STILL)
    near, lost = 0, 0
    for seed in range(20):
        scene = groups.draw(np.random.default_rng(seed))
        boxes = np.concatenate([scene.xyxy, scene.ignored_xyxy])
        grown = boxes + np.array([-4, -4, 4, 4], np.float32)
        near += int((iou(grown, grown) > 0).sum(axis=1).min(initial=9) >= 2 or len(boxes) < 2)
        lost += len(scene.ignored_xyxy)
        assert len(boxes) <= 6
    assert near >= 17 and lost <= 20


def test_group_of_one_product_is_that_product_again() -> None:
    album = CutoutAlbum([np.full((40, 40, 4), value, np.uint8) for value in range(100, 250, 10)])
    members, _ = Groups(album, Album([BLACK]), 160, count=(5, 5), same=1.0)._members(np.random.default_rng(1))
    assert len(members) == 5 and all(np.array_equal(members[0], other) for other in members)


def test_turned_box_is_tight_around_its_object(tmp_path: Path) -> None:
    photo = _photo()
    found = outlines_of({"set": [photo]}, tmp_path / "outlines.npz")["set"]
    source = TurnedPhotos(turnable([photo], found))
    for seed in range(10):
        turned = source.draw(np.random.default_rng(seed))
        rows, columns = np.nonzero(turned.image[:, :, 0] > 120)
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert len(turned.xyxy) == 1 and np.abs(turned.xyxy[0] - seen).max() <= 3


def test_object_without_an_outline_is_ignored_when_turned() -> None:
    photo = _photo()
    both = Sample(photo.image, np.array([[40, 30, 80, 90], [100, 10, 150, 60]], np.float32))
    mask = np.zeros((120, 160), np.uint8)
    mask[30:90, 40:80] = 255
    turned = TurnedPhotos(turnable([both], [[mask, None]]), degrees=0.0).draw(np.random.default_rng(0))
    assert turned.xyxy.tolist() == [[40, 30, 80, 90]] and turned.ignored_xyxy.tolist() == [[100, 10, 150, 60]]


def test_outline_that_disagrees_with_its_label_is_not_believed() -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[30:60, 40:80] = 255
    assert turnable([_photo()], [[mask]]) == [] and turnable([_photo()], [[None]]) == []


def test_outlines_are_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, photo = tmp_path / "outlines.npz", _photo()
    first = outlines_of({"set": [photo]}, memory)["set"]
    monkeypatch.setattr("export.train.detector.outlines.outline", None)
    second = outlines_of({"set": [photo]}, memory)["set"]
    assert np.array_equal(first[0][0], second[0][0]) and len(cutouts([photo], second)) == 1
    memory.write_bytes(b"nothing")
    with pytest.raises(InputError, match="remove it"):
        outlines_of({"set": [photo]}, memory)


def test_kept_pictures_are_drawn_again_and_renewed() -> None:
    class Counter:
        drawn = 0

        def draw(self, rng: np.random.Generator) -> Sample:
            self.drawn += 1
            return BLACK

    counter, rng = Counter(), np.random.default_rng(0)
    kept = Kept(counter, pool_size=10, fresh=0.25)
    for _ in range(210):
        kept.draw(rng)
    assert 35 < counter.drawn < 85


def test_folder_of_frames_stands_for_its_clip(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "clip").mkdir()
    for index in (0, 6, 12):
        Image.fromarray(np.full((8, 8, 3), index * 10, np.uint8)).save(tmp_path / "clip" / f"{index:03d}.png")
    assert [int(frame[0, 0, 0]) for frame in frames(tmp_path / "clip.mp4", 6)] == [0, 60, 120]
