"""From a new index to what is served: the one way in which every command changes what devices see.

>>> writes = announce(repository, served, index, blobs, signers, now)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tuf.api.metadata import TargetFile

from edge.errors import ArtefactRefused
from edge.files import sha256_of_file
from edge.sync.index import MAX_INDEX_BYTES, Generation, Index, index_frame, read_index
from server.keys import KeyRing
from server.metadata import METADATA, ORDER, Served, Signers, next_metadata, read_served
from server.pruning import prune
from server.publication import TARGETS, Blob, Write, commit, file_path, index_path, target_name
from server.releases import known_states, named_files
from server.repository import Repository
from server.shard_store import ShardStore


def catalogs(served: Served) -> list[str]:
    """Return the names of the catalogues that are published."""
    return [name.removesuffix(".json") for name in sorted(served.targets.targets)]


def published_index(repository: Repository, served: Served, catalog: str) -> Index:
    """Return the index of a catalogue, without a generation where nothing is published of it.

    Raises:
        ArtefactRefused: its file is missing or altered.
    """
    target = served.targets.targets.get(target_name(catalog))
    if target is None:
        return Index(catalog, ())
    sha256 = target.hashes["sha256"]
    path = repository.public / index_path(catalog, sha256)
    if not path.is_file() or sha256_of_file(path) != sha256:
        raise ArtefactRefused(f"{path}: missing or altered: bring the repository's backup back")
    return read_index(path.read_bytes(), str(path))


def store_of(repository: Repository, catalog: str) -> ShardStore:
    """Return the shards that are kept of a catalogue."""
    return ShardStore(repository.shards / catalog)


def starts_of(repository: Repository, catalog: str, generation: Generation | None, keep: int) -> list[str]:
    """Return the identities of the last states that devices may hold and whose shards are kept, newest first."""
    store = store_of(repository, catalog)
    listed = {} if generation is None else {release.sha256: release.version for release in generation.releases}
    kept = [shard for sha256 in known_states(generation) if (shard := store.get(sha256)) is not None]
    # content that came back after a withdrawal is listed under a higher version than the one it was built as
    versions = {shard.sha256: listed.get(shard.sha256, shard.version) for shard in kept}
    return sorted(versions, key=lambda sha256: -versions[sha256])[:keep]


def open_signers(ring: KeyRing, served: Served, roles: Iterable[str] = ORDER) -> Signers:
    """Open the keys of roles, before any work is done that would be lost without them."""
    return {role: ring.signers(served.root, role) for role in roles}


def announce(
    repository: Repository,
    served: Served,
    index: Index,
    blobs: Sequence[Blob],
    signers: Signers,
    now: datetime,
) -> list[Write]:
    """Serve a new index: its files first, the timestamp last; return what was written.

    Args:
        repository: where.
        served: what is served now.
        index: the next index of one catalogue.
        blobs: files that it may name; those that it does not are left out.
        signers: keys of targets, snapshot and timestamp.
        now: when it is signed.

    Raises:
        ArtefactRefused: the index is too long for devices.
        OutputError: the disk is full or not writable; the old state is still served.
    """
    data = index_frame(index)
    if len(data) > MAX_INDEX_BYTES:
        raise ArtefactRefused(
            f"{index.catalog}: an index of {len(data)} bytes is too long: publish with a lower --keep"
        )
    read_index(data, f"the new index of {index.catalog}")
    named = {file.sha256 for file in named_files(index)}
    name = target_name(index.catalog)
    target = TargetFile.from_data(name, data, ["sha256"])
    targets = {**served.targets.targets, name: target}
    writes = [
        *(blob.write for blob in blobs if blob.file.sha256 in named),
        Write(index_path(index.catalog, target.hashes["sha256"]), data, "index"),
        *next_metadata(served, repository.settings, signers, now, "targets", targets),
    ]
    commit(repository.public, writes)
    return writes


@dataclass(frozen=True)
class Change:
    """A change to what devices see, ready to be made.

    Attributes:
        served: what is served now.
        index: the next index of one catalogue.
        blobs: files that it may name.
        signers: keys of targets, snapshot and timestamp.
        event: what the journal calls it.
        details: what the journal says of it.
    """

    served: Served
    index: Index
    blobs: Sequence[Blob]
    signers: Signers
    event: str
    details: Mapping[str, Any]


def carry_out(repository: Repository, change: Change, now: datetime) -> tuple[tuple[Write, ...], tuple[str, ...]]:
    """Note a change in the journal, make it, and tidy up; return what was written and what was removed.

    The journal has a line before the change ("stage": "begun") and one after it ("done"), so that a reason that was
    given is never lost, even if the machine stops in between.
    """
    said = {"catalog": change.index.catalog, **change.details}
    repository.log(now, change.event, stage="begun", **said)
    writes = announce(repository, change.served, change.index, change.blobs, change.signers, now)
    repository.log(now, change.event, stage="done", **said)
    return tuple(writes), tuple(tidy(repository, now))


def tidy(repository: Repository, now: datetime) -> list[str]:
    """Remove shards, files and metadata that nothing needs any more; return the paths of the served ones."""
    served = read_served(repository.public)
    named = {f"{METADATA}/{version}.root.json" for version in range(1, served.version("root") + 1)}
    named |= {f"{METADATA}/timestamp.json"}
    named |= {f"{METADATA}/{served.version(role)}.{role}.json" for role in ("snapshot", "targets")}
    for catalog in catalogs(served):
        index = published_index(repository, served, catalog)
        named.add(f"{TARGETS}/{served.targets.targets[target_name(catalog)].hashes['sha256']}.{target_name(catalog)}")
        named |= {file_path(file.sha256) for file in named_files(index)}
        store = store_of(repository, catalog)
        keep = repository.settings.keep + 1
        store.keep_only({sha for g in index.generations for sha in starts_of(repository, catalog, g, keep)})
        named |= {file_path(sha256) for sha256 in store.files()}
    return prune(repository.root, repository.public, named, repository.settings.grace_days, now)
