"""When to look: at what is new, and not at what is not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.tracks.pace import CUT, Adaptive, Moves, changed, pace_for

PLAIN = np.full((36, 64), 100, np.uint8)


def with_object(x: int, size: int = 6) -> np.ndarray:
    grey = PLAIN.copy()
    grey[10 : 10 + size, x : x + size] = 200
    return grey


def looks(greys: list[np.ndarray], restless: bool = False, step_s: float = 0.1) -> list[float]:
    pace, taken = Adaptive(), []
    for number, grey in enumerate(greys):
        time_s = round(number * step_s, 3)
        if pace.decide(time_s, grey) == "look":
            taken.append(time_s)
            pace.learn(time_s, grey, restless)
    return taken


def test_nothing_new_in_the_same_picture_and_noise() -> None:
    noise = np.random.default_rng(0).integers(-5, 6, PLAIN.shape)
    assert changed(PLAIN, PLAIN) == 0
    assert changed((PLAIN + noise).astype(np.uint8), PLAIN) == 0


def test_a_camera_that_sets_its_exposure_shows_nothing_new() -> None:
    assert changed(PLAIN + 40, PLAIN) == 0
    assert changed(with_object(5) + 40, with_object(5)) == 0


def test_what_comes_moves_or_leaves_is_new() -> None:
    assert changed(with_object(5), PLAIN) == 36 / PLAIN.size
    assert changed(PLAIN, with_object(5)) == 36 / PLAIN.size
    assert changed(with_object(5), with_object(25)) == 72 / PLAIN.size


def test_another_size_is_all_new() -> None:
    assert changed(PLAIN, PLAIN[:20]) == 1


def test_a_still_picture_is_looked_at_every_few_seconds() -> None:
    assert looks([PLAIN] * 101) == [0.0, 4.0, 8.0]


def test_a_moving_picture_is_looked_at_quickly() -> None:
    assert looks([with_object(4 * n) for n in range(11)]) == [0.0, 0.3, 0.6, 0.9]


def test_what_has_come_and_stays_is_looked_at_once() -> None:
    came = [PLAIN] * 5 + [with_object(20)] * 20
    assert looks(came) == [0.0, 0.5]


def test_a_slow_change_is_looked_at_calmly() -> None:
    slow = [with_object(20 + n // 4, size=3) for n in range(31)]
    assert len(looks(slow)) <= 7


def test_who_came_or_was_missed_is_looked_for_quickly() -> None:
    faint = [PLAIN, *[with_object(20, size=3)] * 10]
    assert looks(faint, restless=True)[:2] == [0.0, 0.2]
    assert looks(faint)[:2] == [0.0, 0.5]


def test_a_fixed_rate_looks_at_everything_and_leaves_out_no_frame() -> None:
    pace = pace_for(0.25)
    assert (pace.glance_s, pace.whole) == (0.25, True)
    assert [pace.decide(t, PLAIN) for t in (0.0, 0.25, 0.5)] == ["look"] * 3
    assert not pace_for(None).whole


SHOT, OTHER = (np.random.default_rng(seed).integers(20, 200, PLAIN.shape).astype(np.uint8) for seed in (0, 1))


def cuts(greys: list[np.ndarray]) -> list[int]:
    moves = Moves()
    return [number for number, grey in enumerate(greys) if moves.take(grey)[1]]


def test_no_glance_and_one_glance_are_no_cut() -> None:
    assert cuts([]) == cuts([SHOT]) == []


def test_another_shot_is_a_cut_and_is_looked_at_once() -> None:
    assert cuts([SHOT, SHOT, OTHER, OTHER, SHOT]) == [2, 4]
    assert looks([SHOT] * 2 + [OTHER] * 5) == [0.0, 0.2]  # not only at 0.3


def test_what_passes_and_a_camera_that_sets_its_exposure_are_no_cut() -> None:
    passing = with_object(20, size=20)
    assert changed(passing, PLAIN) < CUT
    assert cuts([PLAIN, PLAIN, passing, PLAIN]) == cuts([SHOT, SHOT, SHOT + 40]) == []


def test_a_camera_that_pans_is_no_cut_in_every_glance() -> None:
    pan = [np.roll(SHOT, 2 * step, axis=1) for step in range(20)]
    assert min(changed(a, b) for a, b in pairwise(pan)) >= CUT
    assert cuts(pan) == []
    assert cuts([SHOT, *pan]) == [2]


def test_endless_change_is_looked_at_no_more_often_than_movement() -> None:
    noise = [np.random.default_rng(seed).integers(0, 256, PLAIN.shape).astype(np.uint8) for seed in range(31)]
    assert len(looks(noise)) == 11


@pytest.mark.parametrize("every_s", [None, 0.1])
def test_a_cut_is_remembered_until_a_look_was_taken(every_s: float | None) -> None:
    pace = pace_for(every_s)
    for time_s, grey in ((0.0, SHOT), (0.1, SHOT)):
        pace.decide(time_s, grey)
        pace.learn(time_s, grey, False)
    told = []
    for time_s in (0.3, 0.4, 0.5):
        assert pace.decide(time_s, OTHER) == "look"  # and a budget puts it off
        told.append(pace.cut)
    pace.learn(0.5, OTHER, False)
    assert (told, pace.cut) == ([True] * 3, False)


def test_a_flash_before_there_was_a_look_is_taken_back() -> None:
    pace = Adaptive()
    for time_s, grey in ((0.0, SHOT), (0.1, SHOT)):
        assert pace.decide(time_s, grey) != "wait"
    pace.learn(0.1, SHOT, False)
    assert (pace.decide(0.2, OTHER), pace.cut) == ("wait", True)
    assert (pace.decide(0.3, SHOT), pace.cut) == ("still", False)
