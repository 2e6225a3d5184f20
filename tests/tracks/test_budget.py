"""What gives way to a limit, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.tracks.budget import ADVANCE_S, REALTIME_MS, Budget, Limits, Spent, remarks

WHOLE = 1.0


def test_without_a_limit_nothing_gives_way() -> None:
    budget = Budget(Limits())
    assert all(budget.allows(t, Spent(work_ms=1e9, decoding_ms=1e9)) for t in (0.0, 1.0, 2.0))
    assert (budget.share, budget.hurry(), budget.put_off) == (WHOLE, "unreferenced", 0)
    assert remarks(budget, Limits(), 0, True) == ()


def test_own_speed_is_a_limit_too() -> None:
    assert Limits().per_second_ms is None
    assert Limits(realtime=True).per_second_ms == REALTIME_MS
    assert Limits(realtime=True, budget_ms=50).per_second_ms == 50
    assert Limits(budget_ms=5000).per_second_ms == 5000


@given(st.floats(1, 500), st.floats(1, 200))
def test_no_more_is_spent_than_was_earned_and_one_look(budget_ms: float, look_ms: float) -> None:
    budget, spent_ms = Budget(Limits(budget_ms=budget_ms)), 0.0
    for number in range(400):
        time_s = number / 10
        if budget.allows(time_s, Spent(work_ms=spent_ms)):
            spent_ms += look_ms
        assert spent_ms <= budget_ms * (time_s + ADVANCE_S) + look_ms
    assert budget.looks + budget.put_off == 400


def test_the_first_look_is_taken_however_late_it_is() -> None:
    budget = Budget(Limits(budget_ms=1))
    assert [budget.allows(t, Spent(work_ms=1e6)) for t in (0.0, 0.5, 1.0)] == [True, False, False]


def run(budget: Budget, seconds: float, look_ms: float, start_s: float = 0.0, spent_ms: float = 0.0) -> float:
    for number in range(round(seconds * 10)):
        if budget.allows(start_s + number / 10, Spent(work_ms=spent_ms)):
            spent_ms += look_ms * budget.share**2
    return spent_ms


def test_first_the_rate_gives_way() -> None:
    budget = Budget(Limits(budget_ms=20))
    run(budget, 20, look_ms=10)
    assert budget.put_off > 100
    assert budget.least_share == WHOLE
    assert budget.sparse_s <= 1.0


def test_then_the_input_of_the_detector() -> None:
    budget = Budget(Limits(budget_ms=20))
    run(budget, 20, look_ms=60)
    assert budget.least_share < WHOLE
    assert budget.sparse_s > 1.0
    said = remarks(budget, Limits(budget_ms=20), 0, False)
    assert said[0].startswith("20 ms of work a second: ") and "input had" in said[1]
    assert "one size of input only" in remarks(budget, Limits(budget_ms=20), 0, True)[1]


def test_it_recovers() -> None:
    budget = Budget(Limits(budget_ms=20))
    spent_ms = run(budget, 20, look_ms=60)
    assert budget.share < WHOLE
    run(budget, 60, look_ms=0.1, start_s=20, spent_ms=spent_ms)
    assert budget.share == WHOLE


def test_at_last_only_key_frames_are_decoded() -> None:
    budget = Budget(Limits(budget_ms=20), "none")
    assert budget.hurry() == "none"
    budget.allows(1.0, Spent(work_ms=30, decoding_ms=30))
    assert budget.hurry() == "most"
    budget.allows(10.0, Spent(work_ms=40, decoding_ms=40))
    assert budget.hurry() == "none"
    assert "only key frames" in remarks(budget, Limits(budget_ms=20), 0, True)[-1]


def test_what_came_too_late_is_said_and_presses() -> None:
    limits = Limits(realtime=True)
    budget = Budget(limits)
    for second in range(5):
        assert budget.allows(2.0 * second, Spent(work_ms=100.0 * second, dropped=10 * second))
    assert budget.least_share < WHOLE
    assert "10 glances" in remarks(budget, limits, 10, False)[0]


def test_behind_its_own_speed_only_key_frames_are_decoded_until_it_has_caught_up() -> None:
    budget = Budget(Limits(realtime=True))
    budget.allows(1.0, Spent(behind_s=2.0))
    assert budget.hurry() == "most"
    budget.allows(2.0, Spent(behind_s=0.0))
    assert budget.hurry() == "unreferenced"
