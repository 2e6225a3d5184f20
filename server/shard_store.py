"""The last shards of every catalogue, kept beside what is served: deltas start from them, withdrawals go back to them.

shards/CATALOG/<sha256>/             the columns, as any shard
shards/CATALOG/<sha256>.packs.json   which pack files and which calibration belong to it
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge.errors import ArtefactRefused
from edge.files import read_json_object, write_whole
from edge.shard import Shard, open_shard, write_shard
from edge.shard.columns import Columns
from edge.shard.description import DESCRIPTION
from edge.sync.index import PackFile, PublishedFile

PACKS = ("thumbnails", "keypoints")
_SUFFIX = ".packs.json"


@dataclass(frozen=True)
class Packs:
    """The pack files and the calibration that belong to a shard; None where it has none."""

    thumbnails: PackFile | None = None
    keypoints: PackFile | None = None
    calibration: PublishedFile | None = None


@dataclass(frozen=True)
class ShardStore:
    """The shards of one catalogue.

    Attributes:
        root: their folder.
    """

    root: Path

    def add(self, catalog: str, version: int, space_id: str, columns: Columns, sha256: str) -> Shard:
        """Keep a shard and open it; one that is there whole is used as it is."""
        path = self.root / sha256
        try:
            kept = open_shard(path)
        except ArtefactRefused:
            shutil.rmtree(path, ignore_errors=True)
            write_shard(path, catalog, version, space_id, columns)
            kept = open_shard(path)
        if kept.sha256 != sha256:
            raise ArtefactRefused(f"{path}: is not the shard that its name says")
        return kept

    def add_packs(self, sha256: str, packs: Packs) -> None:
        """Keep which pack files belong to a shard."""
        write_whole(self.root / f"{sha256}{_SUFFIX}", json.dumps(asdict(packs)) + "\n")

    def get(self, sha256: str) -> Shard | None:
        """Open a shard by its identity; None where it is not kept or not whole."""
        if not (self.root / sha256 / DESCRIPTION).is_file():
            return None
        try:
            shard = open_shard(self.root / sha256)
        except ArtefactRefused:
            return None
        return shard if shard.sha256 == sha256 else None

    def packs(self, sha256: str) -> Packs:
        """Return which pack files belong to a shard."""
        path = self.root / f"{sha256}{_SUFFIX}"
        if not path.is_file():
            return Packs()
        value = read_json_object(path, "list of packs")
        calibration = value.get("calibration")
        packs = {name: _pack(value.get(name)) for name in PACKS}
        return Packs(**packs, calibration=None if calibration is None else PublishedFile(**calibration))

    def files(self) -> Iterator[str]:
        """Yield the SHA-256 of every file of packs and calibrations that belongs to a shard which is kept."""
        for path in self.root.glob(f"*{_SUFFIX}"):
            packs = self.packs(path.name.removesuffix(_SUFFIX))
            for pack in (packs.thumbnails, packs.keypoints):
                if pack is not None:
                    yield from (pack.head.sha256, pack.entries.sha256)
            if packs.calibration is not None:
                yield packs.calibration.sha256

    def keep_only(self, wanted: Collection[str]) -> None:
        """Remove every shard whose identity is not wanted, and what a killed command left."""
        if not self.root.is_dir():
            return
        for path in self.root.iterdir():
            if path.name.removesuffix(_SUFFIX) not in wanted:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _pack(value: Any) -> PackFile | None:
    if value is None:
        return None
    return PackFile(PublishedFile(**value["head"]), PublishedFile(**value["entries"]))
