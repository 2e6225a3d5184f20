"""A repository with real keys, shards to publish in it, and devices that trust nothing but its first root."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface

from edge.shard import ProductRecord, Shard, open_shard, write_shard
from edge.shard.content import canonical_columns
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.vectors import quantize
from edge.sync.index import Index, read_index
from server.announcing import published_index
from server.initialising import Founding, found
from server.keys import KeyRing
from server.metadata import read_served
from server.passphrases import Passphrases
from server.publication import file_path
from server.publishing import Published, Request, publish
from server.releases import named_files
from server.repository import Repository, Settings
from tests.small_shards import SPACE

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
FORCED = Request(force="a test", wait_s=0)
assert KEYPOINT_PACK.folder == "keypoints"


def make_shard(
    out: Path,
    version: int,
    products: dict[str, str],
    space_id: str = SPACE,
    category: str = "",
    pictures: bool = False,
    ndim: int = 8,
) -> Shard:
    """Write a shard of products by id, whose text is their title; a product's vector follows from its id alone."""
    names = sorted(products)
    records = [ProductRecord(name, products[name], category=category) for name in names]
    keys = np.array([int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") for name in names], np.uint64)
    seeds = [np.random.default_rng(int(key)).standard_normal(ndim) for key in keys]
    vectors = quantize(np.array(seeds).reshape(-1, ndim))
    columns = canonical_columns(records, keys, vectors, np.arange(len(names)))
    packs = {int(key): b"picture of " + name.encode() for key, name in zip(keys, names, strict=True)}
    write_shard(out, "shop", version, space_id, columns, thumbnails=packs if pictures else None)
    return open_shard(out)


def titles(version: int, count: int = 40) -> dict[str, str]:
    """Return products of which a few change from version to version."""
    stays = {f"p{number:03}": f"product {number}" for number in range(count)}
    return {**stays, f"p{version:03}": f"product {version}, better", f"new{version}": "just in"}


class Disk(FetcherInterface):
    """Reads a tree as a web server would serve it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.bytes = 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        path = Path(url)
        self.asked.append(path.name)
        if not path.is_file():
            raise DownloadHTTPError(f"{url}: not found", 404)
        self.bytes += path.stat().st_size
        yield path.read_bytes()


@dataclass
class Device:
    """The verification of python-tuf over a tree; it keeps its metadata as a device does.

    Attributes:
        public: the tree.
        home: where it keeps metadata.
        root: what it trusts at first.
        line: what it has asked.
    """

    public: Path
    home: Path
    root: bytes
    line: Disk = field(default_factory=Disk)

    def index(self) -> Index:
        """Verify everything anew and return the index."""
        self.line = Disk()
        (self.home / "targets").mkdir(parents=True, exist_ok=True)
        updater = Updater(
            str(self.home),
            str(self.public / "metadata"),
            str(self.home / "targets"),
            str(self.public / "targets"),
            self.line,
            bootstrap=self.root,
        )
        updater.refresh()
        target = updater.get_targetinfo("shop.json")
        assert target is not None
        return read_index(Path(updater.download_target(target)).read_bytes(), "shop.json")

    def version(self) -> int:
        """Verify everything and check that every file which the index names is there; return the newest version."""
        index = self.index()
        for file in named_files(index):
            data = (self.public / file_path(file.sha256)).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        return max(generation.newest.version for generation in index.generations)


@dataclass(frozen=True)
class Shop:
    """A repository in a test.

    Attributes:
        folder: scratch.
        repository: what is tested.
        ring: its keys.
    """

    folder: Path
    repository: Repository
    ring: KeyRing

    @classmethod
    def open(
        cls,
        folder: Path,
        threshold: int = 1,
        keys: int = 1,
        settings: Settings | None = None,
        now: datetime = NOW,
        passphrase: bytes | None = None,
    ) -> Shop:
        """Make a repository; its keys are plain unless a passphrase is given."""
        founding = Founding(settings or Settings(), threshold, keys, passphrase, passphrase)
        repository = found(folder / "shop", founding, now)
        sources = (Passphrases("offline", "NONE"), Passphrases("online", "NONE"))
        return cls(folder, repository, KeyRing((repository.offline_keys,), repository.online_keys, *sources))

    def copied(self, folder: Path) -> Shop:
        """Return a copy in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        repository = replace(self.repository, root=folder / "shop")
        ring = replace(self.ring, offline=(repository.offline_keys,), online=repository.online_keys)
        return Shop(folder, repository, ring)

    @property
    def public(self) -> Path:
        """The tree that it serves."""
        return self.repository.public

    def device(self, name: str = "device") -> Device:
        """Return a device that trusts the first root."""
        return Device(self.public, self.folder / name, (self.public / "metadata/1.root.json").read_bytes())

    def shard(self, version: int, **options: object) -> Shard:
        """Write a state of the catalogue."""
        return make_shard(self.folder / f"shard-{version}", version, titles(version), **options)  # type: ignore[arg-type]

    def publish(self, version: int, now: datetime = NOW, request: Request = FORCED, **options: object) -> Published:
        """Publish a state of the catalogue."""
        return publish(self.repository, self.shard(version, **options), self.ring, request, now)

    def index(self) -> Index:
        """Return what is published, without verification."""
        return published_index(self.repository, read_served(self.public), "shop")
