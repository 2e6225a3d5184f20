"""Tags of whole clips against the truth: what is right, what is false, what is a switch, and what is early or late."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tags import Box
from export.evaluation.appearances import Appearance, ClipTruth
from export.evaluation.clips import Claim, agreement, figures, judge

HERE: Box = (100, 100, 200, 200)
THERE: Box = (300, 100, 400, 200)
stretches = st.tuples(st.floats(0, 50), st.floats(0, 10)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def shown(product_id: str | None, start_s: float, end_s: float, box: Box = HERE) -> Appearance:
    middle = (start_s + end_s) / 2
    return Appearance(product_id, "Tea", start_s, end_s, tuple((t, box, 1.0) for t in (start_s, middle, end_s)))


def claim(product_id: str, start_s: float, end_s: float, box: Box = HERE) -> Claim:
    return Claim((product_id,), start_s, end_s, (start_s + end_s) / 2, box)


def clip(*appearances: Appearance) -> ClipTruth:
    return ClipTruth("a.mp4", 60.0, appearances)


def test_nothing_shown_and_nothing_said_has_no_figures() -> None:
    found = figures([judge(clip(), [])])
    assert (found.shown, found.right, found.switches, found.minutes) == (0, 0, 0, 1.0)
    assert (found.precision, found.recall, found.f1, found.f1_ci95) == (None, None, None, None)
    assert (found.start_error_s, found.end_p90_s, found.false_per_minute) == (None, None, 0.0)
    assert figures([]).false_per_minute is None


def test_a_tag_at_the_right_time_is_right() -> None:
    judged = judge(clip(shown("p", 10, 20)), [claim("p", 10.5, 19)])
    assert judged.outcomes == ("right",) and not judged.missed and judged.misplaced == 0
    found = figures([judged])
    assert (found.precision, found.recall, found.f1) == (1.0, 1.0, 1.0)
    assert (found.start_error_s, found.end_error_s) == (0.5, 1.0)


def test_less_than_half_of_the_time_is_a_fragment() -> None:
    judged = judge(clip(shown("p", 10, 20)), [claim("p", 10, 14.9)])
    assert judged.outcomes == ("fragment",) and len(judged.missed) == 1
    assert figures([judged]).false_per_minute == 0.0 and figures([judged]).f1 == 0.0


@pytest.mark.parametrize("named", [claim("q", 10, 20), claim("p", 30, 40)], ids=["another product", "another time"])
def test_a_product_that_is_not_shown_then_is_false(named: Claim) -> None:
    judged = judge(clip(shown("p", 10, 20)), [named])
    assert judged.outcomes == ("false",) and figures([judged]).false_per_minute == 1.0


def test_a_product_that_no_catalogue_lists_makes_every_tag_false() -> None:
    judged = judge(clip(shown(None, 10, 20)), [claim("p", 10, 20), claim("q", 10, 20)])
    assert judged.outcomes == ("false", "false") and judged.shown == 0 and judged.switches == 0


def test_two_tags_of_one_appearance_are_one_right_one_fragment_and_a_switch() -> None:
    judged = judge(clip(shown("p", 10, 20)), [claim("p", 10, 17), claim("p", 18, 20)])
    assert judged.outcomes == ("right", "fragment") and judged.switches == 1


def test_a_change_of_product_on_one_object_is_a_switch() -> None:
    judged = judge(clip(shown("p", 10, 20), shown("q", 10, 20, THERE)), [claim("p", 10, 16), claim("z", 17, 20)])
    assert judged.outcomes == ("right", "false") and judged.switches == 1
    elsewhere = judge(clip(shown("p", 10, 20)), [claim("p", 10, 16), claim("z", 17, 20, THERE)])
    assert elsewhere.switches == 0


def test_a_tag_across_two_appearances_pays_with_one_of_them() -> None:
    judged = judge(clip(shown("p", 10, 14), shown("p", 20, 24)), [claim("p", 10, 24)])
    assert judged.outcomes == ("fragment",) and len(judged.missed) == 2 and judged.switches == 0


def test_two_appearances_with_two_tags_are_both_right() -> None:
    judged = judge(clip(shown("p", 10, 14), shown("p", 20, 24)), [claim("p", 20, 24), claim("p", 10, 14)])
    assert judged.outcomes == ("right", "right") and judged.switches == 0


def test_an_ambiguous_tag_costs_recall_and_not_precision() -> None:
    unsure = Claim(("q", "p"), 10, 20, 15, HERE, sure=False)
    judged = judge(clip(shown("p", 10, 20), shown("r", 30, 40)), [unsure, claim("r", 30, 40)])
    assert judged.outcomes == ("ambiguous", "right") and judged.fair == 1
    found = figures([judged])
    assert (found.precision, found.recall, found.ambiguous, found.fair) == (1.0, 0.5, 1, 1)


def test_a_right_tag_beside_the_product_is_counted_as_misplaced() -> None:
    assert judge(clip(shown("p", 10, 20)), [claim("p", 10, 20, THERE)]).misplaced == 1
    pieces = Appearance("p", "Tea", 10, 20, ((15.0, HERE, 1.0), (15.0, THERE, 1.0)))
    assert judge(clip(pieces), [claim("p", 10, 20, THERE)]).misplaced == 0


def test_figures_add_up_over_clips_and_have_an_interval() -> None:
    good = judge(clip(shown("p", 10, 20)), [claim("p", 10, 20)])
    bad = judge(clip(shown("p", 10, 20)), [claim("q", 10, 20)])
    found = figures([good, bad, good])
    assert (found.clips, found.minutes, found.shown, found.right, found.false) == (3, 3.0, 3, 2, 1)
    assert found.f1 == pytest.approx(2 / 3) and found.false_per_minute == pytest.approx(1 / 3)
    assert found.f1_ci95 is not None and found.f1_ci95[0] < 2 / 3 <= found.f1_ci95[1]


@given(stretches, stretches)
def test_agreement_is_symmetric_and_full_only_with_itself(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert agreement(a, b) == agreement(b, a) and 0 <= agreement(a, b) <= 1
    assert agreement(a, a) == 1.0
    assert math.isclose(agreement(a, b), 0, abs_tol=1e-12) or min(a[1], b[1]) >= max(a[0], b[0])


@given(st.lists(st.tuples(st.sampled_from("pqr"), stretches), max_size=6))
def test_the_truth_itself_is_a_perfect_answer(entries: list[tuple[str, tuple[float, float]]]) -> None:
    distinct = {(name, *stretch) for name, stretch in entries}
    truth = [shown(*entry) for entry in sorted(distinct)]
    judged = judge(clip(*truth), [claim(one.product_id or "", one.start_s, one.end_s) for one in truth])
    assert set(judged.outcomes) <= {"right"} and not judged.missed
    assert judged.switches == 0 and all(error == 0 for error in (*judged.start_errors_s, *judged.end_errors_s))


@given(
    st.lists(st.tuples(st.sampled_from("pq"), stretches), max_size=5),
    st.lists(st.tuples(st.sampled_from("pqz"), stretches, st.booleans()), max_size=7),
)
def test_every_tag_has_one_outcome_and_no_appearance_counts_twice(
    entries: list[tuple[str, tuple[float, float]]], said: list[tuple[str, tuple[float, float], bool]]
) -> None:
    truth = [shown(name, *stretch) for name, stretch in entries]
    claims = [Claim((name,), *stretch, stretch[0], HERE, sure) for name, stretch, sure in said]
    judged = judge(clip(*truth), claims)
    assert len(judged.outcomes) == len(claims)
    assert judged.outcomes.count("right") + len(judged.missed) == len(truth) == judged.shown
    assert judged.outcomes.count("ambiguous") == sum(not one.sure for one in claims)
    found = figures([judged])
    assert found.f1 is None or 0 <= found.f1 <= 1
