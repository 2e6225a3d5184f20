"""A service over a repository with one published catalogue, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import absent
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter
from tests.service.postgres import Cluster, programs, running_cluster

_numbers = count()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fsync do nothing."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a PostgreSQL that runs, or skip (in CI: fail)."""
    if programs() is None:
        absent("postgres", "PostgreSQL is not on this machine: `make postgres` installs it where it may")
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres(cluster: Cluster) -> str:
    """Return the address of an empty database of PostgreSQL."""
    return cluster.database(f"test_{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'server.sqlite3'}"
    return str(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a repository that nobody changes."""
    shop = Shop.open(tmp_path_factory.mktemp("published"))
    shop.publish(1)
    return shop


@pytest.fixture
def shop(published: Shop, tmp_path: Path) -> Shop:
    """Return a repository that has published version 1 of the catalogue "shop", of the test's own."""
    return published.copied(tmp_path)


@pytest.fixture
def clock() -> Clock:
    """Return a clock that the test sets."""
    return Clock()


@pytest.fixture
def counter(shop: Shop, database: str, clock: Clock) -> Iterator[Counter]:
    """Return the service with a migrated database."""
    counter = Counter.open(shop, database, clock)
    yield counter
    counter.close()
