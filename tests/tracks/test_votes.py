"""Several crops, one answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.tags import Candidate
from edge.tracks.votes import fused, is_nearly, is_settled, margin, status

MATCHINGS = (Matching(0.7, 0.05), Matching(0.9, 0.2))


def ranking(shard: int = 0, **products: float) -> tuple[Candidate, ...]:
    return tuple(Candidate(shard, name, name, value) for name, value in products.items())


similarities = st.lists(st.floats(0, 1), min_size=1, max_size=5).map(lambda values: sorted(values, reverse=True))
rankings = similarities.map(lambda values: ranking(**{f"p{place}": value for place, value in enumerate(values)}))


def test_without_answers_or_products_there_is_nothing() -> None:
    assert fused([]) == fused([()]) == fused([(), ()]) == ()
    assert status((), MATCHINGS) == "unmatched"
    assert not is_nearly((), MATCHINGS)


@given(rankings)
def test_one_answer_is_the_answer(answer: tuple[Candidate, ...]) -> None:
    assert [c.similarity for c in fused([answer])] == [c.similarity for c in answer]
    assert [c.similarity for c in fused([answer, answer])] == pytest.approx([c.similarity for c in answer])


@given(st.lists(rankings, min_size=1, max_size=3))
def test_the_vote_is_a_ranking_within_what_was_said(answers: list[tuple[Candidate, ...]]) -> None:
    found = [c.similarity for c in fused(answers)]
    assert found == sorted(found, reverse=True)
    assert max(found) <= max(c.similarity for answer in answers for c in answer) + 1e-12
    assert len({c.product_id for c in fused(answers)}) == len(found)


def test_one_good_crop_alone_makes_no_match_and_one_bad_one_prevents_none() -> None:
    good, bad = ranking(oat=0.95, soy=0.5), ranking(oat=0.4, soy=0.35)
    assert status(fused([good, bad]), MATCHINGS) == "unmatched"
    assert status(fused([good, bad, good]), MATCHINGS) == "match"


def test_a_product_that_is_not_named_counts_as_the_last_one() -> None:
    first, second = fused([ranking(oat=0.9, soy=0.5), ranking(rye=0.8, oat=0.6)])[:2]
    assert (first.product_id, first.similarity) == ("oat", pytest.approx(0.75))
    assert (second.product_id, second.similarity) == ("rye", pytest.approx(0.65))


@pytest.mark.parametrize(
    ("answers", "settled"),
    [
        ([], False),
        ([ranking(oat=0.9, soy=0.1)], False),
        ([ranking(oat=0.9, soy=0.1)] * 2, True),
        ([ranking(oat=0.9, soy=0.85)] * 2, False),
        ([ranking(oat=0.9, soy=0.1), ranking(soy=0.9, oat=0.1)], False),
        ([ranking(oat=0.9, soy=0.1), ranking(oat=0.6, soy=0.1)], False),
        ([ranking(oat=0.6, soy=0.1), ranking(soy=0.5, oat=0.1)], True),
        ([(), ()], True),
    ],
)
def test_two_that_say_the_same_clearly_are_enough(answers: list[tuple[Candidate, ...]], settled: bool) -> None:
    assert is_settled(answers, MATCHINGS) is settled


def test_each_shard_has_its_own_thresholds() -> None:
    assert status(ranking(oat=0.8, soy=0.7), MATCHINGS) == "match"
    assert status(ranking(1, oat=0.8, soy=0.7), MATCHINGS) == "unmatched"
    assert status(ranking(1, oat=0.95, soy=0.8), MATCHINGS) == "ambiguous"
    assert margin(ranking(oat=0.8)) == 1.0


def test_nearly_is_a_little_below_and_clear() -> None:
    assert is_nearly(ranking(oat=0.66, soy=0.5), MATCHINGS)
    assert not is_nearly(ranking(oat=0.66, soy=0.63), MATCHINGS)
    assert not is_nearly(ranking(oat=0.64, soy=0.5), MATCHINGS)
    assert not is_nearly(ranking(oat=0.8, soy=0.5), MATCHINGS)
