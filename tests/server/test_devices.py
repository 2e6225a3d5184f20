"""What the server publishes is what `edge sync` takes: the device side over a published tree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.shard import open_shard
from edge.sync.store import CATALOGS, CatalogStore
from edge.sync.syncing import Wishes, pull
from edge.sync.transport import Answer, Metered
from server.publishing import publish
from server.withdrawal import Withdrawal, withdraw
from tests.server.shop import FORCED, NOW, Shop, make_shard, titles
from tests.small_shards import SPACE


@dataclass
class Tree:
    """Answers as a static web server over a folder does."""

    root: Path
    asked: list[str] = field(default_factory=list)
    address: str = "https://shop.example"

    @contextmanager
    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> Iterator[Answer]:
        self.asked.append(path)
        file = self.root / path
        if not file.is_file():
            yield Answer(404, {}, iter(()))
            return
        body, tag = file.read_bytes(), f"{file.stat().st_mtime_ns:x}"
        if etag == tag:
            yield Answer(304, {"etag": tag}, iter(()))
        elif start or end is not None:
            said = {"etag": tag, "content-range": f"bytes {start}-{(end or len(body)) - 1}/{len(body)}"}
            yield Answer(206, said, iter([body[start:end]]))
        else:
            yield Answer(200, {"etag": tag}, iter([body]))


def sync(shop: Shop, home: Path, space_id: str = SPACE) -> tuple[str, int | None, list[str]]:
    """Sync a device; return the way, the version and what it asked for."""
    tree = Tree(shop.public)
    root = (shop.public / "metadata/1.root.json").read_bytes()
    (outcome,) = pull(home, Metered(tree), Wishes(space_id, root=root), time.time())
    return outcome.way, outcome.to_version, tree.asked


def held(home: Path) -> str:
    path = CatalogStore(home / CATALOGS / "shop").path()
    assert path is not None
    return open_shard(path).sha256


def test_a_device_installs_updates_and_goes_back(tmp_path: Path) -> None:
    shop, home = Shop.open(tmp_path, 2, 3), tmp_path / "home"
    shop.publish(1)
    assert sync(shop, home)[:2] == ("full", 1)
    first = held(home)
    assert sync(shop, home)[:2] == ("none", 1)
    shop.publish(2)
    assert sync(shop, home)[:2] == ("delta", 2)
    assert held(home) == shop.index().generations[0].newest.sha256
    withdraw(shop.repository, shop.ring, Withdrawal("2", "bad"), NOW)
    way, version, _ = sync(shop, home)
    assert (way, version, held(home)) == ("delta", 3, first)


def test_a_device_with_nothing_to_fetch_asks_once(tmp_path: Path) -> None:
    shop, home = Shop.open(tmp_path), tmp_path / "home"
    shop.publish(1)
    sync(shop, home)
    assert sync(shop, home)[2] == ["metadata/timestamp.json"]


def test_a_staged_version_reaches_some_devices(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    shop.publish(2, request=replace(FORCED, share=0.5))
    versions = [sync(shop, tmp_path / f"home-{number}")[1] for number in range(12)]
    assert set(versions) == {1, 2}


def test_each_device_takes_the_generation_that_its_bundle_searches(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path)
    shop.publish(1)
    publish(shop.repository, make_shard(tmp_path / "m", 2, titles(2), space_id="6" * 64), shop.ring, FORCED, NOW)
    assert sync(shop, tmp_path / "old")[:2] == ("full", 1)
    assert sync(shop, tmp_path / "new", "6" * 64)[:2] == ("full", 2)
