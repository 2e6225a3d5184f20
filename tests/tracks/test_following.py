"""Detections become tracks: none lost, none twice, in flat memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.tags import Box
from edge.tracks.association import associate
from edge.tracks.boxes import box_at, overlap
from edge.tracks.following import Following
from edge.tracks.seen import Seen, is_cut, likeness, measure, quality
from edge.tracks.track import PICKS, THIN_S, Pick, Track

SIZE = (640, 360)
CROP = np.zeros((4, 4, 3), np.uint8)
A, B = (np.random.default_rng(seed).random(64) for seed in (0, 1))


def follow(looks: list[tuple[float, list[Seen]]]) -> list[Track]:
    following, ended = Following(0.5), []
    for time_s, seen in looks:
        ended += following.observe(time_s, SIZE, seen, lambda place: CROP).ended
    return ended + following.close()


def box(x: float, y: float = 100.0, width: float = 60.0, height: float = 120.0) -> Box:
    return x, y, x + width, y + height


sides = st.floats(5, 200)
detections = st.builds(
    lambda x, y, w, h, c, patch: Seen((x, y, x + w, y + h), c, 5.0, patch),
    st.floats(0, 500),
    st.floats(0, 300),
    sides,
    sides,
    st.floats(0.25, 1),
    st.sampled_from([A, B, None]),
)


@given(st.lists(st.tuples(st.floats(0.05, 2), st.lists(detections, max_size=5)), max_size=15))
def test_every_confident_detection_is_in_one_track(steps: list[tuple[float, list[Seen]]]) -> None:
    time_s, looks = 0.0, []
    for step_s, seen in steps:
        time_s += step_s
        looks.append((time_s, sorted(seen, key=lambda one: -one.confidence)))
    tracks = follow(looks)
    confident = sum(one.confidence >= 0.5 for _, seen in looks for one in seen)
    assert sum(track.sightings for track in tracks) == confident
    for track in tracks:
        times = [seen_s for seen_s, _ in track.trail]
        assert times == sorted(set(times))
        assert 1 <= len(track.picks) <= PICKS
        assert track.start_s <= track.end_s <= time_s


def test_nothing_seen_makes_no_tracks() -> None:
    assert follow([]) == follow([(0.0, []), (1.0, [])]) == []
    assert associate([], [], 0.0, 0.5) == []


def test_two_that_pass_each_other_keep_their_tracks() -> None:
    looks = [(0.2 * i, [Seen(box(50 + 30 * i), 0.9, 5.0, A), Seen(box(350 - 30 * i), 0.8, 5.0, B)]) for i in range(11)]
    tracks = follow(looks)
    assert [(track.sightings, track.trail[-1][1][0]) for track in tracks] == [(11, 350.0), (11, 50.0)]


def test_a_fast_one_is_followed_by_its_look() -> None:
    tracks = follow([(0.2 * i, [Seen(box(20 + 55 * i), 0.9, 5.0, A)]) for i in range(9)])
    assert [track.sightings for track in tracks] == [9]


def test_what_looks_otherwise_at_the_same_place_is_another_one() -> None:
    tracks = follow([(0.2 * i, [Seen(box(100), 0.9, 5.0, A if i < 3 else B)]) for i in range(6)])
    assert [track.sightings for track in tracks] == [3, 3]


def test_a_weak_one_bridges_and_never_begins() -> None:
    looks = [(0.5 * i, [Seen(box(100), 0.9 if i in (0, 4) else 0.3)]) for i in range(8)]
    (track,) = follow(looks)
    assert (track.sightings, track.start_s, track.end_s) == (2, 0.0, 2.0)


def test_a_track_ends_after_a_second_and_two_looks() -> None:
    seen = [Seen(box(100), 0.9, 5.0, A)]
    assert len(follow([(0.0, seen), (0.9, []), (1.8, seen)])) == 1
    assert len(follow([(0.0, seen), (0.6, []), (1.2, []), (1.8, seen)])) == 2
    assert len(follow([(0.0, seen), (20.0, []), (40.0, seen)])) == 1
    assert len(follow([(0.0, seen), (20.0, []), (40.0, []), (60.0, seen)])) == 2


def test_a_look_says_whether_somebody_came_or_was_missed() -> None:
    following, seen = Following(0.5), [Seen(box(100), 0.9, 5.0, A)]
    told = [
        following.observe(t, SIZE, found, lambda place: CROP).restless
        for t, found in enumerate([[], seen, seen, [], []])
    ]
    assert told == [False, True, False, True, False]


@given(st.floats(-100, 100), st.floats(-50, 50), st.floats(0.1, 0.5))
def test_a_thinned_trail_still_tells_where_it_was(right: float, down: float, step_s: float) -> None:
    track, times = Track(), [step_s * i for i in range(60)]
    for time_s in times:
        track.take(time_s, Seen(box(1000 + right * time_s, 1000 + down * time_s), 0.9), True)
    assert len(track.trail) <= times[-1] / THIN_S * 2 + 3
    for time_s in times:
        there, told = box(1000 + right * time_s, 1000 + down * time_s), box_at(track.trail, time_s)
        assert overlap(there, told) > 0.9


def test_what_stays_takes_two_places_however_long() -> None:
    track = Track()
    track.take(0.0, Seen(box(100), 0.9), True)
    for i in range(10_000):
        track.stay(0.1 * i + 0.1)
    assert [time_s for time_s, _ in track.trail] == [0.0, pytest.approx(1000.0)]


def test_the_best_crop_of_each_half_second_and_three_in_all() -> None:
    track = Track()
    track.take(0.0, Seen(box(0), 0.9), True)
    for tenth, value in enumerate([1, 3, 2, 3, 1, 5, 4, 4, 4, 4, 2, 2, 2, 2, 2, 9, 9, 9, 9, 9]):
        if track.wants(tenth / 10, value):
            track.pick(Pick(tenth / 10, box(0), 0.9, value, CROP))
    assert [(pick.timestamp_s, pick.quality) for pick in track.picks] == [(0.1, 3), (0.5, 5), (1.5, 9)]


def test_quality_falls_with_blur_size_confidence_and_the_border() -> None:
    good = Seen((100, 100, 300, 300), 0.9, 10.0)
    for worse in (
        Seen((100, 100, 300, 300), 0.9, 5.0),
        Seen((100, 100, 180, 300), 0.9, 10.0),
        Seen((100, 100, 300, 300), 0.5, 10.0),
        Seen((100, 158, 300, 359.9), 0.9, 10.0),
    ):
        assert quality(worse, SIZE) < quality(good, SIZE)
    assert quality(Seen((100, 100, 280, 340), 0.9, 10.0), SIZE) == quality(good, SIZE)
    assert is_cut((0, 50, 20, 90), SIZE) and not is_cut((4, 50, 20, 90), SIZE)


def test_blur_makes_a_crop_less_sharp_and_leaves_its_patch() -> None:
    sharp = np.kron(np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8), np.ones((4, 4, 1), np.uint8))
    blurred = ((sharp.astype(int) + np.roll(sharp, 6, 0) + np.roll(sharp, 6, 1)) // 3).astype(np.uint8)
    assert measure(blurred)[0] < measure(sharp)[0]
    assert likeness(measure(sharp)[1], measure(blurred)[1]) > 0.5
    assert measure(np.full((1, 1, 3), 9, np.uint8))[0] == 0


def test_likeness_of_what_is_missing_or_flat_is_whole() -> None:
    assert likeness(None, A) == likeness(A, np.ones(64)) == 1.0
    assert likeness(A, A) == pytest.approx(1.0)
    assert likeness(A, -A) == pytest.approx(-1.0)


def test_a_cut_ends_every_track_also_of_what_looks_alike_at_the_same_place() -> None:
    following, seen = Following(0.5), [Seen(box(100), 0.9, 5.0, A)]
    following.observe(0.0, SIZE, seen, lambda place: CROP)
    (ended,) = following.observe(0.2, SIZE, seen, lambda place: CROP, cut=True).ended
    assert (ended.sightings, ended.missed, ended.fleeting) == (1, 0, False)
    (begun,) = following.close()
    assert (begun.start_s, begun.speed) == (0.2, None)


def test_a_cut_to_nothing_is_restless_where_something_was_and_stays_end_with_it() -> None:
    following, seen = Following(0.5), [Seen(box(100), 0.9, 5.0, A)]
    assert not following.observe(0.0, SIZE, [], lambda place: CROP, cut=True).restless
    following.observe(0.2, SIZE, seen, lambda place: CROP)
    news = following.observe(0.4, SIZE, [], lambda place: CROP, cut=True)
    following.stay(0.5)
    assert (news.restless, news.ended[0].end_s, following.close()) == (True, 0.2, [])
