"""Publishing a shard: from a folder that `export catalog` made to what devices fetch.

>>> published = publish(repository, open_shard(Path("shard")), ring, Request(force="try-out"), now)
>>> published.version
42
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from edge.errors import ArtefactRefused
from edge.shard import Shard
from edge.shard.calibration import CALIBRATION
from edge.shard.keypoints import KEYPOINT_PACK
from edge.shard.thumbnails import THUMBNAIL_PACK
from edge.sync.index import Generation, Index, Release
from edge.verdict import read_verdict
from server.announcing import Change, carry_out, open_signers, published_index, starts_of, store_of
from server.keys import KeyRing
from server.metadata import read_served
from server.packing import PackedDelta, Watch, packed_delta, packed_pack, packed_parts, unwatched
from server.publication import Blob, Write
from server.releases import with_release, without_space
from server.repository import Repository
from server.shard_store import Packs


@dataclass(frozen=True)
class Request:
    """How a shard is to be published.

    Attributes:
        verdict: file that says what the shard's checks found.
        force: why it is published without one.
        share: of the devices that take it, above 0 to 1.
        keep: how many older versions get a direct delta from now on; None: as many as before.
        retire: beginning of the space_id of a generation that ends.
        wait_s: how long to wait for another command to end.
    """

    verdict: Path | None = None
    force: str | None = None
    share: float = 1.0
    keep: int | None = None
    retire: str | None = None
    wait_s: float = 60.0


@dataclass(frozen=True)
class Published:
    """What a command changed.

    Attributes:
        catalog: name of the catalogue.
        version: the newest version now.
        before: the newest version before, of the same embedding space; None: there was none.
        writes: what was written; empty: nothing was new.
        generation: what is published now of this embedding space.
        removed: paths that are no longer served.
    """

    catalog: str
    version: int
    before: int | None
    writes: tuple[Write, ...]
    generation: Generation
    removed: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return what --json writes."""
        by_step: dict[str, int] = {}
        for write in self.writes:
            by_step[write.step] = by_step.get(write.step, 0) + len(write.data)
        generation = self.generation
        version_of = {r.sha256: r.version for r in generation.releases}
        deltas = [d for d in generation.deltas if d.target == generation.newest.sha256]
        return {
            "catalog": self.catalog,
            "version": self.version,
            "from_version": self.before,
            "published": bool(self.writes),
            "share": generation.newest.share,
            "products": generation.newest.products,
            "views": generation.newest.views,
            "full": {"parts": len(generation.newest.parts), "bytes": full_bytes(generation.newest)},
            "deltas": [{"from_version": version_of.get(d.base), "bytes": d.file.bytes} for d in deltas],
            "bytes_written": by_step,
            "removed": list(self.removed),
        }


def full_bytes(release: Release) -> int:
    """Return how many bytes all parts of a release are."""
    return sum(part.file.bytes for part in release.parts)


def publish(
    repository: Repository, shard: Shard, ring: KeyRing, request: Request, now: datetime, watch: Watch = unwatched
) -> Published:
    """Publish a shard as the newest version of its catalogue.

    A shard with the content that is published already changes nothing. A shard of another embedding space opens a
    generation beside the others.

    Raises:
        ArtefactRefused: no verdict or a bad one, or a version that does not rise.
        InputError: a key is missing or does not open; another command holds the repository.
        OutputError: the disk is full or not writable; the old state is still served.
    """
    with repository.locked(request.wait_s):
        served = read_served(repository.public)
        index = published_index(repository, served, shard.catalog)
        generation = index.generation(shard.space_id)
        packs, blobs = _packs(shard)
        same = _with_packs(index, generation, shard, packs)
        if same is None:
            _require_rising(index, shard)
        elif _retired(same, request) == index:
            return published_of(shard.catalog, shard.space_id, index, index)
        _require_verdict(shard, request)
        signers = open_signers(ring, served)
        repository = repository.keeping(request.keep)
        store = store_of(repository, shard.catalog)
        kept = store.add(shard.catalog, shard.version, shard.space_id, shard.columns, shard.sha256)
        if same is None:
            same, new = next_index(repository, index, kept, packs, request, watch)
            blobs += new
        store.add_packs(shard.sha256, packs)
        following = _retired(same, request)
        change = Change(served, following, blobs, signers, "publish", _said(shard, request))
        made = carry_out(repository, change, now)
        return published_of(shard.catalog, shard.space_id, index, following, *made)


def published_of(
    catalog: str,
    space_id: str,
    before: Index,
    after: Index,
    writes: tuple[Write, ...] = (),
    removed: tuple[str, ...] = (),
) -> Published:
    """Return what a change of one generation amounts to."""
    old, new = before.generation(space_id), after.generation(space_id)
    if new is None:
        raise ArtefactRefused(f"{catalog}: the generation that is published to cannot be retired")
    return Published(catalog, new.newest.version, old.newest.version if old else None, writes, new, removed)


def next_index(
    repository: Repository,
    index: Index,
    shard: Shard,
    packs: Packs,
    request: Request,
    watch: Watch = unwatched,
    withdrawn: str | None = None,
    version: int | None = None,
) -> tuple[Index, list[Blob]]:
    """Return the index with a shard as its newest release, and the files that it may name.

    Args:
        repository: keeps the shards that deltas start from.
        index: what is published.
        shard: the new one.
        packs: that belong to it.
        request: how it is published.
        watch: shows progress.
        withdrawn: identity of a release that is listed no more.
        version: of the release; None: the shard's own.
    """
    generation = index.generation(shard.space_id)
    keep = repository.settings.keep
    starts = [s for s in starts_of(repository, shard.catalog, generation, keep + 1) if s != shard.sha256][:keep]
    parts = packed_parts(shard, watch=watch)
    deltas = _deltas(repository, shard, starts, watch)
    number = shard.version if version is None else version
    release = Release(
        number,
        shard.sha256,
        shard.products,
        shard.views,
        float(request.share),
        tuple(part.listed for part in parts),
        packs.thumbnails,
        packs.keypoints,
        packs.calibration,
    )
    listed = [delta.listed for delta in deltas]
    following = with_release(index, shard.space_id, shard.ndim, release, listed, starts, keep, withdrawn)
    return following, [part.blob for part in parts] + [delta.blob for delta in deltas]


def _deltas(repository: Repository, shard: Shard, starts: Sequence[str], watch: Watch) -> list[PackedDelta]:
    store = store_of(repository, shard.catalog)
    bases = [base for start in starts if (base := store.get(start)) is not None and base.ndim == shard.ndim]
    return [packed_delta(base, shard) for base in watch(bases, "making deltas")]


def _packs(shard: Shard) -> tuple[Packs, list[Blob]]:
    thumbnails, pictures = packed_pack(shard.thumbnails)
    keypoints, rows = packed_pack(shard.keypoints)
    assert (THUMBNAIL_PACK.folder, KEYPOINT_PACK.folder) == tuple(Packs.__dataclass_fields__)[:2]
    thresholds = _calibration(shard)
    packs = Packs(thumbnails, keypoints, thresholds.file if thresholds else None)
    return packs, [*pictures, *rows, *([thresholds] if thresholds else [])]


def _calibration(shard: Shard) -> Blob | None:
    """Return the calibration beside a shard as it travels; one that is for another shard would help nobody."""
    path = shard.root / CALIBRATION
    if not path.exists():
        return None
    if shard.calibration is None:
        raise ArtefactRefused(f"{path}: is for another shard: run `export calibrate` on this one, or remove the file")
    return Blob.of(path.read_bytes())


def _with_packs(index: Index, generation: Generation | None, shard: Shard, packs: Packs) -> Index | None:
    """Return the index with these packs beside the newest release, or None unless that has the shard's content."""
    if generation is None or generation.newest.sha256 != shard.sha256:
        return None
    newest = replace(
        generation.newest, thumbnails=packs.thumbnails, keypoints=packs.keypoints, calibration=packs.calibration
    )
    changed = replace(generation, releases=(newest, *generation.releases[1:]))
    return replace(index, generations=tuple(changed if g is generation else g for g in index.generations))


def _retired(index: Index, request: Request) -> Index:
    return index if request.retire is None else without_space(index, request.retire)


def _said(shard: Shard, request: Request) -> dict[str, Any]:
    said = {"version": shard.version, "shard": shard.sha256, "share": request.share}
    if request.force is not None:
        said["forced"] = request.force
    elif request.verdict is not None:
        said["verdict"] = str(request.verdict)
    return said if request.retire is None else {**said, "retired": request.retire}


def _require_rising(index: Index, shard: Shard) -> None:
    for generation in index.generations:
        newest = generation.newest.version
        if shard.version < newest or (shard.version == newest and generation.space_id == shard.space_id):
            raise ArtefactRefused(
                f"{shard.root}: version {shard.version} of {shard.catalog} does not rise above {newest}, which is "
                f"published: build it with `export catalog --version {newest + 1}`"
            )


def _require_verdict(shard: Shard, request: Request) -> None:
    if request.force is not None:
        return
    if request.verdict is None:
        raise ArtefactRefused(
            f"{shard.root}: nothing says that it was checked: give --verdict FILE (`export evaluate --verdict` writes "
            "one) or --force REASON"
        )
    verdict = read_verdict(request.verdict)
    if verdict.shard != shard.sha256:
        raise ArtefactRefused(f"{request.verdict}: is about shard {verdict.shard[:12]}, not {shard.sha256[:12]}")
    if not verdict.passed:
        failed = ", ".join(verdict.failed) or "nothing was checked"
        raise ArtefactRefused(f"{request.verdict}: the shard did not pass ({failed}): mend it, or give --force REASON")
