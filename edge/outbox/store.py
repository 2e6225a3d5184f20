"""The outbox: every decision with its event, written in one transaction and kept until the server has it.

Rules of the rows: an event is `waiting` until it is acknowledged, which removes it, or `refused`, which keeps it apart.
`attempts` is raised before the first byte leaves, so that a decision can be taken back silently exactly as long as
nobody else can have heard of it.

    >>> with open_outbox(home) as outbox:
    ...     outbox.decide([event])
    ...     outbox.settle(acknowledged=[event.event_id], refused={})
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge.events import Event
from edge.outbox.database import looked_at, opened, transaction
from edge.outbox.rescue import alone_at, mend, needs_mending
from edge.outbox.rows import SCHEMA, TABLES, Kept, Told, add_decision, add_event, read_kept, what_is_told

OUTBOX = "outbox.db"
Change = Literal["new", "same", "replaced", "further"]


@dataclass(frozen=True)
class Decided:
    """What became of one decision.

    Attributes:
        event: that tells of it; where nothing changed, a decision made earlier stands and this event was dropped.
        change: "new"; "same" as it was already decided; "replaced" an event that never left; or "further": an earlier
            event may have left, so another one follows it.
    """

    event: Event
    change: Change


@dataclass(frozen=True)
class Counts:
    """How many events there are.

    Attributes:
        waiting: to be sent.
        refused: kept apart, because the server will never store them.
    """

    waiting: int = 0
    refused: int = 0


class Outbox:
    """The outbox of one device; see `open_outbox`."""

    def __init__(self, rows: sqlite3.Connection, notes: Sequence[str] = ()) -> None:
        """Take an open database and what a person should know of its opening."""
        self._rows = rows
        self.notes = tuple(notes)

    def decide(self, events: Sequence[Event]) -> list[Decided]:
        """Write decisions and their events, all in one transaction.

        A tag that was decided on before: the same decision changes nothing; another one replaces the event that has
        not left yet, or follows the one that may have.

        Raises:
            OutputError: they cannot be written; none of them was.
        """
        with transaction(self._rows):
            return [self._decide(event) for event in events]

    def waiting(self, after: int = 0, most: int | None = None) -> tuple[list[Kept], int]:
        """Return the events that wait, oldest first, and the place after which to go on."""
        chosen = (
            "SELECT place, body, attempts, reason FROM events WHERE state = 'waiting' AND place > ? "
            "ORDER BY place LIMIT ?"
        )
        rows = self._rows.execute(chosen, (after, -1 if most is None else most)).fetchall()
        return [read_kept(*row[1:]) for row in rows], rows[-1][0] if rows else after

    def refused(self) -> list[Kept]:
        """Return the events that the server will never store, oldest first."""
        chosen = "SELECT body, attempts, reason FROM events WHERE state = 'refused' ORDER BY place"
        return [read_kept(*row) for row in self._rows.execute(chosen)]

    def counts(self) -> Counts:
        """Return how many events there are."""
        chosen = "SELECT coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'refused'), 0) FROM events"
        return Counts(*self._rows.execute(chosen).fetchone())

    def decided_on(self, tag_ids: Iterable[str]) -> dict[str, str]:
        """Return the kind of the decision on each of these tags that there is one on."""
        chosen = "SELECT kind FROM decisions WHERE tag_id = ?"
        found = {one: self._rows.execute(chosen, (one,)).fetchone() for one in tag_ids}
        return {one: str(row[0]) for one, row in found.items() if row}

    def begin_attempt(self, event_ids: Iterable[str]) -> None:
        """Note that events are about to leave: from now on they are not replaced any more."""
        with transaction(self._rows):
            self._rows.executemany(
                "UPDATE events SET attempts = attempts + 1 WHERE event_id = ?", [(one,) for one in event_ids]
            )

    def settle(self, acknowledged: Iterable[str], refused: Mapping[str, str]) -> None:
        """Remove what the server has, and keep apart what it refuses, in one transaction."""
        with transaction(self._rows):
            self._remove(acknowledged)
            self._set_apart(refused)

    def retry_refused(self) -> int:
        """Let refused events wait again, such as after the server was updated; return how many."""
        with transaction(self._rows):
            return self._rows.execute("UPDATE events SET state = 'waiting' WHERE state = 'refused'").rowcount

    def forget_sent(self) -> int:
        """Remove what tells of decisions that have left, refused ones too; return how many. What waits stays."""
        with transaction(self._rows):
            self._rows.execute("DELETE FROM events WHERE state = 'refused'")
            gone = self._rows.execute("DELETE FROM decisions WHERE event_id NOT IN (SELECT event_id FROM events)")
        self._rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone.rowcount

    def _remove(self, event_ids: Iterable[str]) -> None:
        self._rows.executemany("DELETE FROM events WHERE event_id = ?", [(one,) for one in event_ids])

    def _set_apart(self, refused: Mapping[str, str]) -> None:
        self._rows.executemany(
            "UPDATE events SET state = 'refused', reason = ? WHERE event_id = ?",
            [(reason, one) for one, reason in refused.items()],
        )

    def _decide(self, event: Event) -> Decided:
        told = what_is_told(event)
        before = self._rows.execute(
            "SELECT event_id, kind, corrected_to, shared FROM decisions WHERE tag_id = ?", (event.tag_id,)
        ).fetchone()
        if before is not None and before[1:] == told:
            return Decided(event, "same")
        change: Change = "new" if before is None else self._take_back(before[0])
        self._write_decision(event, told)
        self._write_event(event)
        return Decided(event, change)

    def _take_back(self, event_id: str) -> Change:
        gone = self._rows.execute(
            "DELETE FROM events WHERE event_id = ? AND (attempts = 0 OR state = 'refused')", (event_id,)
        )
        return "replaced" if gone.rowcount else "further"

    def _write_decision(self, event: Event, told: Told) -> None:
        add_decision(self._rows, (event.tag_id, event.event_id, *told))

    def _write_event(self, event: Event) -> None:
        add_event(self._rows, Kept(event, 0))


@contextmanager
def open_outbox(home: Path) -> Iterator[Outbox]:
    """Open the outbox for reading and writing; a damaged one is rescued first, which its `notes` tell.

    Raises:
        OutputError: it cannot be written.
        ArtefactRefused: it was written by a later version.
    """
    path = home / OUTBOX
    with ExitStack() as opening:
        with alone_at(path):
            notes = mend(path)
            rows = opening.enter_context(opened(path, SCHEMA, TABLES))
        yield Outbox(rows, notes)


@contextmanager
def look_into_outbox(home: Path) -> Iterator[Outbox | None]:
    """Open the outbox for reading, None where there is none; a damaged one is rescued first.

    Raises:
        OutputError: it cannot be opened.
        ArtefactRefused: it was written by a later version.
    """
    path = home / OUTBOX
    notes: list[str] = []
    if needs_mending(path):
        with alone_at(path):
            notes = mend(path)
    if not path.exists():
        yield None
        return
    with looked_at(path, SCHEMA) as rows:
        yield None if rows is None else Outbox(rows, notes)
