"""What a device forgets: the token, its id, and every trace of decisions that have left it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge.errors import OutputError
from edge.outbox.enrolment import remove_enrolment
from edge.outbox.store import OUTBOX, open_outbox
from edge.sync.settings import DEVICE


@dataclass(frozen=True)
class Forgotten:
    """What is gone and what is not.

    Attributes:
        decisions: sent ones that are gone.
        waiting: events that were not sent and stay.
        notes: sentences that a person should read.
    """

    decisions: int = 0
    waiting: int = 0
    notes: tuple[str, ...] = ()


def forget_here(home: Path) -> Forgotten:
    """Remove sent decisions, then the token, then the device's id, which the next sync makes anew.

    In this order, so that a call which is cut short can be made again.

    Raises:
        OutputError: something cannot be removed.
    """
    forgotten = Forgotten()
    if (home / OUTBOX).exists():
        with open_outbox(home) as outbox:
            forgotten = Forgotten(outbox.forget_sent(), outbox.counts().waiting, outbox.notes)
    remove_enrolment(home)
    try:
        with suppress(FileNotFoundError):
            (home / DEVICE).unlink()
    except OSError as e:
        raise OutputError(f"{home / DEVICE}: cannot be removed ({e.strerror or e})") from e
    return forgotten
