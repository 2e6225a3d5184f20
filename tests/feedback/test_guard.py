"""What contributed vectors can do to a catalogue, and what they cannot: one device, several, and attackers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.contributed import ContributedView
from edge.shard.vectors import quantize
from export.catalog.extra import Base
from export.catalog.scanning import unit
from export.feedback.guard import TOO_FEW, Guard, Judged, _agreed, guard
from export.feedback.harm import TAKES_A_CANARY, TAKES_A_PICTURE, TAKES_A_VOICE, Sightings

SPACE = "5" * 64
NDIM, PRODUCTS = 24, 30
MATCHING = Matching(0.77, 0.03)
RULE = Guard(MATCHING, SPACE)


def catalogue(views_each: int = 1, seed: int = 0) -> Base:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((PRODUCTS, NDIM))
    vectors = np.repeat(centres, views_each, axis=0) + 0.15 * rng.standard_normal((PRODUCTS * views_each, NDIM))
    product = np.repeat(np.arange(PRODUCTS), views_each)
    return Base.of([f"p{row:02d}" for row in range(PRODUCTS)], quantize(vectors), product)


BASE = catalogue()
PICTURES = unit(BASE.views.vectors)


def photo(of: int, seed: int, spread: float = 0.5) -> np.ndarray:
    """A vector as similar to a picture as a photo is."""
    noise = np.random.default_rng([seed, of]).standard_normal(NDIM)
    return np.asarray(PICTURES[of] + spread * noise / np.linalg.norm(noise))


def said(device: object, product: int, vector: np.ndarray, space_id: str = SPACE) -> ContributedView:
    voice = hashlib.sha256(str(device).encode()).hexdigest()[:16]
    return ContributedView(voice, f"p{product:02d}", space_id, quantize(vector[None])[0].tobytes())


def honest(product: int, devices: int, each: int = 2) -> list[ContributedView]:
    return [said(device, product, photo(product, 10 * device + n)) for device in range(devices) for n in range(each)]


def first_for(queries: np.ndarray, judged: Judged) -> np.ndarray:
    """Return the product that a search over pictures and added views gives first."""
    vectors = np.concatenate([PICTURES, unit(judged.views.vectors)])
    product = np.concatenate([BASE.views.product, judged.views.product])
    return np.asarray(product[(queries @ vectors.T).argmax(axis=1)])


def test_nothing_contributed_adds_nothing() -> None:
    assert len(guard([], BASE, RULE).views) == 0


def test_three_devices_that_agree_add_one_view_near_the_product() -> None:
    judged = guard(honest(4, 3), BASE, RULE)
    assert judged.views.product.tolist() == [4] and judged.devices == 3
    similarity = (PICTURES @ unit(judged.views.vectors)[0]).tolist()
    assert max(range(PRODUCTS), key=similarity.__getitem__) == 4


def test_the_view_is_no_single_vector_and_the_same_every_time() -> None:
    views = honest(4, 5)
    judged, again = guard(views, BASE, RULE), guard(views[::-1], BASE, RULE)
    assert judged.views.vectors[0].tobytes() not in {view.vector for view in views}
    assert judged.views.keys.tolist() == again.views.keys.tolist()


@pytest.mark.parametrize("devices", [1, 2])
def test_too_few_devices_add_nothing_however_much_they_say(devices: int) -> None:
    judged = guard(honest(4, devices, each=150), BASE, RULE)
    assert len(judged.views) == 0 and judged.left_out[TOO_FEW] == devices * 150


def test_one_device_with_hundreds_of_forged_vectors_for_every_product_moves_nothing() -> None:
    """The attack: a device, under the one voice that the server gives its name, says of every product what it likes."""
    rng = np.random.default_rng(1)
    forged = [
        said("attacker", product, PICTURES[product] * weight + PICTURES[(product + 1) % PRODUCTS] * (1 - weight))
        for product in range(PRODUCTS)
        for weight in rng.uniform(0, 1, 20)
    ]
    assert len(forged) == 600
    judged = guard(forged, BASE, RULE)
    assert len(judged.views) == 0


def test_one_attacker_among_honest_devices_weighs_no_more_than_its_share() -> None:
    target, victim = 4, 9
    between = PICTURES[target] * 0.62 + PICTURES[victim] * 0.5
    forged = [said("attacker", target, between + 0.001 * n) for n in range(300)]
    without = guard(honest(target, 4), BASE, RULE)
    judged = guard([*honest(target, 4), *forged], BASE, RULE)
    assert len(judged.views) == len(without.views) == 1
    moved = unit(judged.views.vectors)[0] @ PICTURES[victim] - unit(without.views.vectors)[0] @ PICTURES[victim]
    assert moved < 0.2 * 0.6, "one of five: at most a fifth of the way"
    crowd = np.stack([photo(victim, seed) for seed in range(200)])
    crowd /= np.linalg.norm(crowd, axis=1, keepdims=True)
    assert (first_for(crowd, judged) == first_for(crowd, guard([], BASE, RULE))).mean() > 0.99


@given(st.integers(0, 2**31), st.integers(2, 6))
def test_no_single_device_moves_a_number_out_of_the_range_of_the_others(seed: int, honest_devices: int) -> None:
    rng = np.random.default_rng(seed)
    others = unit(PICTURES[4] + 0.03 * rng.standard_normal((honest_devices, NDIM)))
    forged = unit((PICTURES[4] + 0.06 * rng.standard_normal(NDIM))[None])[0]
    made = list(_agreed([*others, forged], RULE))
    for view in made[:1]:
        scale = float(np.linalg.norm(np.median(np.vstack([others, forged]), axis=0)))
        assert (view * scale >= others.min(axis=0) - 1e-6).all() and (view * scale <= others.max(axis=0) + 1e-6).all()


def test_colluders_cannot_have_another_products_pictures_tagged_as_theirs() -> None:
    target, victim = 4, 9
    forged = [said(device, target, PICTURES[victim] + 0.01 * device) for device in range(3)]
    assert len(guard(forged, BASE, RULE).views) == 0
    creeping = [
        said(d, target, PICTURES[target] * (1 - w) + PICTURES[victim] * w) for d in range(3) for w in (0.3, 0.45)
    ]
    judged = guard(creeping, BASE, RULE)
    assert (first_for(PICTURES, judged) == np.arange(PRODUCTS)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 6))
def test_whatever_colluders_send_every_picture_keeps_its_product(seed: int, devices: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = rng.integers(0, PRODUCTS, 40)
    drift = rng.uniform(0, 0.6, 40)
    aims = rng.integers(0, PRODUCTS, 40)
    forged = [
        said(device, int(p), PICTURES[p] * (1 - w) + PICTURES[a] * w + 0.02 * rng.standard_normal(NDIM))
        for p, w, a in zip(chosen, drift, aims, strict=True)
        for device in range(devices)
    ]
    judged = guard(forged, BASE, RULE)
    assert (first_for(PICTURES, judged) == np.arange(PRODUCTS)).all()
    assert max(np.bincount(judged.views.product, minlength=1)) <= RULE.per_product


def kept_out(judged: Judged, reason: str) -> bool:
    return len(judged.views) == 0 and judged.left_out[reason] == 1


def at(degrees: float) -> np.ndarray:
    """A vector in a plane in which everything is easy to see."""
    vector = np.zeros(NDIM)
    vector[:2] = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return vector


def plane(*pictures_of_the_second: float) -> Base:
    """Two products: the first has a picture at 0 degrees, the second at these."""
    vectors = quantize(np.stack([at(0), *map(at, pictures_of_the_second)]))
    return Base.of(["p00", "p01"], vectors, np.array([0, *(1 for _ in pictures_of_the_second)]))


AGREED = [said(device, 0, at(32 + 0.1 * device)) for device in range(3)]
"""Three devices that have shown the first product at 32 degrees: near its picture, not near the other's."""


def test_a_view_that_would_take_a_canary_is_left_out() -> None:
    assert len(guard(AGREED, plane(90), RULE).views) == 1
    for degrees, must_be, lost in ((52, 1, True), (80, 1, False), (10, 0, False), (60, -1, True), (90, -1, False)):
        sightings = Sightings(unit(at(degrees)[None]), np.array([must_be]))
        judged = guard(AGREED, plane(90), RULE, sightings)
        assert kept_out(judged, TAKES_A_CANARY) if lost else len(judged.views) == 1, degrees


def test_a_view_that_would_take_another_devices_photo_is_left_out() -> None:
    assert kept_out(guard([*AGREED, said("witness", 1, at(52))], plane(90), RULE), TAKES_A_VOICE)
    assert len(guard([*AGREED, said("witness", 1, at(80))], plane(90), RULE).views) == 1


def test_a_product_with_a_view_of_its_own_keeps_its_photos() -> None:
    others = [said(device, 1, at(52 + device)) for device in range(4)]
    assert guard([*AGREED, *others], plane(90), RULE).views.product.tolist() == [0, 1]


def test_a_view_that_would_take_a_picture_of_a_product_with_several_is_left_out() -> None:
    assert kept_out(guard(AGREED, plane(130, 68), RULE), TAKES_A_PICTURE)
    assert len(guard(AGREED, plane(90, 68), RULE).views) == 1, "its own other picture is nearer to it"
    assert len(guard(AGREED, plane(200, 68), RULE).views) == 1, "it was lost before: nothing new is taken"


def test_other_spaces_lengths_and_products_are_counted_and_left_out() -> None:
    strange: Sequence[ContributedView] = [
        said(0, 4, photo(4, 1), space_id="6" * 64),
        ContributedView("a" * 16, "unknown", SPACE, bytes(NDIM)),
        ContributedView("b" * 16, "p04", SPACE, bytes(NDIM + 1)),
    ]
    judged = guard(strange, BASE, RULE)
    assert len(judged.views) == 0 and judged.contributed == 3
    assert sum(judged.left_out.values()) == 3
    zeros = [ContributedView(f"{n:016x}", "p04", SPACE, bytes(NDIM)) for n in range(4)]
    assert len(guard(zeros, BASE, RULE).views) == 0
