"""Packs come entry by entry: what is here stays, what came before a stop is kept, what was altered is refused."""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edge.errors import ArtefactRefused, OutputError
from edge.shard import Shard, write_shard
from edge.shard.pack import open_pack
from edge.shard.pack_head import head_bytes, head_of
from edge.shard.thumbnails import THUMBNAIL_PACK
from edge.shard.travel import Packed
from edge.sync.download import remote_path
from edge.sync.index import PackFile
from edge.sync.store import CATALOGS, CatalogStore
from edge.sync.syncing import Wishes, pull
from edge.sync.transport import Metered
from tests.small_shards import SPACE
from tests.sync.simulator import NOW_S, Line, Publisher
from tests.sync.test_pull import catalogue

WISHES = Wishes(SPACE, packs=("thumbnails",))


def pictures(shard: Shard, changed: int | None = None) -> dict[int, bytes]:
    """Return an invented picture of 2,000 bytes for every view."""
    keys = shard.keys.tolist()
    return {key: hashlib.sha256(b"%d %d" % (key, key == changed)).digest() * 62 + b"RIFF" for key in keys}


def published(folder: Path, shard: Shard, entries: Mapping[int, bytes]) -> tuple[Publisher, bytes]:
    """Publish a shard with a thumbnail pack; return the publisher and the entries file."""
    write_shard(folder / "with", "shop", shard.version, SPACE, shard.columns, thumbnails=entries)
    pack = open_pack(folder / "with" / "thumbnails", THUMBNAIL_PACK)
    publisher = Publisher()
    publisher.publish(shard)
    head, body = head_bytes(head_of(pack)), pack.columns["pictures"].tobytes()
    files = PackFile(publisher.store(Packed(head, len(head))), publisher.store(Packed(body, len(body))))
    generation = publisher.index.generations[0]
    release = replace(generation.releases[0], thumbnails=files)
    publisher.index = replace(publisher.index, generations=(replace(generation, releases=(release,)),))
    publisher.sign()
    return publisher, body


def thumbnails(home: Path) -> dict[int, bytes]:
    shard = CatalogStore(home / CATALOGS / "shop").open()
    assert shard is not None and shard.thumbnails is not None
    return {key: shard.thumbnails.get(key) for key in shard.thumbnails.columns["keys"].tolist()}


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Shard:
    return catalogue(tmp_path_factory.mktemp("state"), 1, range(0, 30), {})


@pytest.mark.parametrize("ranges", [True, False], ids=["with ranges", "without ranges"])
def test_all_pictures_come_in_one_request(tmp_path: Path, shard: Shard, ranges: bool) -> None:
    publisher, body = published(tmp_path, shard, pictures(shard))
    line = Line(publisher.files, ranges)
    outcome = pull(tmp_path / "home", Metered(line), WISHES, NOW_S)[0]
    assert outcome.complete and thumbnails(tmp_path / "home") == pictures(shard)
    path = remote_path(hashlib.sha256(body).hexdigest())
    assert [asked for asked, _ in line.asked].count(path) == 1
    line.asked.clear()
    pull(tmp_path / "home", Metered(line), WISHES, NOW_S)
    assert [asked for asked, _ in line.asked] == ["metadata/timestamp.json"]


def test_without_the_wish_no_picture_comes(tmp_path: Path, shard: Shard) -> None:
    publisher, _ = published(tmp_path, shard, pictures(shard))
    pull(tmp_path / "home", Metered(Line(publisher.files)), replace(WISHES, packs=()), NOW_S)
    held = CatalogStore(tmp_path / "home" / CATALOGS / "shop").open()
    assert held is not None and held.thumbnails is None


def test_a_limit_keeps_the_pictures_that_came(tmp_path: Path, shard: Shard) -> None:
    publisher, body = published(tmp_path, shard, pictures(shard))
    line, home, before = Line(publisher.files), tmp_path / "home", 0
    pull(home, Metered(line), replace(WISHES, packs=()), NOW_S)
    for _ in range(20):
        metered = Metered(line, max_bytes=12_000)
        pull(home, metered, WISHES, NOW_S)
        assert metered.received <= 12_000
        have = thumbnails(home)
        assert before < len(have) and have.items() <= pictures(shard).items()
        before = len(have)
        if before == 30:
            break
    assert before == 30 and len(body) > 50_000


def test_one_new_picture_is_one_range(tmp_path: Path, shard: Shard) -> None:
    publisher, _ = published(tmp_path / "a", shard, pictures(shard))
    home = tmp_path / "home"
    pull(home, Metered(Line(publisher.files)), WISHES, NOW_S)
    changed = int(shard.keys[17])
    other, body = published(tmp_path / "b", shard, pictures(shard, changed))
    publisher.index = other.index
    publisher.files = {**other.files, **publisher.files}
    publisher.sign()
    metered = Metered(Line(publisher.files))
    pull(home, metered, WISHES, NOW_S)
    assert thumbnails(home) == pictures(shard, changed) and metered.received < len(body) // 5


def test_an_altered_picture_is_refused_and_the_catalogue_stays(tmp_path: Path, shard: Shard) -> None:
    publisher, body = published(tmp_path, shard, pictures(shard))
    path = remote_path(hashlib.sha256(body).hexdigest())
    publisher.files[path] = body[:9000] + b"\x00" + body[9001:]
    with pytest.raises(ArtefactRefused, match="another thumbnail than was signed"):
        pull(tmp_path / "home", Metered(Line(publisher.files)), WISHES, NOW_S)
    assert len(thumbnails(tmp_path / "home")) == 4
    held = CatalogStore(tmp_path / "home" / CATALOGS / "shop").open()
    assert held is not None and held.sha256 == shard.sha256


def test_a_full_disk_is_one_sentence_and_the_next_call_goes_on(tmp_path: Path, shard: Shard) -> None:
    publisher, _ = published(tmp_path, shard, pictures(shard))
    home = tmp_path / "home"
    pull(home, Metered(Line(publisher.files)), replace(WISHES, packs=()), NOW_S)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, limits[1]))
    try:
        with pytest.raises(OutputError, match="the thumbnail pack cannot be written"):
            pull(home, Metered(Line(publisher.files)), WISHES, NOW_S)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert pull(home, Metered(Line(publisher.files)), WISHES, NOW_S)[0].complete
    assert thumbnails(home) == pictures(shard)
