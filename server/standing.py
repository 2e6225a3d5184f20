"""How a repository stands: what is published, what devices fetch, how long it is valid."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from edge.sync.index import Generation, Index
from server.announcing import catalogs, published_index
from server.health import health_of
from server.metadata import METADATA, Served, read_served
from server.publication import target_name
from server.publishing import full_bytes
from server.repository import ROLES, Repository


def standing(repository: Repository, now: datetime) -> dict[str, Any]:
    """Return the state of a repository as plain JSON values.

    Raises:
        ArtefactRefused: a file that is served is missing or altered.
    """
    served = read_served(repository.public)
    return {
        "repository": str(repository.root),
        "catalogs": [_catalog(repository, served, name) for name in catalogs(served)],
        "public_bytes": sum(path.stat().st_size for path in repository.public.rglob("*") if path.is_file()),
        "metadata_bytes": {role: _length(repository, served, role) for role in ROLES},
        "keep": repository.settings.keep,
        "grace_days": repository.settings.grace_days,
        "health": health_of(served, repository.settings, now).document(),
    }


def _catalog(repository: Repository, served: Served, name: str) -> dict[str, Any]:
    index: Index = published_index(repository, served, name)
    return {
        "catalog": name,
        "index_bytes": served.targets.targets[target_name(name)].length,
        "generations": [_generation(generation) for generation in index.generations],
    }


def _generation(generation: Generation) -> dict[str, Any]:
    version_of = {release.sha256: release.version for release in generation.releases}
    return {
        "space_id": generation.space_id,
        "ndim": generation.ndim,
        "releases": [
            {
                "version": release.version,
                "sha256": release.sha256,
                "products": release.products,
                "views": release.views,
                "share": release.share,
                "parts": len(release.parts),
                "bytes": full_bytes(release),
                "thumbnails_bytes": release.thumbnails.entries.bytes if release.thumbnails else 0,
                "calibrated": release.calibration is not None,
                "keypoints_bytes": release.keypoints.entries.bytes if release.keypoints else 0,
            }
            for release in generation.releases
        ],
        "deltas": [
            {"from": version_of.get(d.base), "to": version_of.get(d.target), "bytes": d.file.bytes}
            for d in generation.deltas
        ],
    }


def _length(repository: Repository, served: Served, role: str) -> int:
    name = "timestamp.json" if role == "timestamp" else f"{served.version(role)}.{role}.json"
    return (repository.public / METADATA / name).stat().st_size
