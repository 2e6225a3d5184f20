"""The pull: what is signed -> what is cheapest -> fetched -> applied -> installed, one call per arrow.

>>> outcomes = pull(home, line, Wishes(space_id=bundle.space_id), now_s=time.time())
>>> outcomes[0].way, outcomes[0].to_version
('delta', 12)
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from edge.errors import ArtefactRefused, OutputError, UsageError
from edge.files import write_whole
from edge.sync.download import Downloads
from edge.sync.plan import release_for
from edge.sync.settings import DEVICE
from edge.sync.store import CATALOGS, TRUST, CatalogStore, Held
from edge.sync.transport import Metered
from edge.sync.trust import Trust
from edge.sync.updating import CatalogUpdate, Outcome, Progress, Wishes, calibration_is_due, packs_to_come

__all__ = ["Outcome", "Progress", "Wishes", "device_id", "pull"]

PARTIAL = "partial"
Say = Callable[[str], None]


def pull(
    home: Path, line: Metered, wishes: Wishes, now_s: float, say: Say = lambda s: None, progress: Progress | None = None
) -> list[Outcome]:
    """Bring the catalogues of this device up to date.

    Args:
        home: where the device keeps its state.
        line: answers requests and counts.
        wishes: what is asked for.
        now_s: this device's clock, seconds since 1970.
        say: is told sentences that a person should read.
        progress: follows the downloads.

    Returns:
        One outcome for each catalogue. Where the limit of bytes was reached, what came is kept for the next call.

    Raises:
        NetworkError: the server cannot be reached.
        ArtefactRefused: what is published cannot be trusted, or this device cannot use it.
        OutputError: the disk is full, or another sync is at work.
    """
    with _alone(home):
        trust = Trust(home / TRUST, line, now_s)
        _meet(trust, line, wishes, say)
        if (unchanged := _nothing_new(home, trust, wishes)) is not None:
            return unchanged
        trust.refresh()
        names = wishes.catalogs or trust.catalogs()
        return [_pull_one(home, line, trust, name, wishes, progress or Progress()) for name in names]


def _meet(trust: Trust, line: Metered, wishes: Wishes, say: Say) -> None:
    """Begin to trust a server: by the root that the operator handed over, else by its first answer."""
    if not trust.is_new:
        return
    if wishes.root is None:
        say(f"{line.address} is new to this device: its first answer is trusted; `--root FILE` would be safer")
    trust.begin(wishes.root or trust.fetch_first_root())


def _nothing_new(home: Path, trust: Trust, wishes: Wishes) -> list[Outcome] | None:
    """Return the outcomes of a call in which nothing is to be fetched, or None where more has to be asked."""
    names = wishes.catalogs or trust.catalogs()
    outcomes = []
    for name in names:
        index, store = trust.held_index(name), CatalogStore(home / CATALOGS / name)
        held = store.held()
        generation = index.generation(wishes.space_id) if index else None
        if held is None or generation is None or not held.is_complete or held.space_id != wishes.space_id:
            return None
        release = release_for(generation, device_id(home), name)
        if (release.sha256, release.version) != (held.sha256, held.version) or packs_to_come(release, held, wishes):
            return None
        if calibration_is_due(release, held, store):
            return None
        outcomes.append(Outcome(name, held.version, held.version, "none", True))
    return outcomes if outcomes and trust.is_unchanged() else None


def _pull_one(home: Path, line: Metered, trust: Trust, name: str, wishes: Wishes, progress: Progress) -> Outcome:
    index = trust.index(name)
    if index is None:
        raise UsageError(
            f"{line.address} publishes no catalogue {name!r}, only {', '.join(trust.catalogs()) or 'none'}"
        )
    store = CatalogStore(home / CATALOGS / name)
    held = store.held()
    generation = index.generation(wishes.space_id)
    if generation is None:
        return _no_bundle(line, name, held)
    release = release_for(generation, device_id(home), name)
    update = CatalogUpdate(store, generation, release, Downloads(home / PARTIAL, line), progress)
    return update.run(held, wishes)


def _no_bundle(line: Metered, name: str, held: Held | None) -> Outcome:
    note = f"{line.address} has catalogue {name} only for another embedding space than this device's bundle"
    if held is None:
        raise ArtefactRefused(f"{note}: update the bundle")
    return Outcome(name, held.version, held.version, "none", held.is_complete, note=f"{note}: the old one stays")


def device_id(home: Path) -> str:
    """Return the random id of this device, made at the first call.

    Raises:
        OutputError: it cannot be written.
    """
    path = home / DEVICE
    try:
        return str(json.loads(path.read_bytes())["device_id"])
    except (OSError, ValueError, KeyError, TypeError):
        made = os.urandom(16).hex()
        write_whole(path, json.dumps({"device_id": made}) + "\n")
        return made


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / "sync.lock", timeout=0)
        lock.acquire()
    except Timeout as e:
        raise OutputError(f"{home}: another sync is at work: wait until it has ended") from e
    except OSError as e:
        raise OutputError(f"{home}: cannot be written ({e.strerror or e})") from e
    try:
        yield
    finally:
        lock.release()
