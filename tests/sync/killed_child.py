"""A sync in a process of its own that kills itself at a named point; run by test_killed.py.

python -m tests.sync.killed_child HOME FILES.pickle POINT
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

from edge import files
from edge.shard import writer
from edge.sync import download, store, trust, updating
from edge.sync.download import Downloads
from edge.sync.store import CatalogStore
from edge.sync.syncing import Wishes, pull
from edge.sync.transport import Metered
from edge.sync.trust import Trust
from tests.dying import Place, die, mine
from tests.small_shards import SPACE
from tests.sync.simulator import NOW_S, Line

POINTS: dict[str, Place] = {
    "before anything is asked": (Trust, "refresh", "before"),
    "metadata is verified and kept": (Trust, "refresh", "after"),
    "the state of trust is about to be written": (trust, "write_whole", "before"),
    "the index is here": (Trust, "index", "after"),
    "the first block of a file is written": (download, "remote_path", "after"),
    "a file is whole": (Downloads, "fetch", "after"),
    "a file is applied": (updating, "apply_delta", "after"),
    "the columns of the new shard are half written": (writer, "write_column", "after"),
    "the new shard is about to get its name": (files, "replace_folder", "before"),
    "the new shard has its name": (store, "write_shard", "after"),
    "the pointer is about to be switched": (CatalogStore, "_point", "before"),
    "the pointer is switched": (CatalogStore, "_point", "after"),
    "old shards are removed": (CatalogStore, "_sweep", "after"),
    "finished files are about to be forgotten": (Downloads, "forget", "before"),
}


def point_first(
    self: CatalogStore, columns: Any, release: Any, space_id: str, parts: Any = (), calibration: Any = None
) -> Any:
    """Install in the wrong order: the pointer before what it points at."""
    held = store.Held("gone", "", release.version, release.sha256, release.sha256, space_id)
    self._point(held)
    die("wrong order")
    return held


def main(home: str, pickled: str, point: str) -> None:
    """Sync once."""
    if point == "wrong order":
        CatalogStore.install = point_first  # type: ignore[method-assign]
    else:
        mine(point, POINTS[point])
    pull(Path(home), Metered(Line(pickle.loads(Path(pickled).read_bytes()))), Wishes(SPACE), NOW_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
