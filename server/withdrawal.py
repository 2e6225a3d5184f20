"""Taking a version or a product back: always by a newer version, so that every device gets it at its next sync."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from edge.errors import ArtefactRefused, UsageError
from edge.shard import Shard
from edge.shard.columns import Array
from edge.shard.delta import identity
from edge.shard.pack_head import PackHead, head_bytes, read_head
from edge.sync.index import Generation, Index, PackFile, Release
from server.announcing import Change, carry_out, catalogs, open_signers, published_index, store_of
from server.keys import KeyRing
from server.metadata import Served, read_served
from server.packing import Watch, columns_without, unwatched
from server.publication import Blob, file_path
from server.publishing import Published, Request, next_index, published_of
from server.repository import Repository
from server.shard_store import Packs


@dataclass(frozen=True)
class Withdrawal:
    """What is to be taken back.

    Attributes:
        what: a version or a product_id.
        reason: for the journal.
        catalog: of which catalogue; None: the only one.
        kind: "version" or "product"; None: a version if it is the number of one that is listed, else a product.
        wait_s: how long to wait for another command to end.
    """

    what: str
    reason: str
    catalog: str | None = None
    kind: str | None = None
    wait_s: float = 60.0


def withdraw(
    repository: Repository, ring: KeyRing, withdrawal: Withdrawal, now: datetime, watch: Watch = unwatched
) -> list[Published]:
    """Publish a newer version without a version or a product, in every generation that has it.

    Raises:
        UsageError: there are several catalogues and none is named.
        ArtefactRefused: nothing of that name can be taken back.
        InputError: a key is missing or does not open; another command holds the repository.
        OutputError: the disk is full or not writable; the old state is still served.
    """
    with repository.locked(withdrawal.wait_s):
        served = read_served(repository.public)
        catalog = chosen_catalog(served, withdrawal.catalog)
        index = published_index(repository, served, catalog)
        with_it = [g for g in index.generations if _has(repository, catalog, g, withdrawal)]
        if not with_it:
            raise ArtefactRefused(f"{catalog}: neither a version nor a product {withdrawal.what!r} is published")
        done = []
        for generation in with_it:
            served = read_served(repository.public)
            index = published_index(repository, served, catalog)
            done.append(_withdrawn(repository, ring, withdrawal, (served, index, generation), now, watch))
        return done


def chosen_catalog(served: Served, name: str | None) -> str:
    """Return the catalogue that is meant; None means the only one.

    Raises:
        UsageError: there are several, or none of that name.
    """
    there = catalogs(served)
    if name in there or (name is None and len(there) == 1):
        return name or there[0]
    published = ", ".join(there) or "none"
    raise UsageError(f"--catalog {name or 'is missing'}: published are {published}")


def _withdrawn(
    repository: Repository,
    ring: KeyRing,
    withdrawal: Withdrawal,
    at: tuple[Served, Index, Generation],
    now: datetime,
    watch: Watch,
) -> Published:
    served, index, generation = at
    is_version = _names_version(generation, withdrawal)
    newest = generation.newest
    shard, packs, blobs = (
        _version_before(repository, index, generation)
        if is_version
        else _without_product(repository, index, generation, withdrawal.what)
    )
    signers = open_signers(ring, served)
    store_of(repository, index.catalog).add_packs(shard.sha256, packs)
    request, version = Request(), max(g.newest.version for g in index.generations) + 1
    withdrawn = newest.sha256 if is_version else None
    following, new = next_index(repository, index, shard, packs, request, watch, withdrawn, version)
    said = {"withdrawn": withdrawal.what, "reason": withdrawal.reason, "version": version, "shard": shard.sha256}
    change = Change(served, following, [*blobs, *new], signers, "withdraw", said)
    made = carry_out(repository, change, now)
    return published_of(index.catalog, generation.space_id, index, following, *made)


def _has(repository: Repository, catalog: str, generation: Generation, withdrawal: Withdrawal) -> bool:
    if _names_version(generation, withdrawal):
        if withdrawal.what != str(generation.newest.version):
            raise ArtefactRefused(
                f"{catalog}: version {withdrawal.what} is not the newest, which is {generation.newest.version}: "
                "withdraw that one, or publish a better one"
            )
        return True
    if withdrawal.kind == "version":
        return False
    return _kept(repository, catalog, generation.newest).find(withdrawal.what) is not None


def _names_version(generation: Generation, withdrawal: Withdrawal) -> bool:
    listed = withdrawal.what in {str(release.version) for release in generation.releases}
    return listed and withdrawal.kind != "product"


def _version_before(repository: Repository, index: Index, generation: Generation) -> tuple[Shard, Packs, list[Blob]]:
    if len(generation.releases) == 1:
        raise ArtefactRefused(
            f"{index.catalog}: nothing is listed before version {generation.newest.version}: publish another shard"
        )
    before = generation.releases[1]
    return _kept(repository, index.catalog, before), store_of(repository, index.catalog).packs(before.sha256), []


def _without_product(
    repository: Repository, index: Index, generation: Generation, product_id: str
) -> tuple[Shard, Packs, list[Blob]]:
    newest = generation.newest
    if newest.share < 1:
        raise ArtefactRefused(
            f"{index.catalog}: version {newest.version} reaches a share of {newest.share:g} of the devices only, and "
            "what replaces it would reach all: withdraw that version or roll it out first"
        )
    shard = _kept(repository, index.catalog, newest)
    row = shard.find(product_id)
    assert row is not None
    gone = shard.keys[shard.views_of(row)]
    columns = columns_without(shard, row)
    sha256 = identity(shard.space_id, columns)
    store = store_of(repository, index.catalog)
    kept = store.add(index.catalog, newest.version + 1, shard.space_id, columns, sha256)
    made: dict[str, PackFile] = {}
    blobs: list[Blob] = []
    for name, pack in (("thumbnails", newest.thumbnails), ("keypoints", newest.keypoints)):
        if pack is not None:
            made[name], new = _pack_without(repository, pack, gone)
            blobs += new
    return kept, Packs(made.get("thumbnails"), made.get("keypoints")), blobs


def _pack_without(repository: Repository, pack: PackFile, gone: Array) -> tuple[PackFile, list[Blob]]:
    """Return a pack without the entries of some views, made from the files that are served."""
    head_path, path = (repository.public / file_path(file.sha256) for file in (pack.head, pack.entries))
    try:
        head = read_head(head_path.read_bytes(), str(head_path))
        entries = path.read_bytes()
    except OSError as e:
        raise ArtefactRefused(f"{path}: cannot be read ({e.strerror or e}): bring the backup back") from e
    rows = np.flatnonzero(~np.isin(head.keys, gone))
    spans = [(int(head.offsets[row]), int(head.offsets[row + 1])) for row in rows]
    offsets = np.cumsum([0, *(end - start for start, end in spans)]).astype(np.uint32)
    left = Blob.of(b"".join(entries[start:end] for start, end in spans))
    top = Blob.of(head_bytes(PackHead(head.kind, head.keys[rows], head.sha256[rows], offsets)))
    return PackFile(top.file, left.file), [top, left]


def _kept(repository: Repository, catalog: str, release: Release) -> Shard:
    shard = store_of(repository, catalog).get(release.sha256)
    if shard is None:
        raise ArtefactRefused(f"{repository.shards / catalog}: version {release.version} is not kept: bring it back")
    return shard
