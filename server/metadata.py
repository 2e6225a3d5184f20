"""Metadata of The Update Framework: what is served, and its next versions.

Read from the top: the timestamp says which snapshot is served, the snapshot which targets. A file that a killed command
left beside them is not served and is written over by the next. Roles, versions and signatures follow the specification
of The Update Framework 1.0, with consistent snapshots; `tuf` (python-tuf) makes and checks them.

    >>> served = read_served(repository.public)
    >>> served.targets.targets
    {'grocery.json': TargetFile(...)}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from edge.errors import ArtefactRefused
from server.publication import Write
from server.repository import Settings

METADATA = "metadata"
ORDER = ("targets", "snapshot", "timestamp")
"""Each names the one before; the last is what a device asks for first."""
S = TypeVar("S", bound=Signed)
Signers = Mapping[str, Sequence[CryptoSigner]]


@dataclass(frozen=True)
class Served:
    """The metadata that a device finds.

    Attributes:
        files: the four of them with their signatures, by role.
    """

    files: Mapping[str, Metadata[Any]]

    @property
    def root(self) -> Root:
        """Which keys sign what."""
        return self._of("root", Root)

    @property
    def targets(self) -> Targets:
        """Which indexes there are."""
        return self._of("targets", Targets)

    @property
    def snapshot(self) -> Snapshot:
        """Which targets belong together."""
        return self._of("snapshot", Snapshot)

    @property
    def timestamp(self) -> Timestamp:
        """Which snapshot is the latest."""
        return self._of("timestamp", Timestamp)

    def version(self, role: str) -> int:
        """Return the version of a role's metadata."""
        signed: Signed = self.files[role].signed
        return signed.version

    def expires(self, role: str) -> datetime:
        """Return when a role's metadata expires."""
        signed: Signed = self.files[role].signed
        return signed.expires

    def is_signed(self, role: str) -> bool:
        """Return whether a role's metadata is signed as the root that is served demands."""
        file = self.files[role]
        try:
            self.root.verify_delegate(role, file.signed_bytes, file.signatures)
        except RepositoryError:
            return False
        return True

    def _of(self, role: str, kind: type[S]) -> S:
        signed = self.files[role].signed
        assert isinstance(signed, kind)
        return signed


def read_served(public: Path) -> Served:
    """Read the metadata that a device finds.

    Raises:
        ArtefactRefused: a file is missing or malformed.
    """
    folder = public / METADATA
    root = _read(folder / f"{newest_root(folder)}.root.json", Root)
    timestamp = _read(folder / "timestamp.json", Timestamp)
    snapshot = _read(folder / f"{timestamp.signed.snapshot_meta.version}.snapshot.json", Snapshot)
    targets = _read(folder / f"{snapshot.signed.meta['targets.json'].version}.targets.json", Targets)
    found = {"root": root, "targets": targets, "snapshot": snapshot, "timestamp": timestamp}
    return Served(found)


def newest_root(folder: Path) -> int:
    """Return the highest version of root that a device reaches, which takes them one by one; 1 where there is none."""
    version = 1
    while (folder / f"{version + 1}.root.json").is_file():
        version += 1
    return version


def signed_bytes(payload: Signed, signers: Iterable[CryptoSigner]) -> bytes:
    """Return metadata as a file, signed with every one of the keys."""
    metadata: Metadata[Any] = Metadata(payload)
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes()


def first_metadata(root: Root, settings: Settings, signers: Signers, now: datetime) -> list[Write]:
    """Return the metadata of a repository in which nothing is published yet."""
    payloads = {
        "targets": Targets(expires=now + settings.life("targets")),
        "snapshot": Snapshot(expires=now + settings.life("snapshot")),
        "timestamp": Timestamp(expires=now + settings.life("timestamp")),
    }
    return [root_write(root, signers["root"]), *_chain(payloads, signers)]


def root_write(root: Root, signers: Iterable[CryptoSigner]) -> Write:
    """Return the write of a version of root."""
    return Write(f"{METADATA}/{root.version}.root.json", signed_bytes(root, signers), "root")


def next_metadata(
    served: Served,
    settings: Settings,
    signers: Signers,
    now: datetime,
    lowest: str,
    targets: Mapping[str, TargetFile] | None = None,
) -> list[Write]:
    """Return the next version of a role and of those that name it, in the order in which they are written.

    Args:
        served: what is served now.
        settings: how long each role is valid.
        signers: keys by role; every one of them signs.
        now: when they are signed.
        lowest: "targets", "snapshot" or "timestamp".
        targets: what is published from now on; None: the same as before.
    """
    payloads: dict[str, Signed] = {}
    for role in ORDER[ORDER.index(lowest) :]:
        expires, version = now + settings.life(role), served.version(role) + 1
        match role:
            case "targets":
                published = served.targets.targets if targets is None else targets
                payloads[role] = Targets(version, expires=expires, targets=dict(published))
            case "snapshot":
                payloads[role] = Snapshot(version, expires=expires, meta=dict(served.snapshot.meta))
            case _:
                payloads[role] = Timestamp(version, expires=expires, snapshot_meta=served.timestamp.snapshot_meta)
    return _chain(payloads, signers)


def _chain(payloads: Mapping[str, Signed], signers: Signers) -> list[Write]:
    """Sign from the bottom up, each role naming the one below by version, length and hash."""
    writes: list[Write] = []
    below: MetaFile | None = None
    for role, payload in payloads.items():
        if below is not None and isinstance(payload, Snapshot):
            payload.meta = {"targets.json": below}
        if below is not None and isinstance(payload, Timestamp):
            payload.snapshot_meta = below
        data = signed_bytes(payload, signers[role])
        below = MetaFile.from_data(payload.version, data, ["sha256"])
        name = "timestamp.json" if role == "timestamp" else f"{payload.version}.{role}.json"
        writes.append(Write(f"{METADATA}/{name}", data, role))
    return writes


def _read(path: Path, kind: type[Signed]) -> Metadata[Any]:
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(path.read_bytes())
    except OSError as e:
        raise ArtefactRefused(f"{path}: cannot be read ({e.strerror or e}): bring the repository's backup back") from e
    except DeserializationError as e:
        raise ArtefactRefused(f"{path}: is no metadata of The Update Framework: bring the backup back") from e
    if not isinstance(metadata.signed, kind):
        raise ArtefactRefused(f"{path}: is not {kind.type} metadata: bring the backup back")
    return metadata
