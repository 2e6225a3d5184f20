"""Picture sets: what cannot be read is left out and counted, what was calibrated on judges nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.errors import InputError
from export.quantize.pictures import evenly, read_evaluation, read_pictures, require_disjoint


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_refuses_a_folder_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_pictures(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no picture that can be read"):
        read_pictures(tmp_path)


def test_says_why_where_every_picture_is_corrupt(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 0).write_bytes((tmp_path / "a.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"holds no picture that can be read: .*a\.png.*damaged or cut"):
        read_pictures(tmp_path)


def test_corrupt_pictures_are_left_out_and_named_and_copies_counted(tmp_path: Path) -> None:
    first = picture(tmp_path / "a.png", 0)
    picture(tmp_path / "sub/b.png", 1)
    picture(tmp_path / "copy.bmp", 0)
    picture(tmp_path / ".hidden/c.png", 2)
    (tmp_path / "cut.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = read_pictures(tmp_path)
    assert found.files == (first, tmp_path / "sub/b.png")
    assert found.copies == 1
    assert len(found.problems) == 1 and "cut.jpg" in found.problems[0]


def test_overlap_is_told_by_pixels_whatever_name_and_format(tmp_path: Path) -> None:
    calibration = [picture(tmp_path / "calibration/a.png", 0), picture(tmp_path / "calibration/b.png", 1)]
    apart = [picture(tmp_path / "photos/c.png", 2)]
    require_disjoint(calibration, apart)
    require_disjoint([], calibration)
    with pytest.raises(InputError, match=r"x\.bmp: is the same picture as .*a\.png of the calibration \(1 are in both"):
        require_disjoint(calibration, [*apart, picture(tmp_path / "photos/x.bmp", 0)])


def test_evaluation_takes_the_pictures_that_the_labels_name(tmp_path: Path) -> None:
    named = [picture(tmp_path / f"photos/{name}.png", seed) for seed, name in enumerate("abc")]
    (tmp_path / "queries.csv").write_text("path,product_id\na.png,x\nb.png,\ngone.png,y\n,z\n")
    evaluation, problems = read_evaluation(tmp_path / "photos", tmp_path / "queries.csv")
    assert evaluation.pictures == tuple(named[:2])
    assert len(problems) == 2 and "no path is given" in problems[0] and "gone.png" in problems[1]
    labels = {"images": [{"id": 1, "file_name": "c.png"}], "annotations": []}
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    assert read_evaluation(tmp_path / "photos", tmp_path / "labels.json")[0].pictures == (named[2],)
    assert read_evaluation(tmp_path / "photos")[0].pictures == tuple(named)


def test_refuses_labels_of_pictures_that_are_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "queries.csv").write_text("path,product_id\ngone.png,x\n")
    with pytest.raises(InputError, match=r"none of its 1 pictures can be read from .*gone\.png: no such file"):
        read_evaluation(tmp_path, tmp_path / "queries.csv")


@pytest.mark.parametrize(("n", "most", "expected"), [(0, 3, []), (2, 3, [0, 1]), (6, 3, [0, 2, 4]), (7, 2, [0, 3])])
def test_thins_a_set_evenly(n: int, most: int, expected: list[int]) -> None:
    files = [Path(str(i)) for i in range(n)]
    assert evenly(files, most) == tuple(files[i] for i in expected)
