"""A damaged database is never deleted: it gets another name, so that whoever knows more can look at it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from edge.errors import OutputError
from edge.outbox.database import BESIDE


def set_aside(path: Path) -> Path:
    """Give a database, its log and its index another name: NAME.damaged-1.db, or the next number that is free.

    Returns:
        The new path.

    Raises:
        OutputError: it cannot be renamed.
    """
    number = 1
    while (aside := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")).exists():
        number += 1
    try:
        for ending in BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(path.name + ending).rename(aside.with_name(aside.name + ending))
        with suppress(FileNotFoundError):
            path.rename(aside)
    except OSError as e:
        raise OutputError(f"{path}: is damaged and cannot be set aside ({e.strerror or e})") from e
    return aside
