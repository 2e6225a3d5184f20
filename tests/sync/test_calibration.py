"""Thresholds travel with the release that they are for, and with no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edge.bundle_description import Matching
from edge.errors import ArtefactRefused
from edge.shard import Shard
from edge.shard.calibration import CALIBRATION, Calibration, Trial, Way, calibration_bytes
from edge.shard.travel import Packed
from edge.sync.download import remote_path
from edge.sync.index import index_bytes, read_index
from edge.sync.store import CATALOGS, SHARDS, CatalogStore
from edge.sync.syncing import Wishes, pull
from edge.sync.transport import Metered
from tests.small_shards import SPACE
from tests.sync.simulator import NOW_S, Line, Publisher
from tests.sync.test_pull import catalogue

WISHES = Wishes(SPACE)
BUNDLE = Matching(0.7, 0.05)


def thresholds(shard: Shard, similarity: float = 0.8) -> bytes:
    way = Way(None, Matching(similarity, 0.1), None, (Trial("nothing", 100, None, 0, 0.03),))
    return calibration_bytes(Calibration(shard.sha256, SPACE, "b" * 64, 0.05, 0.95, "photos", (way,)))


def calibrate(publisher: Publisher, data: bytes | None) -> str:
    """Publish thresholds beside the newest release; return the path of their file."""
    generation = publisher.index.generations[0]
    file = None if data is None else publisher.store(Packed(data, len(data)))
    newest = replace(generation.releases[0], calibration=file)
    generation = replace(generation, releases=(newest, *generation.releases[1:]))
    publisher.index = replace(publisher.index, generations=(generation,))
    publisher.sign()
    return remote_path(file.sha256) if file else ""


def sync(home: Path, line: Line) -> Matching:
    """Sync once; return the thresholds in force."""
    (outcome,) = pull(home, Metered(line), WISHES, NOW_S)
    assert outcome.complete
    shard = CatalogStore(home / CATALOGS / "shop").open()
    assert shard is not None and shard.calibration_note(None) is None
    return shard.matching(BUNDLE, None)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[Shard]:
    folder = tmp_path_factory.mktemp("states")
    return [catalogue(folder, version, range(version, 20 + version), {}) for version in (1, 2)]


def test_thresholds_come_with_the_first_install_and_once(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    path = calibrate(publisher, thresholds(states[0]))
    line = Line(publisher.files)
    assert sync(tmp_path, line) == Matching(0.8, 0.1)
    assert [asked for asked, _ in line.asked].count(path) == 1
    line.asked.clear()
    assert sync(tmp_path, line) == Matching(0.8, 0.1)
    assert [asked for asked, _ in line.asked] == ["metadata/timestamp.json"]


def test_thresholds_of_the_old_release_are_not_those_of_the_new_one(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    calibrate(publisher, thresholds(states[0]))
    sync(tmp_path, Line(publisher.files))
    publisher.publish(*states)
    assert sync(tmp_path, Line(publisher.files)) == BUNDLE
    calibrate(publisher, thresholds(states[1], 0.9))
    assert sync(tmp_path, Line(publisher.files)) == Matching(0.9, 0.1)


def test_thresholds_that_were_published_later_or_taken_back_reach_the_device(
    tmp_path: Path, states: list[Shard]
) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    assert sync(tmp_path, Line(publisher.files)) == BUNDLE
    for similarity in (0.8, 0.85):
        calibrate(publisher, thresholds(states[0], similarity))
        assert sync(tmp_path, Line(publisher.files)).similarity_threshold == similarity
    calibrate(publisher, None)
    assert sync(tmp_path, Line(publisher.files)) == BUNDLE


def test_lost_thresholds_are_fetched_again(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    calibrate(publisher, thresholds(states[0]))
    sync(tmp_path, Line(publisher.files))
    store = CatalogStore(tmp_path / CATALOGS / "shop")
    held = store.held()
    assert held is not None
    (store.root / SHARDS / held.folder / CALIBRATION).write_text("{}")
    assert sync(tmp_path, Line(publisher.files)) == Matching(0.8, 0.1)


def test_altered_thresholds_are_refused_and_the_old_catalogue_stays(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    sync(tmp_path, Line(publisher.files))
    publisher.publish(*states)
    path = calibrate(publisher, thresholds(states[1]))
    line = Line(publisher.files, altered=lambda asked, body: body.replace(b"0.8", b"0.1") if asked == path else body)
    with pytest.raises(ArtefactRefused, match="sends another file than was signed"):
        pull(tmp_path, Metered(line), WISHES, NOW_S)
    held = CatalogStore(tmp_path / CATALOGS / "shop").held()
    assert held is not None and held.version == 1


def test_signed_thresholds_of_another_shard_are_refused(tmp_path: Path, states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(states[0])
    calibrate(publisher, thresholds(states[1]))
    with pytest.raises(ArtefactRefused, match="version 1: is for another shard"):
        pull(tmp_path, Metered(Line(publisher.files)), WISHES, NOW_S)


def test_an_index_without_thresholds_is_as_it_was(states: list[Shard]) -> None:
    publisher = Publisher()
    publisher.publish(*states)
    plain = index_bytes(publisher.index)
    assert b'"schema":1' in plain and b"calibration" not in plain
    assert read_index(plain, "shop.json") == publisher.index
    calibrate(publisher, thresholds(states[1]))
    more = index_bytes(publisher.index)
    assert b'"schema":2' in more and read_index(more, "shop.json") == publisher.index
    for mixed in (more.replace(b'"schema":2', b'"schema":1'), plain.replace(b'"schema":1', b'"schema":2')):
        with pytest.raises(ArtefactRefused, match="a Release must have exactly the keys"):
            read_index(mixed, "shop.json")
