"""What a device holds of a catalogue: whole shards in folders, and a pointer that is switched last.

    CATALOG/active.json          which folder is searched, and which was before
    CATALOG/shards/12-0a1b2c3d4e5f/   a whole shard

A new shard is written beside the old one, flushed, checked by reading it back, and only then named by `active.json`,
which is itself replaced in one step. The one before is kept. So whenever the power goes, one of the two is whole.

    >>> store = CatalogStore(home / "catalogs" / "grocery")
    >>> store.install(columns, release, space_id)
    >>> store.open().version
    12
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from edge.errors import ArtefactRefused, TagletError
from edge.files import sha256_of_file, write_whole
from edge.shard import Shard, open_shard, write_shard
from edge.shard.calibration import CALIBRATION
from edge.shard.columns import Columns
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.thumbnails import THUMBNAILS
from edge.sync.index import Release

ACTIVE = "active.json"
SHARDS = "shards"
CATALOGS = "catalogs"
TRUST = "trust"
PACKS = (THUMBNAILS, KEYPOINT_PACK.folder)


@dataclass(frozen=True)
class Held:
    """What `active.json` says.

    Attributes:
        folder: of the shard that is searched, below `shards/`.
        previous: folder of the one before; empty where there is none.
        version: of the release.
        release: identity of the release's shard.
        sha256: identity of the shard in `folder`; another than `release` while parts are missing.
        space_id: embedding space of its vectors.
        parts: hashes of the parts that are in it, while parts are missing.
        packs: hashes of the heads of the packs that are whole beside it.
    """

    folder: str
    previous: str
    version: int
    release: str
    sha256: str
    space_id: str
    parts: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether the whole release is here."""
        return self.release == self.sha256


class CatalogStore:
    """The shards of one catalogue on this device."""

    def __init__(self, root: Path) -> None:
        """Look at a folder, which need not exist yet."""
        self.root = root

    def held(self) -> Held | None:
        """Return what is installed, or None."""
        try:
            value = json.loads((self.root / ACTIVE).read_bytes())
            held = Held(**{**value, "parts": tuple(value["parts"]), "packs": tuple(value["packs"])})
            named = [name for name in (held.folder, held.previous) if name]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return held if held.folder and all(Path(name).name == name for name in named) else None

    def path(self) -> Path | None:
        """Return the folder of the shard that is searched, or None."""
        held = self.held()
        return self.root / SHARDS / held.folder if held else None

    def open(self) -> Shard | None:
        """Open what is installed; if that turns out to be damaged, go back to the one before.

        Raises:
            ArtefactRefused: both are damaged.
        """
        held = self.held()
        if held is None:
            return None
        try:
            return open_shard(self.root / SHARDS / held.folder)
        except ArtefactRefused:
            if not held.previous:
                raise
        shard = open_shard(self.root / SHARDS / held.previous)
        self._point(Held(held.previous, "", shard.version, shard.sha256, shard.sha256, shard.space_id))
        return shard

    def install(
        self,
        columns: Columns,
        release: Release,
        space_id: str,
        parts: Iterable[str] = (),
        calibration: bytes | None = None,
    ) -> Held:
        """Write a shard beside the present one and switch to it.

        Args:
            columns: checked columns of the shard.
            release: what it is, or is a part of.
            space_id: of its vectors.
            parts: hashes of the parts that are in it; empty where all are.
            calibration: thresholds for it; None where there are none.

        Raises:
            OutputError: the disk is full or cannot be written: the present shard stays.
        """
        before = self.held()
        name = f"{release.version}-{os.urandom(6).hex()}"
        folder = self.root / SHARDS / name
        write_shard(folder, self.root.name, release.version, space_id, columns)
        written = open_shard(folder)
        if calibration is not None:
            write_whole(folder / CALIBRATION, calibration)
        if before is not None:
            self._carry_packs(self.root / SHARDS / before.folder, folder)
        previous = before.folder if before else ""
        held = Held(name, previous, release.version, release.sha256, written.sha256, space_id, tuple(parts))
        self._point(held)
        self._sweep(held)
        return held

    def relabel(self, held: Held, release: Release) -> Held:
        """Say that what is installed is also another release: the same content under a newer version."""
        renamed = replace(held, version=release.version, release=release.sha256)
        self._point(renamed)
        return renamed

    def calibration_sha256(self, held: Held) -> str | None:
        """Return the SHA-256 in hex of the calibration beside what is installed, or None."""
        path = self.root / SHARDS / held.folder / CALIBRATION
        return sha256_of_file(path) if path.is_file() else None

    def calibrate(self, held: Held, calibration: bytes | None) -> None:
        """Put another calibration beside what is installed; None takes it away.

        Raises:
            OutputError: the disk is full or cannot be written.
        """
        path = self.root / SHARDS / held.folder / CALIBRATION
        if calibration is not None:
            write_whole(path, calibration)
        else:
            path.unlink(missing_ok=True)

    def add_pack(self, held: Held, head_sha256: str) -> Held:
        """Say that a pack beside the shard is whole."""
        more = replace(held, packs=(*held.packs, head_sha256))
        self._point(more)
        return more

    def _point(self, held: Held) -> None:
        write_whole(self.root / ACTIVE, json.dumps(asdict(held), indent=1) + "\n")

    def _carry_packs(self, old: Path, new: Path) -> None:
        """Keep the packs: their entries stand by key and hash, so what fits the old shard serves the new one."""
        for name in PACKS:
            if (old / name).is_dir():
                with suppress(OSError):
                    shutil.copytree(old / name, new / name, copy_function=_link)

    def _sweep(self, held: Held) -> None:
        """Remove every folder but the present and the previous one."""
        for folder in (self.root / SHARDS).iterdir():
            if folder.name not in (held.folder, held.previous):
                shutil.rmtree(folder, ignore_errors=True)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def synced_catalogs(home: Path) -> tuple[CatalogStore, ...]:
    """Return the catalogues that this device holds, by name."""
    try:
        folders = sorted((home / CATALOGS).iterdir())
    except OSError:
        return ()
    stores = (CatalogStore(folder) for folder in folders)
    return tuple(store for store in stores if store.held() is not None)


def open_synced(home: Path, space_id: str) -> tuple[list[Shard], list[str]]:
    """Open the catalogues of one embedding space; say in a sentence which is left out or unfinished."""
    shards, problems = [], []
    for store in synced_catalogs(home):
        try:
            shard = store.open()
        except TagletError as e:
            problems.append(f"catalogue {store.root.name} is left out: {e}")
            continue
        if shard is None or shard.space_id != space_id:
            problems.append(
                f"catalogue {store.root.name} is left out: it is of another embedding space than the bundle; "
                "`edge sync` with this bundle fetches the right one"
            )
            continue
        shards.append(shard)
        held = store.held()
        if held is not None and not held.is_complete:
            problems.append(f"catalogue {store.root.name} is not whole yet: `edge sync` goes on")
    return shards, problems
