"""The rules of the checks, on vectors and pictures whose right answer is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.shard import ProductRecord, Shard
from export.catalog.limits import Limits
from export.catalog.scanning import Views
from export.lint.checking import Material, lint
from export.lint.pictures import is_blank
from export.lint.shadows import find_shadowed
from tests.small_shards import make_shard

MATCHING = Matching(0.77, 0.03)
NDIM = 32


@given(st.floats(0.05, 0.99), st.floats(0, 0.5))
def test_limits_follow_from_the_thresholds(photo: float, lead: float) -> None:
    limits = Limits.of(Matching(photo, lead))
    assert 0 <= limits.near <= limits.same == 1 - lead
    if 0 < limits.near < limits.same:
        alike = math.isclose(photo * (1 - limits.near), lead, abs_tol=1e-12)  # 1 - x rounds by 1e-16
        assert alike, "the weakest photo leads by the margin at this likeness"


def test_thresholds_that_let_everything_through_give_limits_that_exist() -> None:
    assert Limits.of(Matching(-1, 0)) == Limits(-1, 0, 1, 1)
    assert Limits.of(Matching(0.1, 0.9)).near == 0


def shop(folder: Path, vectors: np.ndarray, product: list[int]) -> Shard:
    records = [ProductRecord(f"p{i:03d}", f"Title {i}") for i in range(max(product) + 1)]
    return make_shard(folder, records, product, vectors)


def around_a_mean(n: int, seed: int = 0) -> np.ndarray:
    """Vectors as photos of things have them: with a direction in common."""
    rng = np.random.default_rng(seed)
    towards = np.zeros(NDIM)
    towards[0] = 2.0
    vectors = towards + rng.standard_normal((n, NDIM)) / 2
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def test_an_empty_catalogue_passes_with_nothing_looked_at(tmp_path: Path) -> None:
    shard = make_shard(tmp_path / "shard", [], [], np.zeros((0, 4)))
    linted = lint(shard, MATCHING, Material())
    assert linted.findings == () and all(check["passed"] for check in linted.checks())


def test_a_hub_shadows_its_neighbour_and_nobody_else(tmp_path: Path) -> None:
    vectors = around_a_mean(40, seed=1)
    mean = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    alone = Views.of(shop(tmp_path / "alone", vectors, [*range(40)]))
    before = set(find_shadowed(alone, 0.77))
    hub = vectors[0] + 0.5 * mean
    shard = shop(tmp_path / "shard", np.vstack([vectors, hub]), [*range(41)])
    shadowed = find_shadowed(Views.of(shard), 0.77)
    assert 0 not in before and 0 in shadowed and shadowed[0].by == 40 and shadowed[0].share > 0.9
    findings = [f for f in lint(shard, MATCHING, Material()).findings if f.check == "shadowed"]
    assert "p000" in {f.place.product_id for f in findings} and all(f.other is not None for f in findings)


def test_shadows_come_out_the_same_every_time(tmp_path: Path) -> None:
    views = Views.of(shop(tmp_path / "shard", around_a_mean(60, seed=3), [*range(60)]))
    assert find_shadowed(views, 0.6) == find_shadowed(views, 0.6)


def test_a_vector_of_zeros_is_broken(tmp_path: Path) -> None:
    vectors = around_a_mean(4)
    vectors[2] = 0
    (finding,) = [
        f
        for f in lint(shop(tmp_path / "s", vectors, [0, 1, 2, 3]), MATCHING, Material()).findings
        if f.check == "broken_pictures"
    ]
    assert finding.place.product_id == "p002"


def test_near_duplicates_begin_at_the_limit(tmp_path: Path) -> None:
    near = Limits.of(MATCHING).near
    for above, expected in ((0.004, ["near_duplicates"]), (-0.01, [])):
        likeness = near + above
        vectors = np.zeros((2, NDIM))
        vectors[0, 0] = 1
        vectors[1, :2] = likeness, math.sqrt(1 - likeness**2)
        findings = lint(shop(tmp_path / f"s{above}", vectors, [0, 1]), MATCHING, Material()).findings
        assert [f.check for f in findings if f.check != "shadowed"] == expected


def test_the_same_picture_is_found_where_no_lead_is_asked_for(tmp_path: Path) -> None:
    vectors = around_a_mean(6)
    shard = shop(tmp_path / "shard", np.vstack([vectors, vectors[2]]), [*range(7)])
    findings = lint(shard, Matching(0.5, 0.0), Material()).findings
    assert [f.place.product_id for f in findings if f.check == "same_picture"] == ["p002"]


def test_a_picture_is_only_a_misfit_where_the_tag_would_be_sure(tmp_path: Path) -> None:
    vectors = around_a_mean(12, seed=1)
    other, stranger = vectors[5], vectors[0] * 0.2 + vectors[7]
    product = [*range(12), 0, 1]
    shard = shop(
        tmp_path / "shard", np.vstack([vectors, other + 0.02 * vectors[0], stranger * 0 + vectors[1]]), product
    )
    findings = [f for f in lint(shard, MATCHING, Material()).findings if f.check == "misfits"]
    assert [(f.place.product_id, f.other and f.other.product_id) for f in findings] == [("p000", "p005")]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_colour_and_faint_noise_are_blank(level: int) -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (90, 120, 3))
    assert is_blank(np.clip(level + noise, 0, 255).astype(np.uint8))


def test_a_small_thing_on_white_is_not_blank() -> None:
    picture = np.full((200, 200, 3), 255, np.uint8)
    picture[90:110, 90:110] = 200
    assert not is_blank(picture)
    assert not is_blank(np.dstack([np.full((8, 8), 90), np.full((8, 8), 90), np.eye(8) * 60]).astype(np.uint8))
