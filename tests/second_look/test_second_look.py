"""A second look: marks tell sisters apart, nothing is no evidence, an altered pack is refused."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import ArtefactRefused, MissingExtra
from edge.second_look import (
    BY_CHANCE,
    CROP_MARKS,
    CROP_SIDE,
    VIEW_MARKS,
    VIEW_SIDE,
    WEIGHT,
    as_marks,
    evidence,
    find_marks,
    no_marks,
    shared_marks,
)
from edge.shard.marks import open_marks, write_marks

Image = npt.NDArray[np.uint8]


def carton(seed: int) -> Image:
    """Draw dark blots on white, different for each seed."""
    rng = np.random.default_rng(seed)
    image = np.full((220, 160, 3), 245, np.uint8)
    for _ in range(40):
        x, y, w, h = rng.integers((5, 5, 6, 6), (130, 190, 26, 26))
        image[y : y + h, x : x + w] = rng.integers(0, 200, 3)
    return image


def rows(count: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return as_marks(np.random.default_rng(seed).exponential(1, (count, 128)).astype(np.float32) ** 3)


def test_no_marks_are_no_evidence() -> None:
    assert evidence(no_marks(), []).shape == (0,)
    assert evidence(no_marks(), [None, no_marks(), rows(9)]).tolist() == [0, 0, 0]
    assert evidence(rows(9), [None, no_marks()]).tolist() == [0, 0]


def test_picture_without_marks_has_none() -> None:
    for shape in ((1, 1, 3), (40, 3, 3)):
        assert find_marks(np.full(shape, 77, np.uint8), CROP_SIDE, CROP_MARKS).shape == (0, 128)


def test_turned_and_darkened_product_is_told_from_its_sister() -> None:
    crop = np.rot90(carton(1)[10:200, 8:150] // 2).copy()
    marks = find_marks(crop, CROP_SIDE, CROP_MARKS)
    own, sister = (find_marks(carton(seed), VIEW_SIDE, VIEW_MARKS) for seed in (1, 2))
    assert 20 < len(own) <= VIEW_MARKS
    assert shared_marks(marks, own) > 4 * shared_marks(marks, sister) + 10
    assert evidence(marks, [sister, own]).argmax() == 1


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 40), st.integers(0, 40))
def test_every_mark_that_is_there_is_found_once(present: int, others: int) -> None:
    crop = rows(present + others)
    view = np.concatenate([crop[:present], crop[:present]])
    assert shared_marks(crop, view) == present
    assert evidence(crop, [view])[0] == pytest.approx(WEIGHT * np.log1p(max(present - BY_CHANCE, 0)))


def test_missing_opencv_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtra, match="OpenCV"):
        find_marks(carton(1), CROP_SIDE, CROP_MARKS)


def test_pack_gives_back_what_was_written(tmp_path: Path) -> None:
    written = {7: rows(3), 2**63 + 1: no_marks(), 1: rows(VIEW_MARKS, 4)}
    for name, content in (("empty", {}), ("full", written)):
        write_marks(tmp_path / name, content)
        pack = open_marks(tmp_path / name)
        assert len(pack) == len(content) and pack.get(5) is None
        for key, marks in content.items():
            found = pack.get(key)
            assert found is not None and np.array_equal(found, marks)


def test_too_many_marks_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="121 marks"):
        write_marks(tmp_path / "pack", {1: rows(VIEW_MARKS + 1)})
    assert not (tmp_path / "pack").exists()


def test_refuses_an_altered_pack(tmp_path: Path) -> None:
    write_marks(tmp_path / "pack", {1: rows(5), 2: rows(6)})
    for file in sorted((tmp_path / "pack").iterdir()):
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 255]))
        with pytest.raises(ArtefactRefused):
            open_marks(tmp_path / "pack")
        file.write_bytes(content)
    assert len(open_marks(tmp_path / "pack")) == 2
