"""Recall and tags, on answers written by hand and against the rules of `edge tag`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.matches import Matches
from edge.photos import each_once
from edge.pipeline import without_parts
from edge.tagging import Identity, tags_of, unmatched_of
from edge.tags import Box, Candidate, Moment
from edge.tracks.appearances import Named
from edge.tracks.votes import status
from export.evaluation.retrieval import NOTHING, Answers, measure, measure_by_group, tags

MATCHING = Matching(similarity_threshold=0.5, margin_threshold=0.1)
CROP = np.zeros((2, 2, 3), np.uint8)


def answers(
    expected: list[int],
    crops: list[tuple[int, list[tuple[int, float]]]],
    boxes: list[tuple[float, float, float, float]] | None = None,
) -> Answers:
    """Build answers from the photo of each crop and its products with their similarities, best first; boxes apart."""
    k = 5
    apart = [(20.0 * place, 0.0, 20.0 * place + 10, 10.0) for place in range(len(crops))]
    xyxy = np.array(boxes if boxes is not None else apart, np.float32).reshape(-1, 4)
    product = np.full((len(crops), k), -1, np.int32)
    similarity = np.full((len(crops), k), -1, np.float32)
    for row, (_, found) in enumerate(crops):
        for place, (number, value) in enumerate(found):
            product[row, place], similarity[row, place] = number, value
    photo = np.array([photo for photo, _ in crops], np.int32)
    shard = np.where(product >= 0, 0, -1).astype(np.int32)
    return Answers(np.array(expected, np.int32), photo, xyxy, Matches(shard, product, similarity))


@pytest.mark.parametrize(
    ("given_answers", "expected"),
    [
        pytest.param(Answers.empty(), (None, None, None, None, None, None), id="no photo"),
        pytest.param(answers([3], []), (0, 0, None, 0, None, 0), id="nothing detected is a miss"),
        pytest.param(answers([NOTHING], []), (None, None, None, None, 0, None), id="nothing shown, nothing detected"),
        pytest.param(answers([3], [(0, [(3, 0.9), (4, 0.2)])]), (1, 1, 1, 1, None, 0), id="right"),
        pytest.param(answers([3], [(0, [(4, 0.9), (3, 0.2)])]), (0, 1, 0, 0, None, 1), id="wrong, right one second"),
        pytest.param(answers([3], [(0, [(3, 0.9), (4, 0.85)])]), (1, 1, None, 0, None, 0), id="ambiguous is no tag"),
        pytest.param(answers([3], [(0, [(3, 0.4), (4, 0.1)])]), (1, 1, None, 0, None, 0), id="below the threshold"),
        pytest.param(answers([3], [(0, [(3, 0.5)])]), (1, 1, 1, 1, None, 0), id="catalogue of one product"),
        pytest.param(
            answers([3], [(0, [(3, 0.8), (4, 0.1)]), (0, [(3, 0.9), (4, 0.1)])]),
            (1, 1, 1, 1, None, 0),
            id="one product in two crops is one tag",
        ),
        pytest.param(
            answers([3], [(0, [(3, 0.8), (4, 0.1)]), (0, [(5, 0.9), (4, 0.1)])]),
            (1, 1, 0.5, 1, None, 1),
            id="recall looks at the main object, tags at all",
        ),
        pytest.param(
            answers([3], [(0, [(5, 0.8), (4, 0.1)]), (0, [(3, 0.9), (4, 0.1)])]),
            (0, 0, 0.5, 1, None, 1),
            id="a better answer about another object is no recall",
        ),
        pytest.param(
            answers([3], [(0, [(3, 0.9), (4, 0.1)]), (0, [(5, 0.8), (4, 0.1)])], [(0, 0, 50, 90), (10, 5, 20, 15)]),
            (1, 1, 1, 1, None, 0),
            id="a part of a product is no tag",
        ),
        pytest.param(
            answers([3], [(0, [(3, 0.8), (4, 0.1)]), (0, [(3, 0.9), (4, 0.88)])]),
            (1, 1, None, 0, None, 0),
            id="the best crop of a product judges its tag",
        ),
        pytest.param(answers([NOTHING], [(0, [(3, 0.9), (4, 0.1)])]), (None, None, 0, None, 1, None), id="false tag"),
        pytest.param(
            answers([NOTHING], [(0, [(3, 0.9), (4, 0.85)])]), (None, None, None, None, 0, None), id="honest no"
        ),
        pytest.param(answers([0], [(0, [])]), (0, 0, None, 0, None, 0), id="empty catalogue"),
    ],
)
def test_figures(given_answers: Answers, expected: tuple[float | None, ...]) -> None:
    figures = measure(given_answers, MATCHING)
    assert tuple(figures.value.values()) == pytest.approx(expected)
    assert figures.queries == len(given_answers)


def test_padding_of_a_short_answer_is_no_hit_for_a_photo_that_shows_nothing() -> None:
    figures = measure(answers([NOTHING, 2], [(0, [(1, 0.9)]), (1, [(2, 0.9)])]), MATCHING)
    assert figures.value["recall_at_5"] == 1
    assert figures.value["false_tag_rate"] == 1


def test_groups_are_measured_apart_and_a_nameless_one_is_left_out() -> None:
    given_answers = answers([3, 3, NOTHING], [(0, [(3, 0.9)]), (1, [(4, 0.9)]), (2, [(4, 0.9)])])
    groups = measure_by_group(given_answers, MATCHING, ["near", "far", ""])
    assert list(groups) == ["far", "near"]
    assert groups["near"].value["recall_at_1"] == 1
    assert groups["far"].value["recall_at_1"] == 0
    assert groups["far"].queries == 1


def test_document_has_null_where_there_is_nothing_to_measure() -> None:
    document = measure(Answers.empty(), MATCHING).document()
    assert document["queries"] == 0
    assert document["recall_at_1"] is None
    assert document["ci95"]["recall_at_1"] is None


def test_refuses_photo_numbers_of_another_length() -> None:
    with pytest.raises(ValueError, match=r"photo must have shape \(2,\), has \(1,\)"):
        Answers(np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros((2, 4), np.float32), Matches.empty(2, 5))


PLACES = ((0.0, 0.0, 90.0, 90.0), (5.0, 5.0, 40.0, 40.0), (10.0, 10.0, 20.0, 20.0), (60.0, 60.0, 120.0, 120.0))
sightings = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 30), st.integers(0, 20), st.booleans(), st.sampled_from(PLACES)),
    max_size=12,
)


@given(sightings)
def test_tags_are_those_that_edge_tag_gives_of_a_photo(rows: list[tuple[int, int, int, bool, Box]]) -> None:
    crops = []
    for place, (product, high, lead, alone, _) in enumerate(rows):
        first = float(np.float32((high + place / len(rows)) / 32))  # all distinct: a product's best crop is one
        second = [] if alone else [(product + 1, float(np.float32(first - lead / 32)))]
        crops.append((0, [(product, first), *second]))
    photo, product = tags(answers([0], crops, [row[-1] for row in rows]), MATCHING)
    assert photo.tolist() == [0] * len(product)

    objects = []
    for (_, found), row in zip(crops, rows, strict=True):
        named = tuple(Candidate(0, str(number), "", similarity) for number, similarity in found)
        best = Moment(0.0, row[-1], CROP)
        objects.append(Named(((0.0, row[-1]),), 1, False, status(named, [MATCHING]), named, best))
    known, unknown = each_once(objects)
    given_tags, _ = without_parts(tags_of(known, Identity("content", "space", ("shard",))), unmatched_of(unknown))
    matches = sorted(tag.candidates[0].product_id for tag in given_tags if tag.status == "match")
    assert sorted(str(number) for number in product) == matches
