"""The golden cases: Python gives them, and what they say is what a person would."""

from __future__ import annotations

from typing import Any

import pytest

from edge.golden import golden_folder
from edge.tracks.cases import CONSTANTS, answer, read_cases, watch
from edge.tracks.pace import decide
from export.golden.track_cases import track_cases

GOLDEN = read_cases(golden_folder())
BY_NAME = {case["name"]: case for case in GOLDEN["cases"]}
AGAIN = "the rule or its cases have changed: run `python -m export golden`"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_case_comes_out_as_it_is_written(name: str) -> None:
    assert answer(BY_NAME[name], GOLDEN) == BY_NAME[name]["expected"], AGAIN


def test_the_file_is_the_one_that_is_made() -> None:
    assert track_cases() == GOLDEN, AGAIN
    assert GOLDEN["constants"] == CONSTANTS


@pytest.mark.parametrize("row", GOLDEN["pace"], ids=str)
def test_every_decision_to_look_is_as_it_is_written(row: dict[str, Any]) -> None:
    assert decide(row["since_s"], row["new"], row["moving"], row["restless"]) == row["decision"]


@pytest.mark.parametrize("case", GOLDEN["cuts"], ids=lambda case: case["name"])
def test_every_cut_is_seen_as_it_is_written(case: dict[str, Any]) -> None:
    assert watch(case, GOLDEN) == case["expected"], AGAIN


def test_cuts_are_where_a_person_would_see_them() -> None:
    seen = {
        case["name"]: [t for (t, _), (_, cut) in zip(case["glances"], case["expected"], strict=True) if cut]
        for case in GOLDEN["cuts"]
    }
    assert seen == {
        "none": [],
        "one": [0.4],
        "soon after a look": [0.4, 0.5],
        "something passes": [],
        "a camera pans": [],
        "black for a moment": [0.4],
        "black between two shots": [0.4],
        "a flash": [0.4],
        "a flash soon after a look": [0.4],
        "at a fixed rate": [1.0, 2.0],
        "at a slow fixed rate": [],
    }


EXPECTED = {
    "nothing": [],
    "one look": [("oat", "match", 0.0, 0.0)],
    "looks without objects": [],
    "in a row": [("oat", "match", 0.0, 2.0)],
    "missed for a moment": [("oat", "match", 0.0, 1.4)],
    "back within the gap": [("oat", "match", 0.0, 2.4)],
    "back after the gap": [("oat", "match", 0.0, 0.4), ("oat", "match", 3.0, 3.4)],
    "looked at rarely": [("oat", "match", 0.0, 10.0)],
    "weak between confident": [("oat", "match", 0.0, 2.0)],
    "weak at the end": [("oat", "match", 0.0, 1.0)],
    "weak alone": [],
    "below weak": [("oat", "match", 0.0, 1.5)],
    "still picture": [("oat", "match", 0.0, 2.0)],
    "still for a moment": [("oat", "match", 0.5, 0.7)],
    "moving": [("oat", "match", 0.0, 1.6)],
    "a sister for one look": [("oat", "match", 0.0, 1.0)],
    "a sister's name in the sharpest look": [("oat", "match", 0.0, 1.0)],
    "cut by the border first": [("oat", "match", 0.0, 0.8)],
    "the best of each half second": [("oat", "match", 0.0, 2.4)],
    "small lead": [("oat", "ambiguous", 0.0, 1.0)],
    "small lead after a sure look": [("oat", "match", 0.0, 1.0)],
    "small lead beside a sure one": [("oat", "match", 0.0, 1.0), ("soy", "ambiguous", 0.0, 1.0)],
    "small lead, in turn": [("oat", "ambiguous", 0.0, 1.0)],
    "seen twice with some lead": [("oat", "ambiguous", 0.2, 0.4)],
    "seen twice with a clear lead": [("oat", "match", 0.2, 0.4)],
    "not quite similar after a sure look": [("oat", "match", 0.0, 1.0)],
    "not quite similar alone": [],
    "seen once": [],
    "seen once at the end": [("oat", "match", 0.5, 0.5)],
    "seen once, twice": [("oat", "match", 0.0, 0.4)],
    "not in every ranking": [("soy", "ambiguous", 0.0, 0.5)],
    "empty catalogue": [],
    "one product in the catalogue": [("oat", "match", 0.0, 1.0)],
    "two products": [("oat", "match", 0.0, 1.5), ("soy", "match", 0.0, 1.5)],
    "two specimens": [("oat", "match", 0.0, 1.5)],
    "two shards": [("oat", "match", 0.0, 1.5)],
    "they pass each other": [("oat", "match", 0.0, 1.6), ("soy", "match", 0.0, 1.6)],
    "another product put in its place": [("oat", "match", 0.0, 0.6), ("soy", "match", 0.8, 1.4)],
    "a part taken for a sister": [("oat", "match", 0.0, 1.2)],
    "a sister as it comes in": [("oat", "match", 0.0, 0.8)],
    "another one comes in where one has left": [("oat", "match", 0.0, 0.6), ("soy", "match", 1.0, 2.0)],
    "a small thing before a large one": [("soy", "match", 0.8, 1.0)],
    "a weak part": [("oat", "match", 0.0, 0.6)],
    "a cut to another product that stands there": [("oat", "match", 0.0, 0.6), ("soy", "match", 0.8, 1.7)],
    "the same without a cut": [("oat", "match", 0.0, 1.7)],
    "a cut to the same product": [("oat", "match", 0.0, 1.7)],
    "a cut to a still picture": [("oat", "match", 0.0, 0.7), ("soy", "match", 0.8, 2.0)],
    "a flash": [("oat", "match", 0.0, 1.6)],
    "a short shot": [("oat", "match", 0.4, 0.4)],
    "unknown": [],
    "unknown, seen once": [],
    "unknown, lost and found": [],
    "a label of a product": [("oat", "match", 0.0, 1.5)],
    "beside a product": [("oat", "match", 0.0, 1.5)],
}
UNMATCHED = {
    "empty catalogue": [(0.0, 1.0)],
    "two shards": [(0.0, 1.5)],
    "a small thing before a large one": [(0.0, 1.0)],
    "not quite similar alone": [(0.0, 1.0)],
    "unknown": [(0.0, 1.0)],
    "unknown, lost and found": [(0.0, 2.2)],
    "beside a product": [(0.0, 1.5)],
}


def test_the_cases_say_what_a_person_would() -> None:
    found = {name: case["expected"] for name, case in BY_NAME.items()}
    tags = {
        name: [(tag["product_id"], tag["status"], tag["start_s"], tag["end_s"]) for tag in one["tags"]]
        for name, one in found.items()
    }
    assert tags == EXPECTED
    unmatched = {n: [(u["start_s"], u["end_s"]) for u in one["unmatched"]] for n, one in found.items()}
    assert {name: spans for name, spans in unmatched.items() if spans} == UNMATCHED


def test_at_most_three_crops_of_a_track_are_embedded() -> None:
    embedded = {name: case["expected"]["crops_embedded"] for name, case in BY_NAME.items()}
    assert embedded["in a row"] == 2
    assert embedded["the best of each half second"] == 2
    assert embedded["small lead"] == 3
    assert embedded["unknown"] == 2
    assert max(embedded.values()) <= 6
