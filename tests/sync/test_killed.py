"""A device that loses its power at any step of a sync: it has a whole catalogue afterwards, and gets the next one."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from edge.errors import ArtefactRefused
from edge.shard import Shard
from edge.sync.store import CATALOGS, CatalogStore
from tests.dying import run_until_killed
from tests.sync.killed_child import POINTS
from tests.sync.simulator import Line, Publisher
from tests.sync.test_pull import catalogue, held, sync


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[Shard]:
    folder = tmp_path_factory.mktemp("states")
    return [catalogue(folder, 1, range(0, 20), {}), catalogue(folder, 2, range(1, 21), {3: "2.00"})]


def killed_at(point: str, home: Path, publisher: Publisher) -> None:
    """Sync in a process that must die at the point, by a signal that cannot be caught."""
    pickled = home.parent / "files.pickle"
    pickled.write_bytes(pickle.dumps(publisher.files))
    run_until_killed("tests.sync.killed_child", [str(home), str(pickled), point], point)


@pytest.mark.parametrize("point", POINTS)
def test_an_update_that_is_killed_leaves_a_whole_catalogue(point: str, tmp_path: Path, states: list[Shard]) -> None:
    home, publisher = tmp_path / "home", Publisher()
    publisher.publish(states[0])
    sync(home, Line(publisher.files))
    publisher.publish(*states)
    killed_at(point, home, publisher)
    shard = held(home)
    assert shard is not None and shard.sha256 in {state.sha256 for state in states}
    assert sync(home, Line(publisher.files)).to_version == 2
    assert held(home).sha256 == states[1].sha256


@pytest.mark.parametrize("point", POINTS)
def test_a_first_install_that_is_killed_goes_on(point: str, tmp_path: Path, states: list[Shard]) -> None:
    home, publisher = tmp_path / "home", Publisher()
    publisher.publish(states[0])
    killed_at(point, home, publisher)
    shard = held(home)
    assert shard is None or 0 < shard.products <= 20
    assert sync(home, Line(publisher.files)).complete
    assert held(home).sha256 == states[0].sha256


def test_a_wrong_order_of_steps_would_be_noticed(tmp_path: Path, states: list[Shard]) -> None:
    home, publisher = tmp_path / "home", Publisher()
    publisher.publish(states[0])
    sync(home, Line(publisher.files))
    publisher.publish(*states)
    killed_at("wrong order", home, publisher)
    with pytest.raises(ArtefactRefused):
        CatalogStore(home / CATALOGS / "shop").open()
