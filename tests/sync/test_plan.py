"""The cheapest way to a release, and who takes it."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sync.index import DeltaFile, Generation, Part, PublishedFile, Release
from edge.sync.plan import REQUEST_BYTES, plan_update, release_for


def sha(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def file(length: int) -> PublishedFile:
    return PublishedFile(sha(length), length, 2 * length)


def generation(costs: dict[tuple[int, int], int], newest: int, full: int | None = 10_000) -> Generation:
    parts = () if full is None else (Part(file(full), 1, 1, ""),)
    releases = [Release(v, sha(v), 1, 1, parts=parts if v == newest else ()) for v in range(newest, 0, -1)]
    deltas = tuple(DeltaFile(sha(a), sha(b), file(length)) for (a, b), length in costs.items())
    return Generation("5" * 64, 4, tuple(releases), deltas)


def test_nothing_to_do_is_no_way() -> None:
    g = generation({}, 1)
    assert plan_update(g, g.newest, sha(1)).way == "none"


def test_a_first_install_takes_the_parts_of_the_category_first() -> None:
    parts = tuple(Part(file(n), 1, 1, category) for n, category in enumerate(["a", "b", "", "b"], 1))
    g = Generation("5" * 64, 4, (Release(1, sha(1), 4, 4, parts=parts),))
    plan = plan_update(g, g.newest, None, category="b")
    assert plan.way == "full" and [p.category for p in plan.parts] == ["b", "b", "a", ""] and plan.bytes == 10


def test_skipped_versions_take_the_direct_delta_where_it_is_cheaper_than_the_chain() -> None:
    chain = {(v, v + 1): 1000 for v in range(1, 7)}
    assert [d.target for d in plan_update(generation(chain, 7), generation(chain, 7).newest, sha(1)).deltas] == [
        sha(v) for v in range(2, 8)
    ]
    direct = generation({**chain, (1, 7): 3000}, 7)
    assert [d.target for d in plan_update(direct, direct.newest, sha(1)).deltas] == [sha(7)]


def test_the_full_shard_is_taken_where_it_is_cheaper_or_nothing_leads_on() -> None:
    dear = generation({(1, 2): 20_000}, 2)
    assert plan_update(dear, dear.newest, sha(1)).way == "full"
    assert plan_update(dear, dear.newest, sha("unknown")).way == "full"
    cheap = generation({(1, 2): 20}, 2)
    assert plan_update(cheap, cheap.newest, sha(1), without_deltas=True).way == "full"
    with pytest.raises(ValueError, match="nothing leads to version 2"):
        plan_update(generation({}, 2, full=None), Release(2, sha(2), 1, 1), sha(1))


@given(st.dictionaries(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 5000), max_size=20))
def test_no_other_chain_is_cheaper(costs: dict[tuple[int, int], int]) -> None:
    g = generation(costs, 6)
    plan = plan_update(g, g.newest, sha(1))
    best = [0, *[10**9] * 5]
    for _ in range(6):
        for (a, b), length in costs.items():
            best[b - 1] = min(best[b - 1], best[a - 1] + length + REQUEST_BYTES)
    requests = len(plan.deltas) + len(plan.parts)
    assert plan.bytes + requests * REQUEST_BYTES == min(best[5], 10_000 + REQUEST_BYTES)
    at = sha(1)
    for delta in plan.deltas:
        assert delta.base == at
        at = delta.target
    assert plan.way == "full" or at == sha(6)


def test_a_staged_release_reaches_its_share_and_stays_with_it() -> None:
    g = generation({}, 2)
    staged = replace(g, releases=(replace(g.releases[0], share=0.2), *g.releases[1:]))
    devices = [f"device {n}" for n in range(2000)]
    taken = Counter(release_for(staged, device, "shop").version for device in devices)
    assert 320 <= taken[2] <= 480 and taken[1] == 2000 - taken[2]
    wider = replace(g, releases=(replace(g.releases[0], share=0.6), *g.releases[1:]))
    early = [d for d in devices if release_for(staged, d, "shop").version == 2]
    assert all(release_for(wider, d, "shop").version == 2 for d in early)
    assert {release_for(g, d, "shop").version for d in devices} == {2}
