"""What the next index of a catalogue lists: which releases, which of them whole, which deltas. Pure.

A release is offered while a device may be told to take it: the newest, and, while that one is staged, those before it
down to the first that reaches every device. Offered releases have parts and packs. Of the others only the identity
stays, as a place where devices come from. A delta is listed while it is on the cheapest way from one of the last states
to an offered release.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from edge.errors import ArtefactRefused
from edge.sync.index import DeltaFile, Generation, Index, PackFile, PublishedFile, Release
from edge.sync.plan import plan_update


def with_release(
    index: Index,
    space_id: str,
    ndim: int,
    release: Release,
    deltas: Iterable[DeltaFile],
    starts: Sequence[str],
    keep: int,
    withdrawn: str | None = None,
) -> Index:
    """Return the index with one more release.

    Args:
        index: what is published.
        space_id: embedding space of the release; another than those published opens a generation in front of them.
        ndim: length of its vectors.
        release: the new one; an older one of the same content gives way to it.
        deltas: that lead to it.
        starts: identities of the states that devices may come from.
        keep: how many older releases stay listed.
        withdrawn: identity of a release that is no longer listed; deltas may go on starting from it.
    """
    old = index.generation(space_id)
    before = () if old is None else old.releases
    stay = [r for r in before if r.sha256 not in (release.sha256, withdrawn)]
    known = {(d.base, d.target): d for d in (() if old is None else old.deltas)}
    known |= {(d.base, d.target): d for d in deltas}
    generation = Generation(space_id, ndim, (release, *stay[:keep]), tuple(known.values()))
    others = [g for g in index.generations if g.space_id != space_id]
    trimmed = trim(generation, starts)
    if old is None:
        return replace(index, generations=(trimmed, *others))
    return replace(index, generations=tuple(trimmed if g.space_id == space_id else g for g in index.generations))


def offered(generation: Generation) -> tuple[Release, ...]:
    """Return the releases that a device may be told to take, newest first."""
    whole = next((n for n, r in enumerate(generation.releases) if r.share == 1), len(generation.releases) - 1)
    return generation.releases[: whole + 1]


def trim(generation: Generation, starts: Sequence[str]) -> Generation:
    """Return a generation with parts and packs of the offered releases only, and the deltas that some device takes."""
    given = offered(generation)
    nothing: dict[str, Any] = {"parts": (), "thumbnails": None, "keypoints": None, "calibration": None}
    bare = [replace(release, **nothing) for release in generation.releases[len(given) :]]
    used: set[tuple[str, str]] = set()
    for start in starts:
        for release in given:
            plan = plan_update(generation, release, start)
            used |= {(delta.base, delta.target) for delta in plan.deltas}
    deltas = tuple(d for d in generation.deltas if (d.base, d.target) in used)
    return replace(generation, releases=(*given, *bare), deltas=deltas)


def without_space(index: Index, space: str) -> Index:
    """Return the index without a generation.

    Args:
        index: what is published.
        space: its space_id, or the beginning of it.

    Raises:
        ArtefactRefused: no generation or several begin so, or it is the only one.
    """
    found = [g for g in index.generations if g.space_id.startswith(space)]
    if len(found) != 1:
        published = ", ".join(g.space_id[:12] for g in index.generations)
        raise ArtefactRefused(
            f"{index.catalog}: {len(found)} generations begin with {space!r} (published: {published})"
        )
    if len(index.generations) == 1:
        raise ArtefactRefused(f"{index.catalog}: {space!r} is its only generation and cannot be retired")
    return replace(index, generations=tuple(g for g in index.generations if g != found[0]))


def known_states(generation: Generation | None) -> list[str]:
    """Return the identities that devices may hold: listed releases newest first, then withdrawn ones."""
    if generation is None:
        return []
    listed = [r.sha256 for r in generation.releases]
    return [*listed, *dict.fromkeys(d.base for d in generation.deltas if d.base not in listed)]


def named_files(index: Index) -> Iterator[PublishedFile]:
    """Yield every file that an index names."""
    for generation in index.generations:
        yield from (delta.file for delta in generation.deltas)
        for release in generation.releases:
            yield from (part.file for part in release.parts)
            yield from _pack_files(release.thumbnails, release.keypoints)
            if release.calibration is not None:
                yield release.calibration


def _pack_files(*packs: PackFile | None) -> Iterator[PublishedFile]:
    for pack in packs:
        if pack is not None:
            yield from (pack.head, pack.entries)
