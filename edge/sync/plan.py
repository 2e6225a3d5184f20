"""The cheapest way from what a device holds to what it should hold: nothing, deltas, or the full shard.

Pure: an index and a state go in, a list of files comes out.

    >>> plan = plan_update(generation, release, installed=None, category="drinks")
    >>> plan.way, plan.bytes
    ('full', 2853234)
"""

from __future__ import annotations

import hashlib
import heapq
from dataclasses import dataclass
from itertools import count
from typing import Literal

from edge.sync.index import DeltaFile, Generation, Part, Release

Way = Literal["none", "delta", "full"]
REQUEST_BYTES = 400
"""What asking for one more file costs on the line, so that a long chain of tiny deltas is not taken for free."""


@dataclass(frozen=True)
class Plan:
    """What to fetch.

    Attributes:
        way: "none", "delta" or "full".
        release: what it leads to.
        deltas: in the order in which they are applied.
        parts: in the order in which they are fetched; all of them make the release.
    """

    way: Way
    release: Release
    deltas: tuple[DeltaFile, ...] = ()
    parts: tuple[Part, ...] = ()

    @property
    def bytes(self) -> int:
        """Bytes of the files, without what the requests cost."""
        return sum(delta.file.bytes for delta in self.deltas) + sum(part.file.bytes for part in self.parts)


def release_for(generation: Generation, device_id: str, catalog: str) -> Release:
    """Return the newest release that this device takes: staged ones reach a share of the devices first.

    A device's place in a roll-out follows from its id, the catalogue and the version, so that it is the same at every
    call and another for every release.
    """
    for release in generation.releases:
        if _place(device_id, catalog, release.version) < release.share:
            return release
    return generation.releases[-1]


def plan_update(
    generation: Generation,
    release: Release,
    installed: str | None,
    category: str | None = None,
    without_deltas: bool = False,
) -> Plan:
    """Choose the files that lead from what is installed to a release, the cheapest by bytes.

    Args:
        generation: what is published.
        release: what the device should hold.
        installed: identity of the shard that it holds; None: none of this generation, or an unfinished one.
        category: its parts come first.
        without_deltas: whether a delta failed and the full shard is wanted.

    Raises:
        ValueError: neither parts nor deltas lead to the release.
    """
    if installed == release.sha256:
        return Plan("none", release)
    chain = None if without_deltas or installed is None else _cheapest(generation, installed, release.sha256)
    full = sum(part.file.bytes + REQUEST_BYTES for part in release.parts)
    whole = bool(release.parts) or not release.products
    if chain is not None and (not whole or sum(d.file.bytes + REQUEST_BYTES for d in chain) < full):
        return Plan("delta", release, deltas=chain)
    if not whole:
        raise ValueError(f"nothing leads to version {release.version}")
    return Plan("full", release, parts=tuple(sorted(release.parts, key=lambda part: part.category != category)))


def _cheapest(generation: Generation, start: str, goal: str) -> tuple[DeltaFile, ...] | None:
    """Return the chain of deltas with the fewest bytes (Dijkstra, Numer. Math. 1, 1959), or None."""
    leaving: dict[str, list[DeltaFile]] = {}
    for delta in generation.deltas:
        leaving.setdefault(delta.base, []).append(delta)
    pushed = count(1)
    queue: list[tuple[int, int, str, tuple[DeltaFile, ...]]] = [(0, 0, start, ())]
    done: set[str] = set()
    while queue:
        cost, _, at, way = heapq.heappop(queue)
        if at == goal:
            return way
        if at in done:
            continue
        done.add(at)
        for delta in leaving.get(at, ()):
            step = cost + delta.file.bytes + REQUEST_BYTES
            heapq.heappush(queue, (step, next(pushed), delta.target, (*way, delta)))
    return None


def _place(device_id: str, catalog: str, version: int) -> float:
    digest = hashlib.sha256(f"{device_id}\n{catalog}\n{version}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
