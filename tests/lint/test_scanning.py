"""Views held against each other in blocks: as if it had been done one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.catalog import scanning
from export.catalog.scanning import NONE, Views, of_the_catalogue, scan, unit
from tests.small_shards import random_shard


def test_an_empty_catalogue_has_nothing_to_compare(tmp_path: Path) -> None:
    views = Views.of(random_shard(tmp_path / "shard", 0, 0))
    assert len(scan(of_the_catalogue(views), views, 0.5).own) == 0


def test_a_single_view_has_no_neighbour(tmp_path: Path) -> None:
    views = Views.of(random_shard(tmp_path / "shard", 1, 1))
    found = scan(of_the_catalogue(views), views)
    assert (found.own[0], found.other[0], found.other_view[0]) == (NONE, NONE, -1)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_of_any_size_find_what_one_by_one_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(scanning, "ROWS", block)
    monkeypatch.setattr(scanning, "COLUMNS", block + 2)
    views = Views.of(random_shard(tmp_path / "shard", 12, 40, ndim=5))
    found = scan(of_the_catalogue(views), views, 0.6)
    cosine = unit(views.vectors) @ unit(views.vectors).T
    pairs: dict[tuple[int, int], float] = {}
    for view, product in enumerate(views.product):
        own = [cosine[view, at] for at in range(40) if views.product[at] == product and at != view]
        assert found.own[view] == pytest.approx(max(own, default=NONE), abs=1e-6)
        others = np.where(views.product == product, NONE, cosine[view])
        assert found.other[view] == pytest.approx(others.max(), abs=1e-6)
        assert found.other_view[view] == others.argmax()
        for at in np.flatnonzero(others >= 0.6):
            key = tuple(sorted((int(product), int(views.product[at]))))
            pairs[key[0], key[1]] = max(pairs.get((key[0], key[1]), NONE), float(others[at]))
    assert {key: pytest.approx(value[0], abs=1e-6) for key, value in found.pairs.items()} == pairs


def test_pairs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "MOST_PAIRS", 5)
    views = Views.of(random_shard(tmp_path / "shard", 12, 12))
    found = scan(of_the_catalogue(views), views, -1.0)
    assert len(found.pairs) == 5 and found.pairs_left_off
