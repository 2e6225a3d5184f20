"""Widening a staged roll-out: the share of devices that take a version grows until it reaches all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from edge.errors import ArtefactRefused, UsageError
from server.announcing import Change, carry_out, open_signers, published_index, starts_of
from server.keys import KeyRing
from server.metadata import read_served
from server.publishing import Published, published_of
from server.releases import trim
from server.repository import Repository
from server.withdrawal import chosen_catalog


def roll_out(
    repository: Repository,
    ring: KeyRing,
    version: int,
    share: float,
    now: datetime,
    catalog: str | None = None,
    wait_s: float = 60.0,
) -> Published:
    """Let a version that is staged reach a larger share of the devices.

    Raises:
        UsageError: the share is none, or the catalogue is not named.
        ArtefactRefused: the version is not offered, or reaches more devices already.
        InputError: a key is missing or does not open; another command holds the repository.
        OutputError: the disk is full or not writable; the old state is still served.
    """
    if not 0 < share <= 1:
        raise UsageError(f"--share {share:g}: above 0 and at most 1")
    with repository.locked(wait_s):
        served = read_served(repository.public)
        name = chosen_catalog(served, catalog)
        index = published_index(repository, served, name)
        at = [(g, r) for g in index.generations for r in g.releases if r.version == version]
        if not at:
            listed = ", ".join(str(r.version) for g in index.generations for r in g.releases)
            raise ArtefactRefused(f"{name}: version {version} is not listed (listed: {listed})")
        generation, release = at[0]
        if share < release.share:
            raise ArtefactRefused(
                f"{name}: version {version} reaches a share of {release.share:g} already; devices do not give it back: "
                "withdraw it instead"
            )
        if share == release.share:
            return published_of(name, generation.space_id, index, index)
        wider = tuple(replace(r, share=float(share)) if r is release else r for r in generation.releases)
        starts = starts_of(repository, name, generation, repository.settings.keep + 1)
        changed = trim(replace(generation, releases=wider), starts)
        following = replace(index, generations=tuple(changed if g is generation else g for g in index.generations))
        signers = open_signers(ring, served)
        said = {"version": version, "share": share, "before": release.share}
        made = carry_out(repository, Change(served, following, [], signers, "rollout", said), now)
        return published_of(name, generation.space_id, index, following, *made)
