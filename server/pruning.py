"""Removing what nothing names any more, once no device can still be fetching it.

A device that began a download before a new version was published goes on with the files that the old index named. So a
file is first only noted, with the time; it is removed when it has been without a name for the grace period.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from edge.errors import ArtefactRefused
from edge.files import read_json_object, write_whole

_NOTES = "unnamed.json"


def prune(root: Path, public: Path, named: Collection[str], grace_days: float, now: datetime) -> list[str]:
    """Remove files that have had no name for the grace period, and what killed commands left half-written.

    Args:
        root: folder of the repository, where the times are noted.
        public: folder that is served.
        named: paths below it that are in use.
        grace_days: how long others stay.
        now: the time.

    Returns:
        The paths of what was removed.
    """
    noted = _noted(root / _NOTES)
    unnamed: dict[str, str] = {}
    removed: list[str] = []
    for path in sorted(p for p in public.rglob("*") if p.is_file()):
        name = path.relative_to(public).as_posix()
        since = noted.get(name, now.isoformat())
        if name in named:
            continue
        if path.name.startswith(".") or datetime.fromisoformat(since) + timedelta(days=grace_days) <= now:
            path.unlink(missing_ok=True)
            removed.append(name)
        else:
            unnamed[name] = since
    if unnamed != noted:
        write_whole(root / _NOTES, json.dumps(unnamed, indent=1) + "\n")
    return removed


def _noted(path: Path) -> dict[str, str]:
    try:
        return {name: str(since) for name, since in read_json_object(path, "list").items() if _is_time(since)}
    except ArtefactRefused:
        return {}


def _is_time(value: object) -> bool:
    try:
        return datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        return False
