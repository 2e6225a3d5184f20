"""Replacing the keys of a role. Root says which keys sign what, so a rotation is a new version of root.

A device takes versions of root one by one; each must be signed by enough keys of the version before and by enough of
its own (The Update Framework, 5.3). The metadata of the role itself is first signed with the old and the new key, so
that devices on either side of the switch accept it, and root is written last. Only where the old key is lost does root
go first; a command that is cut short there is finished by `refresh`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Root

from edge.errors import InputError, UsageError
from server.keys import KeyRing, file_name
from server.metadata import ORDER, Served, next_metadata, read_served, root_write
from server.publication import Write, commit
from server.repository import Repository


@dataclass(frozen=True)
class Rotated:
    """What a rotation did.

    Attributes:
        role: whose keys were replaced.
        root_version: the version of root that says so.
        revoked: names of the key files that devices no longer accept.
        new: names of the new key files.
        lost: whether the old key could not be found, so that it did not sign once more.
    """

    role: str
    root_version: int
    revoked: tuple[str, ...]
    new: tuple[str, ...]
    lost: bool


def rotate(
    repository: Repository,
    ring: KeyRing,
    role: str,
    now: datetime,
    threshold: int | None = None,
    keys: int | None = None,
    wait_s: float = 60.0,
) -> Rotated:
    """Replace all keys of a role by new ones and revoke the old.

    Args:
        repository: where.
        ring: its keys; enough root keys must be found whatever the role.
        role: "root", "targets", "snapshot" or "timestamp".
        now: the time.
        threshold: how many root keys must sign from now on; None: as before. For root only.
        keys: how many root keys there are from now on; None: as before. For root only.
        wait_s: how long to wait for another command to end.

    Raises:
        UsageError: a number of keys that makes no sense.
        InputError: too few root keys are found, or one does not open.
        OutputError: the disk is full or not writable.
    """
    with repository.locked(wait_s):
        served = read_served(repository.public)
        count = len(served.root.roles[role].keyids) if keys is None else keys
        needed = served.root.roles[role].threshold if threshold is None else threshold
        if not 1 <= needed <= count <= 16 or (role != "root" and count != 1):
            raise UsageError(f"{needed} of {count} keys for {role}: only root has several, and at most 16")
        root_signers = ring.signers(served.root, "root")
        old = root_signers if role == "root" else _old_signers(ring, served, role)
        others = {r: ring.signers(served.root, r) for r in _above(role)}
        passphrase = ring.passphrase_like(role)
        new = [ring.create(role, passphrase) for _ in range(count)]
        following = _next_root(served.root, role, new, needed)
        following.expires = now + repository.settings.life("root")
        by_root = [*root_signers, *new] if role == "root" else root_signers
        write = root_write(following, by_root)
        signers = {**others, role: [*old, *new]}
        writes = [] if role == "root" else next_metadata(served, repository.settings, signers, now, role)
        commit(repository.public, _in_order(write, writes, lost=not old))
        revoked = tuple(file_name(role, keyid) for keyid in served.root.roles[role].keyids)
        made = tuple(file_name(role, signer.public_key.keyid) for signer in new)
        repository.log(now, "rotate", role=role, root=following.version, revoked=revoked, new=made)
        return Rotated(role, following.version, revoked, made, lost=not old)


def _in_order(root: Write, role: Sequence[Write], lost: bool) -> list[Write]:
    return [root, *role] if lost else [*role, root]


def _above(role: str) -> tuple[str, ...]:
    """Return the roles whose metadata names that of a role, directly or not."""
    return ORDER[ORDER.index(role) + 1 :] if role in ORDER else ()


def _old_signers(ring: KeyRing, served: Served, role: str) -> tuple[CryptoSigner, ...]:
    """Return the keys that a role has had, or none where they are lost."""
    try:
        return ring.signers(served.root, role)
    except InputError:
        return ()


def _next_root(root: Root, role: str, new: Sequence[CryptoSigner], threshold: int) -> Root:
    following = deepcopy(root)
    following.version += 1
    following.roles[role].threshold = threshold
    for keyid in list(following.roles[role].keyids):
        following.revoke_key(keyid, role)
    for signer in new:
        following.add_key(signer.public_key, role)
    return following
