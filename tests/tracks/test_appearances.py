"""Tracks become appearances: each object once, each product once for the time that it is there, in linear time."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest

from edge.tags import Box, Candidate, Moment
from edge.tracks.appearances import GAP_S, Named, gap_for, gather
from edge.tracks.votes import Status

PLACE = (100.0, 80.0, 180.0, 240.0)
BESIDE = (400.0, 80.0, 480.0, 240.0)
CROP = np.zeros((1, 1, 3), np.uint8)


def track(
    product: str, start_s: float, end_s: float, xyxy: Box = PLACE, status: Status = "match", sightings: int = 5
) -> Named:
    candidates = Candidate(0, product, product, 0.9), Candidate(0, "other", "other", 0.5)
    trail = ((start_s, xyxy),) if start_s == end_s else ((start_s, xyxy), (end_s, xyxy))
    return Named(trail, sightings, False, status, candidates, Moment(start_s, xyxy, CROP), clear=True)


def spans(tracks: list[Named]) -> list[tuple[str, float, float]]:
    return [(one.product[1], one.start_s, one.end_s) for one in tracks]


def test_nothing_gives_nothing() -> None:
    assert gather([]) == ([], [])


def test_the_order_in_which_tracks_come_does_not_matter() -> None:
    tracks = [track("oat", 0.0, 1.0), track("soy", 0.5, 2.0, BESIDE), track("oat", 2.0, 3.0), track("oat", 9.0, 9.5)]
    expected = [("oat", 0.0, 3.0), ("soy", 0.5, 2.0), ("oat", 9.0, 9.5)]
    assert spans(gather(tracks)[0]) == spans(gather(tracks[::-1])[0]) == expected


@pytest.mark.parametrize(("pause_s", "appearances"), [(GAP_S, 1), (GAP_S + 0.01, 2)])
def test_the_gap_is_a_limit(pause_s: float, appearances: int) -> None:
    assert len(gather([track("oat", 0.0, 1.0), track("oat", 1.0 + pause_s, 5.0)])[0]) == appearances


def test_a_long_track_keeps_an_appearance_open_for_a_short_one_that_begins_later() -> None:
    tracks = [track("oat", 0.0, 60.0), track("oat", 1.0, 2.0, BESIDE), track("oat", 61.0, 62.0)]
    assert spans(gather(tracks)[0]) == [("oat", 0.0, 62.0)]


def test_a_brief_misreading_lengthens_the_track_that_it_is_of() -> None:
    tracks = [track("soy", 0.0, 0.0, sightings=1), track("oat", 0.4, 3.0)]
    assert spans(gather(tracks)[0]) == [("oat", 0.0, 3.0)]


def test_a_brief_track_of_a_product_that_stays_is_its_beginning() -> None:
    tracks = [track("oat", 0.0, 3.0), track("soy", 3.4, 3.4, sightings=1), track("soy", 4.0, 6.0, BESIDE)]
    assert spans(gather(tracks)[0]) == [("oat", 0.0, 3.0), ("soy", 3.4, 6.0)]


def test_each_track_is_settled_once_and_parts_never() -> None:
    settled: list[str] = []

    def settle(one: Named) -> Named:
        settled.append(one.product[1])
        return one

    gather([track("oat", 0.0, 3.0), track("label", 1.0, 2.0, (110, 90, 170, 200), "unmatched")], settle=settle)
    assert settled == ["oat"]


def test_unknown_things_one_after_the_other_at_one_place_are_one() -> None:
    tracks = [track("x", 0.0, 1.0, status="unmatched"), track("y", 2.0, 3.0, status="unmatched")]
    assert [(one.start_s, one.end_s) for one in gather(tracks)[1]] == [(0.0, 3.0)]
    apart = [tracks[0], track("y", 2.0, 3.0, BESIDE, status="unmatched")]
    assert len(gather(apart)[1]) == 2


def test_time_grows_with_the_number_of_tracks_and_not_with_its_square() -> None:
    def seconds(n: int) -> float:
        tracks = [track(f"p{i % 50}", 3.0 * i, 3.0 * i + 2, status=("match", "unmatched")[i % 2]) for i in range(n)]
        start = process_time()
        gather(tracks)
        return process_time() - start

    seconds(200)
    assert seconds(8000) < 25 * max(seconds(1000), 0.005)


def test_the_gap_follows_the_rate_that_a_user_fixes() -> None:
    assert (gap_for(None), gap_for(0.5), gap_for(2.0)) == (GAP_S, GAP_S, 5.0)
