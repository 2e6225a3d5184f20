"""Signing anew what is about to expire, so that a quiet catalogue does not expire its devices.

The rule: a role is signed anew when less than half of its life is left, or when its signatures are not those that root
demands (a rotation was cut short). Whatever names it is signed anew with it: snapshot brings timestamp. Run it once a
day or more often; a run with nothing due writes nothing, so a device's conditional request stays unanswered for days.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime

from server.announcing import open_signers
from server.health import RENEW_BELOW, Health, health_of
from server.keys import ONLINE_ROLES, KeyRing
from server.metadata import ORDER, next_metadata, read_served, root_write
from server.publication import Write, commit
from server.repository import ROLES, Repository


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did.

    Attributes:
        signed: roles that were signed anew.
        waiting: roles that are due and need the offline keys.
        health: of what is served now.
    """

    signed: tuple[str, ...]
    waiting: tuple[str, ...]
    health: Health


def refresh(
    repository: Repository,
    ring: KeyRing,
    now: datetime,
    offline: bool = False,
    everything: bool = False,
    wait_s: float = 60.0,
) -> Refreshed:
    """Sign anew what is due.

    Args:
        repository: where.
        ring: its keys; those of root and targets are only looked for with `offline`.
        now: the time.
        offline: whether the offline keys are at hand, so that root and targets may be signed too.
        everything: whether to sign all of these roles, due or not.
        wait_s: how long to wait for another command to end.

    Raises:
        InputError: a key is missing or does not open; another command holds the repository.
        OutputError: the disk is full or not writable; the old state is still served.
    """
    with repository.locked(wait_s):
        served = read_served(repository.public)
        health = health_of(served, repository.settings, now)
        within = ROLES if offline else ONLINE_ROLES
        due = [role for role in ROLES if _is_due(health, role) or (everything and role in within)]
        waiting = tuple(role for role in due if role not in within)
        writes = _writes(repository, ring, [role for role in due if role in within], now)
        if writes:
            commit(repository.public, writes)
            repository.log(now, "refresh", signed=[write.step for write in writes])
        after = health_of(read_served(repository.public), repository.settings, now)
        return Refreshed(tuple(write.step for write in writes), waiting, after)


def _is_due(health: Health, role: str) -> bool:
    return health.roles[role].life_left < RENEW_BELOW or not health.roles[role].signed


def _writes(repository: Repository, ring: KeyRing, due: Iterable[str], now: datetime) -> list[Write]:
    served, settings = read_served(repository.public), repository.settings
    chosen = set(due)
    writes: list[Write] = []
    if "root" in chosen:
        root = deepcopy(served.root)
        root.version, root.expires = root.version + 1, now + settings.life("root")
        writes.append(root_write(root, ring.signers(served.root, "root")))
    lowest = next((role for role in ORDER if role in chosen), None)
    if lowest is not None:
        signers = open_signers(ring, served, ORDER[ORDER.index(lowest) :])
        writes += next_metadata(served, settings, signers, now, lowest)
    return writes
