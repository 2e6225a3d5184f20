"""A service whose worker dies at a named point of a batch, once, and takes the whole service with it.

python -m tests.service.killed_server POINT TRACE serve ...
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from server.app import receiving
from server.cli import main

POINTS = ("the body is read", "the events are inserted", "the events are committed")


def die(point: str, trace: Path) -> None:
    """Say where, and die as from a power cut."""
    trace.write_text(point)
    os.kill(os.getppid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(point: str, trace: Path) -> None:
    """Make the service die at a point."""
    if point == POINTS[1]:
        inserted = []

        @event.listens_for(Engine, "after_cursor_execute")
        def note(connection: Any, cursor: Any, statement: str, *more: Any) -> None:
            inserted.append(statement.startswith("INSERT INTO events"))

        @event.listens_for(Engine, "commit")
        def before_commit(connection: Any) -> None:
            if any(inserted):
                die(point, trace)

        return
    works: Callable[..., Any] = receiving.store_events

    def dying(*args: Any) -> Any:
        if point == POINTS[0]:
            die(point, trace)
        works(*args)
        die(point, trace)

    receiving.store_events = dying


if __name__ == "__main__":
    die_at(sys.argv[1], Path(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
