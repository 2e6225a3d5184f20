"""One catalogue brought up to date: the plan is followed, the result checked, installed, and the packs fetched.

>>> CatalogUpdate(store, generation, release, Downloads(partial, line), Progress()).run(store.held(), wishes)
Outcome(catalog='grocery', from_version=11, to_version=12, way='delta', complete=True, files=(), note='')
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from edge.errors import ArtefactRefused, OutputError
from edge.shard.calibration import parse_calibration
from edge.shard.columns import Array, Columns
from edge.shard.content import canonical_columns
from edge.shard.delta import apply_delta, identity
from edge.shard.description import read_description
from edge.shard.pack_head import KINDS
from edge.shard.travel import unpacked
from edge.sync.download import Downloads, remote_path
from edge.sync.index import Generation, PackFile, Part, PublishedFile, Release
from edge.sync.packs import fetch_pack
from edge.sync.plan import Plan, Way, plan_update
from edge.sync.store import SHARDS, CatalogStore, Held
from edge.sync.transport import LimitReached

LIMIT_NOTE = "the limit of bytes is reached: what came is kept, and the next call goes on from there"


@dataclass(frozen=True)
class Wishes:
    """What a call of `edge sync` asks for.

    Attributes:
        space_id: embedding space of this device's bundle.
        catalogs: which catalogues; empty: all that the server publishes.
        category: its products come first.
        packs: optional packs to bring too: "thumbnails", "keypoints".
        root: the operator's root metadata, handed over apart; None believes the server's first answer.
        dry_run: fetch what is signed, say what would come, install nothing.
    """

    space_id: str
    catalogs: tuple[str, ...] = ()
    category: str | None = None
    packs: tuple[str, ...] = ()
    root: bytes | None = None
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one catalogue.

    Attributes:
        catalog: its name.
        from_version: what was installed before; None: nothing.
        to_version: what is installed now.
        way: how it came.
        complete: whether the whole release is here.
        files: what the way takes: (path below the server's address, bytes that still have to come).
        note: a sentence for whoever called; may be empty.
    """

    catalog: str
    from_version: int | None
    to_version: int | None
    way: Way
    complete: bool
    files: tuple[tuple[str, int], ...] = ()
    note: str = ""


@dataclass
class Progress:
    """How far the download of one catalogue is; `watch` is told after every block.

    Attributes:
        total: bytes that the way takes.
        done: bytes of it that are here.
        watch: called with (done, total).
    """

    total: int = 0
    done: int = 0
    watch: Callable[[int, int], None] = field(default=lambda done, total: None)

    def came(self, length: int) -> None:
        """Count a block."""
        self.done += length
        self.watch(self.done, self.total)


@dataclass
class CatalogUpdate:
    """One catalogue, its store and the release that it should hold.

    Attributes:
        store: what is installed.
        generation: what is published for this device's embedding space.
        release: what the device should hold.
        downloads: fetches files.
        progress: follows them.
    """

    store: CatalogStore
    generation: Generation
    release: Release
    downloads: Downloads
    progress: Progress

    def run(self, held: Held | None, wishes: Wishes) -> Outcome:
        """Follow the cheapest way to the release; see `pull` for what may be raised."""
        before = held.version if held else None
        usable = held if held and held.space_id == self.generation.space_id else None
        plan = self._plan(usable, wishes, without_deltas=False)
        if wishes.dry_run:
            complete = usable is not None and usable.is_complete
            return Outcome(self.store.root.name, before, before, plan.way, complete, self._files(plan))
        note = ""
        try:
            try:
                now = self._follow(plan, usable)
            except ArtefactRefused as e:
                if plan.way != "delta":
                    raise
                plan, note = self._plan(usable, wishes, without_deltas=True), f"the delta was refused ({e})"
                now = self._follow(plan, None)
            self._calibrate(now)
            return self._outcome(before, self._with_packs(now, wishes), plan, note)
        except LimitReached:
            return self._outcome(before, self.store.held(), plan, LIMIT_NOTE)

    def _plan(self, held: Held | None, wishes: Wishes, without_deltas: bool) -> Plan:
        installed = held.sha256 if held and held.is_complete else None
        try:
            plan = plan_update(self.generation, self.release, installed, wishes.category, without_deltas)
        except ValueError as e:
            raise ArtefactRefused(f"catalogue {self.store.root.name}: {e}: whoever runs the server must publish") from e
        self.progress.total += plan.bytes
        self.progress.done += sum(self.downloads.held(file) for file in _files_of(plan))
        return plan

    def _files(self, plan: Plan) -> tuple[tuple[str, int], ...]:
        left = [(remote_path(f.sha256), f.bytes - self.downloads.held(f)) for f in _files_of(plan)]
        return tuple((path, length) for path, length in left if length)

    def _outcome(self, before: int | None, now: Held | None, plan: Plan, note: str) -> Outcome:
        complete = now is not None and now.is_complete and now.release == self.release.sha256
        version = now.version if now else None
        left = () if complete else self._files(plan)
        return Outcome(self.store.root.name, before, version, plan.way, complete, left, note)

    def _follow(self, plan: Plan, held: Held | None) -> Held:
        self.downloads = replace(self.downloads, watch=self.progress.came)
        if plan.way == "none":
            assert held is not None, "nothing leads to nothing"
            return held if held.version == self.release.version else self.store.relabel(held, self.release)
        return self._apply_deltas(plan) if plan.way == "delta" else self._gather_parts(plan.parts)

    def _apply_deltas(self, plan: Plan) -> Held:
        shard = self.store.open()
        if shard is None or shard.sha256 != plan.deltas[0].base:
            raise ArtefactRefused(f"catalogue {self.store.root.name}: what is installed is damaged")
        columns: Columns = shard.columns
        for link in plan.deltas:
            columns = self._applied(columns, link.file)
        self._require_release(columns)
        held = self._install(columns)
        self._forget(plan)
        return held

    def _gather_parts(self, parts: tuple[Part, ...]) -> Held:
        """Fetch part after part; whenever what is here has doubled, it is installed and can be searched."""
        columns: Columns = _empty(self.generation.ndim)
        inside: list[str] = []
        installed_views = self._searchable_views()
        try:
            for part in parts:
                columns = self._applied(columns, part.file)
                inside.append(part.file.sha256)
                views = len(columns["keys"])
                if views >= 2 * installed_views and len(inside) < len(parts):
                    self._install(columns, inside)
                    installed_views = views
        except BaseException:
            if len(columns["keys"]) > installed_views:
                with suppress(OutputError):
                    self._install(columns, inside)
            raise
        self._require_release(columns)
        held = self._install(columns)
        self._forget(Plan("full", self.release, parts=parts))
        return held

    def _with_packs(self, held: Held, wishes: Wishes) -> Held:
        folder = self.store.root / SHARDS / held.folder
        for name, pack in packs_to_come(self.release, held, wishes):
            if fetch_pack(self.downloads, pack, KINDS[name], folder):
                held = self.store.add_pack(held, pack.head.sha256)
        return held

    def _install(self, columns: Columns, inside: Sequence[str] = ()) -> Held:
        """Install a whole release with its calibration, or what is here of it, which no calibration is for."""
        calibration = None if inside else self._fetched_calibration()
        return self.store.install(columns, self.release, self.generation.space_id, inside, calibration)

    def _calibrate(self, held: Held) -> None:
        """Bring the calibration of a release that was installed before, or take it away where it has none any more."""
        if calibration_is_due(self.release, held, self.store):
            self.store.calibrate(held, self._fetched_calibration())
        if self.release.calibration is not None:
            self.downloads.forget(self.release.calibration)

    def _fetched_calibration(self) -> bytes | None:
        """Return the calibration of the release, read once to see that it is for it."""
        file = self.release.calibration
        if file is None:
            return None
        where = f"{self.downloads.line.address}, calibration of {self.store.root.name} version {self.release.version}"
        data = self.downloads.fetch(file)
        if parse_calibration(data, where).shard != self.release.sha256:
            raise ArtefactRefused(f"{where}: is for another shard: whoever runs the server must publish again")
        return data

    def _searchable_views(self) -> float:
        """Return what an unfinished shard must outgrow to be worth a switch: a whole one is never given up for it."""
        held = self.store.held()
        if held is None or held.space_id != self.generation.space_id:
            return 0
        if held.is_complete:
            return math.inf
        try:
            return read_description(self.store.root / SHARDS / held.folder).views
        except ArtefactRefused:
            return 0

    def _applied(self, columns: Columns, file: PublishedFile) -> dict[str, Array]:
        where = f"{self.downloads.line.address}, {file.sha256[:12]}"
        delta = unpacked(self.downloads.fetch(file), file.unpacked_bytes, where)
        if (delta.space_id, delta.ndim) != (self.generation.space_id, self.generation.ndim):
            raise ArtefactRefused(f"{where}: is of another embedding space than the index says")
        return apply_delta(columns, delta, where)

    def _require_release(self, columns: Columns) -> None:
        found = identity(self.generation.space_id, columns)
        if found != self.release.sha256:
            raise ArtefactRefused(
                f"catalogue {self.store.root.name}: the files of version {self.release.version} make {found[:12]}, "
                f"signed is {self.release.sha256[:12]}: nothing was installed"
            )

    def _forget(self, plan: Plan) -> None:
        for file in _files_of(plan):
            self.downloads.forget(file)


def calibration_is_due(release: Release, held: Held, store: CatalogStore) -> bool:
    """Return whether another calibration, or none, stands beside a whole release than is published."""
    published = release.calibration.sha256 if release.calibration else None
    return held.is_complete and held.release == release.sha256 and store.calibration_sha256(held) != published


def packs_to_come(release: Release, held: Held, wishes: Wishes) -> list[tuple[str, PackFile]]:
    """Return the packs that are wished for, are published, and are not here whole."""
    published = {"thumbnails": release.thumbnails, "keypoints": release.keypoints}
    wished = [(name, published[name]) for name in wishes.packs]
    return [(name, pack) for name, pack in wished if pack is not None and pack.head.sha256 not in held.packs]


def _files_of(plan: Plan) -> list[PublishedFile]:
    return [*(delta.file for delta in plan.deltas), *(part.file for part in plan.parts)]


def _empty(ndim: int) -> dict[str, Array]:
    nothing = np.zeros(0, np.uint64)
    return canonical_columns([], nothing, np.zeros((0, ndim), np.int8), nothing.astype(np.int64))
