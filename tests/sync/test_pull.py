"""The pull, from an empty device to the newest version, over lines good and bad."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ArtefactRefused, NetworkError, OutputError, TagletError, UsageError
from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.sync import download, transport
from edge.sync.download import Downloads
from edge.sync.index import PublishedFile
from edge.sync.store import CATALOGS, CatalogStore, open_synced
from edge.sync.syncing import Outcome, Wishes, pull
from edge.sync.transport import LimitReached, Metered
from tests.small_shards import SPACE
from tests.sync.simulator import DAY_S, NOW_S, Line, Publisher

WISHES = Wishes(SPACE)


def catalogue(folder: Path, version: int, products: range, prices: dict[int, str]) -> Shard:
    rng = np.random.default_rng(0)
    vectors = rng.integers(-127, 128, (100, 8)).astype(np.int8)
    records = [
        ProductRecord(f"p{n:03}", f"title {n}", category=f"c{n % 2}", price=prices.get(n, "1.00")) for n in products
    ]
    rows = np.array(products, np.int64)
    columns = canonical_columns(records, rows.astype(np.uint64) + 1, vectors[rows], np.arange(len(records)))
    write_shard(folder / str(version), "shop", version, SPACE, columns)
    return open_shard(folder / str(version))


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[Shard]:
    folder = tmp_path_factory.mktemp("states")
    return [
        catalogue(folder, 1, range(0, 20), {}),
        catalogue(folder, 2, range(1, 21), {3: "2.00"}),
        catalogue(folder, 3, range(2, 22), {3: "2.00", 5: "9.00"}),
    ]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.0)


def sync(
    home: Path, line: Line, wishes: Wishes = WISHES, now_s: float = NOW_S, max_bytes: int | None = None
) -> Outcome:
    return pull(home, Metered(line, max_bytes), wishes, now_s)[0]


def held(home: Path) -> Shard | None:
    return CatalogStore(home / CATALOGS / "shop").open()


def test_nothing_published_is_nothing_synced(tmp_path: Path) -> None:
    publisher = Publisher()
    publisher.targets.targets = {}
    publisher._write(publisher.targets, "targets", "metadata/1.targets.json")
    publisher.sign_online()
    assert pull(tmp_path, Metered(Line(publisher.files)), WISHES, NOW_S) == []


def test_a_first_sync_brings_the_whole_shard(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    outcome = sync(tmp_path, Line(publisher.files))
    assert (outcome.from_version, outcome.to_version, outcome.way, outcome.complete) == (None, 1, "full", True)
    assert held(tmp_path).sha256 == states[0].sha256
    assert open_synced(tmp_path, SPACE)[0][0].sha256 == states[0].sha256
    assert not list((tmp_path / "partial").iterdir())


def test_a_poll_with_nothing_new_is_one_conditional_request(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)
    sync(tmp_path, line)
    line.asked.clear()
    metered = Metered(line)
    assert pull(tmp_path, metered, WISHES, NOW_S + 60)[0].way == "none"
    assert line.asked == [("metadata/timestamp.json", 0)] and metered.requests == 1 and metered.received < 100
    line.asked.clear()
    sync(tmp_path, line, now_s=NOW_S + 1.1 * DAY_S)
    assert len(line.asked) > 1, "once a day everything is verified anew"


def test_an_update_takes_a_delta_and_keeps_the_version_before(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)
    sync(tmp_path, line)
    publisher.publish(*states)
    outcome = sync(tmp_path, line)
    assert (outcome.from_version, outcome.to_version, outcome.way) == (1, 3, "delta")
    assert held(tmp_path).sha256 == states[2].sha256
    shards = tmp_path / CATALOGS / "shop" / "shards"
    assert sorted(open_shard(folder).version for folder in shards.iterdir()) == [1, 3]


def test_a_damaged_shard_falls_back_to_the_one_before(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    publisher.publish(*states)
    sync(tmp_path, Line(publisher.files))
    store = CatalogStore(tmp_path / CATALOGS / "shop")
    path = store.path() / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x55")
    assert store.open().sha256 == states[0].sha256
    assert sync(tmp_path, Line(publisher.files)).to_version == 3


def test_a_delta_that_leads_elsewhere_is_dropped_for_the_full_shard(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    publisher.publish(*states)
    generation = publisher.index.generations[0]
    wrong = tuple(replace(d, file=generation.deltas[0].file) for d in generation.deltas)
    publisher.index = replace(publisher.index, generations=(replace(generation, deltas=wrong),))
    publisher.sign()
    outcome = sync(tmp_path, Line(publisher.files))
    assert outcome.way == "full" and outcome.to_version == 3 and "the delta was refused" in outcome.note
    assert held(tmp_path).sha256 == states[2].sha256


@pytest.mark.parametrize("ranges", [True, False])
def test_a_line_cut_at_any_byte_goes_on_from_there(tmp_path: Path, states: list[Shard], ranges: bool) -> None:
    publisher = Publisher()
    publisher.publish(states[0], part_products=20)
    part = publisher.index.generations[0].releases[0].parts[0].file
    for cut in range(1, part.bytes, 150):
        home = tmp_path / str(cut)
        with pytest.raises(NetworkError, match="broke off"):
            Downloads(home / "partial", Line(publisher.files, ranges, cut_after=cut), attempts=1).fetch(part)
        line = Line(publisher.files, ranges)
        assert sync(home, line).complete
        assert (download.remote_path(part.sha256), cut) in line.asked
        assert held(home).sha256 == states[0].sha256


def test_a_cap_on_bytes_is_never_passed_and_the_rest_follows(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line, calls = Line(publisher.files), 0
    while True:
        metered = Metered(line, max_bytes=4000 if calls < 2 else 1200)
        try:
            outcomes = pull(tmp_path, metered, WISHES, NOW_S)
        except LimitReached:
            outcomes = []
        assert metered.received <= metered.max_bytes
        calls += 1
        shard = held(tmp_path)
        assert shard is None or shard.products > 0
        if outcomes and outcomes[0].complete:
            break
        assert calls < 30
    assert calls > 2 and held(tmp_path).sha256 == states[0].sha256


def test_an_unfinished_install_is_searched_and_begins_with_the_category(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)
    sync(tmp_path, line, replace(WISHES, dry_run=True))
    again = Metered(line)
    pull(tmp_path, again, replace(WISHES, dry_run=True), NOW_S)
    outcome = pull(tmp_path, Metered(line, again.received + 1000), replace(WISHES, category="c1"), NOW_S)[0]
    shard = held(tmp_path)
    assert not outcome.complete and shard is not None and 0 < shard.products < 20
    assert set(shard.texts("category")) == {"c1"} and outcome.files and "next call goes on" in outcome.note
    assert open_synced(tmp_path, SPACE)[1] == ["catalogue shop is not whole yet: `edge sync` goes on"]


def test_a_dry_run_installs_nothing_and_names_the_bytes(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)
    outcome = sync(tmp_path, line, replace(WISHES, dry_run=True))
    assert held(tmp_path) is None and not any(path.startswith("files/") for path, _ in line.asked)
    metered = Metered(Line(publisher.files))
    bodies = sum(length for _, length in outcome.files)
    sync(tmp_path, line)
    assert {path for path, _ in outcome.files} == {p for p, _ in line.asked if p.startswith("files/")}
    assert bodies == sum(len(publisher.files[path]) for path, _ in outcome.files) and metered.requests == 0


def test_a_staged_release_leaves_the_others_with_the_one_before(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(*states, share=0.5)
    versions = {sync(tmp_path / str(n), Line(publisher.files)).to_version for n in range(12)}
    assert versions == {2, 3}


def test_the_same_content_under_a_newer_version_costs_no_file(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)
    sync(tmp_path, line)
    again = replace(states[0], description=replace(states[0].description, version=7))
    publisher.publish(again)
    line.asked.clear()
    outcome = sync(tmp_path, line)
    assert outcome.to_version == 7 and not any(path.startswith("files/") for path, _ in line.asked)


def spoiled(path: str, body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1]) if path.startswith("files/") else body


def endless(path: str, body: bytes) -> bytes:
    return body + b"\0" * 10_000_000 if path.startswith("files/") else body


FAULTS: dict[str, tuple[Callable[[Line], None], type[TagletError], str]] = {
    "no connection": (lambda line: setattr(line, "down", True), NetworkError, "no connection"),
    "captive portal": (lambda line: setattr(line, "page", True), NetworkError, "answered with a web page"),
    "nothing there": (lambda line: line.files.clear(), NetworkError, "no catalogues are published there"),
    "altered file": (lambda line: setattr(line, "altered", spoiled), ArtefactRefused, "another file than was signed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_what_was_installed(tmp_path: Path, states: list[Shard], fault: str) -> None:
    spoil, error, sentence = FAULTS[fault]
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(dict(publisher.files)))
    publisher.publish(*states)
    line = Line(dict(publisher.files))
    spoil(line)
    with pytest.raises(error, match=sentence):
        sync(tmp_path, line)
    assert held(tmp_path).sha256 == states[0].sha256
    assert sync(tmp_path, Line(publisher.files)).to_version == 3


def test_endless_data_ends_at_the_length_that_was_signed(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    metered = Metered(Line(publisher.files, altered=endless))
    assert pull(tmp_path, metered, WISHES, NOW_S)[0].complete and metered.received < 100_000


def test_expired_metadata_installs_nothing_new(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    publisher.publish(*states)
    with pytest.raises(ArtefactRefused, match=r"has expired .* nothing new is installed, tagging goes on"):
        sync(tmp_path, Line(publisher.files), now_s=NOW_S + 8 * DAY_S)
    assert held(tmp_path).sha256 == states[0].sha256


def test_a_clock_that_went_back_is_not_believed(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    publisher.now_s += 20 * DAY_S
    publisher.publish(*states)
    sync(tmp_path, Line(publisher.files), now_s=publisher.now_s)
    publisher.now_s = NOW_S
    publisher.sign()
    with pytest.raises(ArtefactRefused, match="has expired"):
        sync(tmp_path, Line(publisher.files), now_s=0.0)


def test_another_servers_signatures_are_refused(tmp_path: Path, states: list[Shard]) -> None:
    publisher, other = Publisher(), Publisher()
    publisher.publish(states[0])
    other.publish(*states)
    sync(tmp_path, Line(publisher.files))
    with pytest.raises(ArtefactRefused, match="a signature is missing or wrong"):
        sync(tmp_path, Line(other.files))
    with pytest.raises(ArtefactRefused, match="cannot be trusted"):
        sync(tmp_path / "b", Line(publisher.files), replace(WISHES, root=b"{}"))


def test_a_rollback_and_a_mixture_are_refused(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    old = dict(publisher.files)
    publisher.publish(*states)
    sync(tmp_path, Line(publisher.files))
    with pytest.raises(ArtefactRefused, match="older than this device has seen"):
        sync(tmp_path, Line(old))
    publisher.publish(*states)
    mixed = {**publisher.files, f"metadata/{publisher.snapshot.version}.snapshot.json": old["metadata/2.snapshot.json"]}
    with pytest.raises(ArtefactRefused):
        sync(tmp_path, Line(mixed))
    assert held(tmp_path).sha256 == states[2].sha256


def test_another_space_leaves_the_old_catalogue_and_says_so(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    moved = replace(publisher.index.generations[0], space_id="6" * 64)
    publisher.index = replace(publisher.index, generations=(moved,))
    publisher.sign()
    outcome = sync(tmp_path, Line(publisher.files))
    assert outcome.to_version == 1 and "another embedding space" in outcome.note
    with pytest.raises(ArtefactRefused, match="update the bundle"):
        sync(tmp_path / "new", Line(publisher.files))


def test_an_unknown_catalogue_is_a_wrong_call(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    with pytest.raises(UsageError, match="publishes no catalogue 'shoes', only shop"):
        sync(tmp_path, Line(publisher.files), replace(WISHES, catalogs=("shoes",)))


def test_two_syncs_at_once_do_not_meet(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    line = Line(publisher.files)

    def meanwhile(path: str, body: bytes) -> bytes:
        with pytest.raises(OutputError, match="another sync is at work"):
            sync(tmp_path, Line(publisher.files))
        return body

    line.altered = meanwhile
    assert sync(tmp_path, line).complete


def test_a_file_that_was_spoiled_on_the_disk_is_fetched_anew(tmp_path: Path) -> None:
    publisher = Publisher()
    body = b"x" * 1000
    sha256 = hashlib.sha256(body).hexdigest()
    publisher.files[download.remote_path(sha256)] = body
    (tmp_path / sha256).write_bytes(b"y" * 400)
    line = Line(publisher.files)
    assert Downloads(tmp_path, line).fetch(PublishedFile(sha256, 1000, 1000)) == body
    assert [start for _, start in line.asked] == [400, 0]
