"""Processes that die at a named point, as from a power cut, and the proof that they did.

A child calls `mine(point, place)` and goes on with its work; the test calls `run_until_killed` and looks at what is
left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
Place = tuple[Any, str, str]
"""A function of the program: its owner, its name, and whether to die "before" or "after" it has done its work."""


def die(point: str) -> None:
    """Say where, and die by the signal that cannot be caught."""
    print(point, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def mine(point: str, place: Place) -> None:
    """Make one function of the program die."""
    owner, name, when = place
    works: Callable[..., Any] = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            die(point)
        result = works(*args, **kwargs)
        die(point)
        return result

    setattr(owner, name, dying)


def run_until_killed(module: str, words: Sequence[str], point: str) -> None:
    """Run a module in a process that must die at the point, and nowhere else."""
    command = [sys.executable, "-m", module, *words]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL, f"it did not die at the point but ended: {ended.stderr[-500:]}"
    assert ended.stdout.splitlines()[-1] == point
