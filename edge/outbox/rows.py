"""The tables of the outbox, and an event as a row of them."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from edge.events import Event, event_bytes, read_event

SCHEMA = 1
TABLES = """
CREATE TABLE decisions (
    tag_id TEXT PRIMARY KEY, event_id TEXT NOT NULL, kind TEXT NOT NULL, corrected_to TEXT, shared INTEGER NOT NULL
);
CREATE TABLE events (
    place INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, tag_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'refused')), attempts INTEGER NOT NULL, reason TEXT NOT NULL,
    body TEXT NOT NULL
);
"""
Told = tuple[str, str | None, int]


@dataclass(frozen=True)
class Kept:
    """One event in the outbox.

    Attributes:
        event: as it will be, or was, sent.
        attempts: how often it was sent.
        reason: why the server refused it; empty where it waits.
    """

    event: Event
    attempts: int = 0
    reason: str = ""


def what_is_told(event: Event) -> Told:
    """Return what two decisions on one tag must have in common to be the same: kind, product, consent."""
    return event.kind, event.corrected_to, int(event.embedding is not None)


def add_event(rows: sqlite3.Connection, kept: Kept) -> None:
    """Put an event at the end of the outbox; one that is there already stays as it is."""
    row = (kept.event.event_id, kept.event.tag_id, "refused" if kept.reason else "waiting", kept.attempts, kept.reason)
    rows.execute(
        "INSERT OR IGNORE INTO events (event_id, tag_id, state, attempts, reason, body) VALUES (?, ?, ?, ?, ?, ?)",
        (*row, event_bytes(kept.event).decode()),
    )


def add_decision(rows: sqlite3.Connection, row: tuple[str, str, str, str | None, int]) -> None:
    """Write what was decided on a tag, in place of what was decided before."""
    rows.execute("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)", row)


def read_kept(body: str, attempts: int, reason: str) -> Kept:
    """Return an event from its row.

    Raises:
        InputError: it is not one.
    """
    return Kept(read_event(json.loads(body), "an event of the outbox"), attempts, reason)
