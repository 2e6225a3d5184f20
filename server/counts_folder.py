"""A folder for the counts of all workers, which Prometheus' client keeps in files.

A service that is killed cannot remove its folder. The next one does: it holds a lock on its own for as long as one of
its processes lives, so that a folder without one belongs to nobody.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "taglet-metrics-"
LOCK = "lock"
YOUNG_S = 60.0
"""A folder that was made just now may not have its lock yet."""


@contextmanager
def counts_folder() -> Iterator[Path]:
    """Yield an empty folder, removed at the end; those that killed services left behind are removed at once."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            _remove_unless_held(folder)
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with FileLock(folder / LOCK):
            yield folder


def _remove_unless_held(folder: Path) -> None:
    if time.time() - folder.stat().st_mtime < YOUNG_S:
        return
    try:
        with FileLock(folder / LOCK, timeout=0):
            shutil.rmtree(folder)
    except Timeout:
        return
