"""What a clip shows: divided into appearances, written and read back, and refused where it is no truth."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import InputError
from export.evaluation.appearances import Appearance, ClipTruth, appearances_of, read_truth, truth_of

BOX = (1.0, 2.0, 30.0, 40.0)
TRUTH = ClipTruth("a.mp4", 9.0, (Appearance("p", "Tea", 1.0, 2.0, ((1.0, BOX, 0.5), (2.0, BOX, 1.0))),))


def test_nothing_seen_is_no_appearance() -> None:
    assert appearances_of("p", "Tea", [], 2.0) == []


def test_out_of_sight_for_longer_is_another_appearance() -> None:
    rows = [(time, BOX, 1.0) for time in (0.0, 1.0, 3.0, 5.1)]
    assert [(one.start_s, one.end_s) for one in appearances_of("p", "Tea", rows, 2.0)] == [(0.0, 3.0), (5.1, 5.1)]


@given(st.lists(st.floats(0, 100), unique=True).map(sorted), st.floats(0.01, 20))
def test_appearances_keep_every_row_and_are_apart(times: list[float], same_s: float) -> None:
    parts = appearances_of(None, "Tea", [(time, BOX, 1.0) for time in times], same_s)
    assert [row[0] for part in parts for row in part.boxes] == times
    assert all(after.start_s - before.end_s > same_s for before, after in pairwise(parts))


def test_truth_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(TRUTH.document()))
    assert read_truth(path) == TRUTH


def broken(**changes: Any) -> dict[str, Any]:
    """Return the document with other values; None takes a field away; `appearance` changes the only one."""
    document = json.loads(json.dumps(TRUTH.document()))
    document["appearances"][0] |= changes.pop("appearance", {})
    return {name: value for name, value in (document | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({}, "'schema' is missing"),
        (broken(schema=2), "schema 2, this version reads 1"),
        (broken(duration_s=0), "duration_s 0 is not above 0"),
        (broken(duration_s="long"), "could not convert"),
        (broken(appearances=None), "'appearances' is missing"),
        (broken(appearance={"start_s": 3.0}), "appearance of p from 3 to 2 s is no stretch of time"),
        (broken(appearance={"product_id": 7}), "product_id 7 is neither"),
        (broken(appearance={"boxes": [{"timestamp_s": 1, "xyxy": [5, 5, 5, 9]}]}), "is no box"),
        ([], "list"),
    ],
)
def test_refuses_what_is_no_truth(tmp_path: Path, document: Any, complaint: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=complaint):
        read_truth(path)


def test_refuses_a_missing_file_and_one_that_is_cut(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_truth(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"schema": 1')
    with pytest.raises(InputError, match="no truth document"):
        read_truth(tmp_path / "a.json")


def test_the_truth_of_the_demo_clip_is_read_as_well() -> None:
    document = {
        "schema": 1,
        "path": "clip.mp4",
        "codec": "libx264",
        "resolution_wh": [640, 360],
        "fps": 25,
        "duration_s": 10.0,
        "appearances": [{"product_id": None, "title": "Tea", "start_s": 0.0, "end_s": 1.0, "boxes": []}],
    }
    assert truth_of(document).appearances == (Appearance(None, "Tea", 0.0, 1.0, ()),)
