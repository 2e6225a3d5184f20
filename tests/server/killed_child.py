"""A publish in a process of its own that kills itself at a named point; run by test_killed.py.

python -m tests.server.killed_child REPOSITORY SHARD POINT
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from server import announcing, publication, publishing
from server.cli import main
from server.publication import Write
from server.repository import Repository
from server.shard_store import ShardStore
from tests.dying import Place, die, mine

STEPS = ("begun", "files", "index", "targets", "snapshot", "timestamp")
PLACES: dict[str, Place] = {
    "before anything is read": (publishing, "read_served", "before"),
    "the shard is kept": (ShardStore, "add", "after"),
    "parts are packed": (publishing, "packed_parts", "after"),
    "the journal has the first line": (Repository, "log", "after"),
    "metadata is signed": (announcing, "next_metadata", "after"),
    "before tidying": (announcing, "tidy", "before"),
    "before pruning": (announcing, "prune", "before"),
    "all is done": (announcing, "prune", "after"),
}
OLD_IS_SERVED = (*list(PLACES)[:5], *STEPS[:5])
NEW_IS_SERVED = (STEPS[5], *list(PLACES)[5:])
WRONG_ORDER = "wrong order"


def die_at(point: str) -> None:
    """Make the program die at a point."""
    if point in STEPS:
        publication.reached = lambda step: die(point) if step == point else None
        return
    mine(point, PLACES[point])


def commit_backwards(public: Path, writes: Sequence[Write]) -> None:
    """Write the timestamp first, and die after it: what no publisher may do."""
    publication.reached = lambda step: die(WRONG_ORDER) if step == "timestamp" else None
    publication.commit(public, writes[::-1])


if __name__ == "__main__":
    repository, shard, point = sys.argv[1:]
    os.fsync = lambda handle: None  # type: ignore[assignment]
    if point == WRONG_ORDER:
        announcing.commit = commit_backwards
    else:
        die_at(point)
    sys.exit(main(["publish", shard, "--repository", repository, "--force", f"killed at: {point}"]))
