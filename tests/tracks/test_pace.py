"""When to look: at what is new, and not at what is not."""

from __future__ import annotations

import numpy as np

from edge.tracks.pace import Adaptive, changed, pace_for

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
    assert looks([with_object(4 * n) for n in range(11)]) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]


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
