"""Decisions as trials: one vote a product, five a device, and nobody alone can make thresholds stricter."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import Matching
from edge.errors import BudgetNotMet, InputError
from edge.events import Event
from edge.shard import Shard
from export.calibration.choosing import GRID, Promise, choose
from export.calibration.feedback import COLUMNS, MOST_PRODUCTS, Decision, read_feedback, trials_of
from export.calibration.trials import Trials
from server.exporting import write_csv, write_parquet
from tests.small_shards import SPACE, random_shard

BUNDLE, PROMISE = Matching(0.7, 0.05), Promise(0.05, 0.95)
EVENT = {
    "device_id": "d1", "tag_id": "t1", "kind": "rejected", "catalog": "small", "space_id": SPACE, "product_id": "p1",
    "similarity": "0.9", "margin": "0.2", "status": "match",
}  # fmt: skip


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    return random_shard(tmp_path / "shard", 3, 3)


def table(path: Path, events: Iterable[dict[str, Any]], columns: Iterable[str] = COLUMNS) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(columns), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(events)
    return path


def decision(device: str, product: str, kind: str = "accepted", similarity: float = 0.9) -> Decision:
    return Decision(device, f"{device}{product}", kind, product, similarity, 0.3, "match")


def fleet(devices: int, rejected: int = 0, similarity: float = 0.8) -> list[Decision]:
    """Return five decisions of each device, of which the first devices reject one each."""
    some = [decision(f"d{n:02}", f"p{number}") for n in range(devices) for number in range(5)]
    return some + [decision(f"d{n:02}", "p0", "rejected", similarity) for n in range(rejected)]


def accepted(*kinds: Trials) -> np.ndarray:
    """Return at which similarity thresholds all kinds hold the promise."""
    return np.max([one.p_values(0.05, GRID, 0.05) for one in kinds], axis=0) <= 0.05


def test_no_decision_at_all_is_refused(tmp_path: Path, shard: Shard) -> None:
    with pytest.raises(InputError, match="holds no decision on a sure tag of small in space 5555"):
        read_feedback(table(tmp_path / "tags.csv", []), shard)


def test_a_device_has_one_vote_for_a_product_and_five_in_all(tmp_path: Path, shard: Shard) -> None:
    events = [{**EVENT, "tag_id": f"t{n}", "product_id": f"p{n % 9}"} for n in range(30)]
    feedback = read_feedback(table(tmp_path / "tags.csv", events), shard)
    assert (feedback.trials.count, feedback.devices, feedback.decisions) == (MOST_PRODUCTS, 1, 30)


def test_the_last_decision_on_a_tag_counts(tmp_path: Path, shard: Shard) -> None:
    events = [EVENT, {**EVENT, "kind": "accepted"}, {**EVENT, "device_id": "d2"}]
    feedback = read_feedback(table(tmp_path / "tags.csv", events), shard)
    assert (feedback.decisions, feedback.trials.trial.tolist()) == (2, [1])


def test_an_ambiguous_tag_is_no_tag(tmp_path: Path, shard: Shard) -> None:
    events = [EVENT, {**EVENT, "tag_id": "t2", "status": "ambiguous", "product_id": "p2"}]
    assert read_feedback(table(tmp_path / "tags.csv", events), shard).decisions == 1


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"catalog": "other"}, "only decisions on other in space 5555"),
        ({"space_id": "6" * 64}, "only decisions on small in space 6666"),
    ],
)
def test_feedback_on_another_catalogue_is_refused(
    tmp_path: Path, shard: Shard, change: dict[str, str], part: str
) -> None:
    with pytest.raises(InputError, match=part):
        read_feedback(table(tmp_path / "tags.csv", [{**EVENT, **change}]), shard)


def test_a_file_with_strange_columns_is_refused(tmp_path: Path, shard: Shard) -> None:
    path = table(tmp_path / "tags.csv", [EVENT], [name for name in COLUMNS if name != "device_id"])
    with pytest.raises(InputError, match="column 'device_id' is missing"):
        read_feedback(path, shard)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"kind": "liked"}, "kind: expected accepted or rejected or corrected, found 'liked'"),
        ({"similarity": "nan"}, "similarity: expected a number from -1 to 1, found 'nan'"),
        ({"margin": "many"}, "margin: expected a number"),
        ({"device_id": ""}, "device_id is missing"),
    ],
)
def test_a_bad_row_is_named_and_the_others_count(
    tmp_path: Path, shard: Shard, change: dict[str, str], part: str
) -> None:
    feedback = read_feedback(table(tmp_path / "tags.csv", [EVENT, {**EVENT, **change}]), shard)
    assert feedback.decisions == 1
    (problem,) = feedback.problems
    assert "line 3: " in problem and part in problem


def test_parquet_is_read_like_csv(tmp_path: Path, shard: Shard) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    row = {**EVENT, "similarity": 0.9, "margin": 0.2}
    parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "tags.parquet")
    assert read_feedback(tmp_path / "tags.parquet", shard).decisions == 1
    parquet.write_table(pyarrow.Table.from_pylist([{"a": 1}]), tmp_path / "strange.parquet")
    with pytest.raises(InputError, match="column 'device_id' is missing"):
        read_feedback(tmp_path / "strange.parquet", shard)
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "tags.parquet").read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_feedback(tmp_path / "cut.parquet", shard)


@pytest.mark.parametrize("name", ["tags.csv", "tags.parquet"])
def test_what_the_server_exports_is_read(tmp_path: Path, shard: Shard, name: str) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    event = Event(
        *("7" * 32, "rejected", 1_800_000_000.0, "4" * 16, shard.catalog, 3, shard.sha256, SPACE, "p1", None),
        *(0.91, 0.2, "match", b"\x01\x02"),
    )
    beside = {"device_id": "d" * 32, "device": "=shop", "received_s": 1.8e9, "clock": "ok", "product_listed": True}
    write = write_csv if name.endswith("csv") else write_parquet
    write([{**asdict(event), **beside}], tmp_path / name)
    feedback = read_feedback(tmp_path / name, shard)
    assert (feedback.decisions, feedback.problems) == (1, ())
    assert feedback.trials.similarity.tolist() == [0.91]


def test_rejected_sure_tags_raise_the_threshold() -> None:
    photos = Trials("nothing", 200, np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    calm = choose([photos, trials_of(fleet(30))], None, PROMISE, BUNDLE).matching
    upset = choose([photos, trials_of(fleet(30, rejected=20))], None, PROMISE, BUNDLE).matching
    assert calm.similarity_threshold == 0 and upset.similarity_threshold == pytest.approx(0.805)


def test_accepted_tags_lower_nothing() -> None:
    photos = Trials("nothing", 100, np.arange(30), np.full(30, 0.9), np.ones(30))
    alone = choose([photos], None, PROMISE, BUNDLE).matching
    assert choose([photos, trials_of(fleet(50))], None, PROMISE, BUNDLE).matching == alone


def test_too_few_devices_are_refused_with_the_number_needed() -> None:
    with pytest.raises(BudgetNotMet, match=r"^55 decisions beside those of any one device .* 59 are needed"):
        choose([trials_of(fleet(12))], None, PROMISE, BUNDLE)


def test_one_device_that_rejects_everything_moves_nothing() -> None:
    attack = [decision("bad", f"p{n}", "rejected", 1.0) for n in range(500)]
    honest = trials_of(fleet(30))
    assert accepted(trials_of([*fleet(30), *attack])).tolist() == accepted(honest).tolist()


votes = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 8), st.sampled_from(["accepted", "rejected"]), st.integers(100, 200)),
    max_size=60,
)


@settings(deadline=None)
@given(votes, st.lists(st.tuples(st.integers(0, 8), st.integers(0, 200)), max_size=20))
def test_one_device_makes_nothing_stricter_than_all_others_say(
    rows: list[tuple[int, int, str, int]], attack: list[tuple[int, int]]
) -> None:
    """The stated amount: never beyond the thresholds that the votes of the others, every one of them, ask for."""
    honest = fleet(30) + [decision(f"d{d:02}", f"p{p}", kind, s / 200) for d, p, kind, s in rows]
    bad = [decision("bad", f"p{p}", "rejected", s / 200) for p, s in attack]
    all_of_them = trials_of(honest)
    others = Trials("decisions", all_of_them.count, all_of_them.trial, all_of_them.similarity, all_of_them.margin)
    assert (accepted(trials_of([*honest, *bad])) >= accepted(others)).all()


@settings(deadline=None)
@given(votes, st.integers(0, 8))
def test_one_device_makes_nothing_looser_than_five_more_accepted_tags(
    rows: list[tuple[int, int, str, int]], products: int
) -> None:
    honest = fleet(30) + [decision(f"d{d:02}", f"p{p}", kind, s / 200) for d, p, kind, s in rows]
    bad = [decision("bad", f"p{p}") for p in range(products)]
    with_it, without = trials_of([*honest, *bad]), trials_of(honest)
    assert with_it.count <= without.count + MOST_PRODUCTS
    assert with_it.outcome(0.05, 0.9, 0.05)[0] == without.outcome(0.05, 0.9, 0.05)[0]
