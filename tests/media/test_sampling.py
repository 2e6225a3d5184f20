"""Which frames are picked, whatever the rate of the stream."""

from __future__ import annotations

import math
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.media.sampling import CLOCK_TOLERANCE_S, Sampling

STEPS = st.lists(st.floats(0, 2, allow_nan=False), max_size=60)


def picked(times: list[float], every_s: float) -> list[float]:
    sampling = Sampling(every_s)
    return [time for time in times if sampling.wants(time)]


def test_no_frames_give_no_frames() -> None:
    assert picked([], 0.5) == []


@given(st.floats(0, 100), STEPS)
def test_zero_wants_every_frame(start: float, steps: list[float]) -> None:
    times = list(accumulate(steps, initial=start))
    assert picked(times, 0) == times


@given(st.floats(0, 100), STEPS, st.floats(0.05, 3))
def test_each_step_of_the_grid_gets_its_first_frame(start: float, steps: list[float], every_s: float) -> None:
    times = list(accumulate(steps, initial=start))
    chosen = picked(times, every_s)
    assert chosen[0] == start

    def cell(time: float) -> int:
        return math.floor((time - start + CLOCK_TOLERANCE_S) / every_s)

    first_of_cell: dict[int, float] = {}
    for time in times:
        first_of_cell.setdefault(cell(time), time)
    near_an_edge = any(abs((t - start) / every_s - round((t - start) / every_s)) * every_s < 1e-5 for t in times[1:])
    if not near_an_edge:
        assert chosen == list(first_of_cell.values())
    assert all(later > earlier for earlier, later in pairwise(chosen))


@pytest.mark.parametrize(("rate", "every_s"), [(30, 0.5), (29.97, 0.5), (24, 0.25), (240, 0.1), (10, 0.3), (25, 1 / 3)])
def test_a_steady_rate_gives_a_steady_number(rate: float, every_s: float) -> None:
    chosen = picked([n / rate for n in range(int(20 * rate))], every_s)
    assert abs(len(chosen) - 20 / every_s) <= 1


def test_a_gap_is_followed_by_one_frame() -> None:
    assert picked([0.0, 0.1, 7.0, 7.1, 7.2], 0.5) == [0.0, 7.0]


@pytest.mark.parametrize("every_s", [-1.0, math.nan, math.inf])
def test_refuses_a_step_that_is_none(every_s: float) -> None:
    with pytest.raises(ValueError, match="every_s"):
        Sampling(every_s)
