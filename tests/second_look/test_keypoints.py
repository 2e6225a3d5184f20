"""How many keypoints agree, and what an entry of the pack keeps of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.keypoints import (
    ENTRY_BYTES,
    LARGEST,
    NUMBERS,
    STEPS,
    Agreement,
    Keypoints,
    agreement,
    share_out,
)
from tests.second_look.prints import moved, scatter


def count_agreeing(crop: Keypoints, view: Keypoints) -> int:
    return agreement(crop, view).count


@pytest.mark.parametrize(("view", "crop"), [(0, 0), (0, 5), (5, 0), (5, 1)])
def test_too_few_keypoints_agree_on_nothing(view: int, crop: int) -> None:
    assert count_agreeing(scatter(crop), scatter(view)) == 0


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(8, 60),
    seed=st.integers(0, 99),
    scale=st.floats(0.3, 3),
    turn=st.floats(0, 6.28),
    shift=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)
def test_the_same_print_agrees_however_it_is_turned_scaled_and_shifted(
    n: int, seed: int, scale: float, turn: float, shift: tuple[float, float]
) -> None:
    view = scatter(n, seed)
    assert count_agreeing(moved(view, scale, turn, shift), view) >= 0.6 * n


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99))
def test_the_order_of_keypoints_does_not_matter(seed: int) -> None:
    view, crop = scatter(20, seed), moved(scatter(30, seed), 0.7, 0.4, (0.1, 0.2))
    order = np.random.default_rng(seed).permutation(len(crop))
    turned = Keypoints(crop.place[order], crop.size[order], crop.angle[order], crop.descriptors[order])
    assert count_agreeing(turned, view) == count_agreeing(crop, view)


def test_another_print_hardly_agrees() -> None:
    assert max(count_agreeing(scatter(200, 1 + seed), scatter(80, 1000 + seed)) for seed in range(10)) <= 4


def test_the_same_marks_at_other_places_hardly_agree() -> None:
    view, elsewhere = scatter(60), scatter(60, seed=1)
    assert count_agreeing(replace(view, place=elsewhere.place), view) < 0.4 * count_agreeing(view, view)


def test_many_marks_at_one_place_count_once() -> None:
    view = scatter(40)
    stacked = replace(view, place=np.full((40, 2), 0.5, np.float32))
    assert count_agreeing(stacked, stacked) == 1


def repainted(keypoints: Keypoints, rows: slice, seed: int = 7) -> Keypoints:
    """Return keypoints of which some look different."""
    descriptors = keypoints.descriptors.copy()
    descriptors[rows] = scatter(len(keypoints), seed).descriptors[rows]
    return replace(keypoints, descriptors=descriptors)


def test_nothing_is_shared_where_nothing_agrees() -> None:
    assert share_out(scatter(0), []) == []
    assert share_out(scatter(5), [Agreement.nothing(), Agreement.nothing()]) == [0, 0]


def test_twins_share_what_agrees_and_a_view_alone_keeps_its_count() -> None:
    view = scatter(40)
    crop = moved(view, 0.6, 0.3, (0.1, 0.2))
    found = agreement(crop, view)
    assert share_out(crop, [found]) == [found.count]
    first, second = share_out(crop, [found, found])
    assert first == second == len(np.unique(found.of_crop)) / 2


def test_a_sister_loses_what_it_shows_less_well() -> None:
    view = scatter(60)
    crop = moved(view, 0.6, 0.3, (0.1, 0.2))
    steps = np.repeat(np.array(STEPS, np.int8), NUMBERS // len(STEPS))
    paler = replace(view, descriptors=(view.descriptors - np.sign(view.descriptors) * steps).astype(np.int8))
    own, sister = agreement(crop, view), agreement(crop, paler)
    assert sister.count > 20
    shares = share_out(crop, [own, sister])
    assert shares[0] > 0.8 * own.count and shares[1] < 0.3 * sister.count


@settings(max_examples=20, deadline=None)
@given(n=st.integers(8, 60), other=st.integers(0, 60), seed=st.integers(0, 99))
def test_shares_stay_within_what_agrees_and_no_order_matters(n: int, other: int, seed: int) -> None:
    view = scatter(n, seed)
    crop, sister = moved(view, 0.6, 0.3, (0.1, 0.2)), repainted(view, slice(0, other))
    found = [agreement(crop, view), agreement(crop, sister), agreement(crop, scatter(n, seed + 1))]
    counts = share_out(crop, found)
    assert all(0 <= count <= one.count for count, one in zip(counts, found, strict=True))
    assert counts[0] >= counts[1], "the print itself is nowhere farther"
    assert share_out(crop, found[::-1]) == counts[::-1]


@pytest.mark.parametrize("n", [0, 1, 7])
def test_an_entry_keeps_what_matters(n: int) -> None:
    before = scatter(n)
    entry = before.to_bytes(10_000)
    after = Keypoints.from_bytes(entry)
    assert len(entry) == n * ENTRY_BYTES == n * 28
    assert np.array_equal(after.descriptors, before.descriptors)
    assert np.abs(after.place - before.place).max(initial=0) <= 1 / 256
    assert np.abs(np.log(after.size / before.size)).max(initial=0) < 0.02
    assert np.abs(np.exp(1j * after.angle) - np.exp(1j * before.angle)).max(initial=0) < 0.02
    assert after.to_bytes(10_000)[3:] == entry[3:]


def test_an_entry_keeps_its_budget_and_the_first_keypoints() -> None:
    entry = scatter(9).to_bytes(3 * ENTRY_BYTES + 5)
    assert np.array_equal(Keypoints.from_bytes(entry).descriptors, scatter(9).descriptors[:3])


def test_rejects_an_entry_of_another_length() -> None:
    with pytest.raises(ValueError):
        Keypoints.from_bytes(b"\0" * 29)


def test_codes_stay_within_four_bits() -> None:
    codes = scatter(300).descriptors // np.repeat(np.array(STEPS, np.int8), NUMBERS // len(STEPS))
    assert np.abs(codes).max() <= LARGEST and len(np.unique(codes)) > LARGEST
