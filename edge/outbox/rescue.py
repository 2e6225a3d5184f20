"""A damaged outbox: what can still be read goes into a new one, and the damaged one is kept under another name.

Rows are read as far as SQLite gives them; then the bytes of file and log are searched for events, each of which proves
itself by its format. What the server has already may so be sent once more, which it recognises by the event_id.

Steps, each of which may be the last before the power goes: the new file is made whole under the name of `_rescued`; the
damaged files are renamed; the new file takes their place. Whoever opens next goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from edge.errors import InputError, OutputError
from edge.events import Event, read_event
from edge.outbox.database import BESIDE, Damaged, looked_at, opened, transaction
from edge.outbox.rows import SCHEMA, TABLES, Kept, add_decision, add_event, read_kept, what_is_told
from edge.outbox.setting_aside import set_aside

Decisions = dict[str, tuple[str, str, str, str | None, int]]
_BEGIN = b'{"catalog":'
_END = re.compile(rb'"tag_id":"[0-9a-f]{16}"\}')
_LONGEST_EVENT = 20_000


@contextmanager
def alone_at(path: Path) -> Iterator[None]:
    """Keep other processes from opening this database meanwhile, where the system has locks on files (`flock`).

    Raises:
        OutputError: the folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("ab")
    except OSError as e:
        raise OutputError(
            f"{path}: cannot be written ({e.strerror or e}): nothing was kept; choose another place with --home"
        ) from e
    with lock:
        with suppress(ImportError):
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def needs_mending(path: Path) -> bool:
    """Return whether a database is damaged, or a rescue was cut short."""
    if _rescued(path).exists():
        return True
    if not path.exists():
        return False
    try:
        with looked_at(path, SCHEMA):
            return False
    except Damaged:
        return True


def mend(path: Path) -> list[str]:
    """Rescue a damaged database, or finish a rescue; call it within `alone_at`.

    Returns:
        A sentence for a person, where something was done.

    Raises:
        OutputError: the new file cannot be written; the damaged one stays where it is.
    """
    if not needs_mending(path):
        return []
    if not _rescued(path).exists():
        _write_rescued(path, *_what_is_readable(path))
    aside = set_aside(path)
    with opened(_rescued(path), SCHEMA, TABLES) as rows:
        (events,) = rows.execute("SELECT count(*) FROM events").fetchone()
    _rescued(path).replace(path)
    return [f"{path.name} was damaged: it is kept as {aside.name}, and {events} events were rescued from it"]


def events_in(data: bytes) -> list[Event]:
    """Find events in bytes of any kind, in the order in which they lie."""
    found, begin = [], data.find(_BEGIN)
    while begin >= 0:
        end = _END.search(data, begin, begin + _LONGEST_EVENT)
        if end:
            with suppress(ValueError, InputError, RecursionError):
                found.append(read_event(json.loads(data[begin : end.end()])))
        begin = data.find(_BEGIN, begin + 1)
    return found


def _rescued(path: Path) -> Path:
    return path.with_name(f"{path.stem}.rescued{path.suffix}")


def _write_rescued(path: Path, kept: list[Kept], decisions: Decisions) -> None:
    part = path.with_name(f"{path.stem}.part{path.suffix}")
    for ending in ("", *BESIDE):
        part.with_name(part.name + ending).unlink(missing_ok=True)
    with opened(part, SCHEMA, TABLES) as rows, transaction(rows):
        for one in kept:
            add_event(rows, one)
        for row in decisions.values():
            add_decision(rows, row)
    os.replace(part, _rescued(path))


def _what_is_readable(path: Path) -> tuple[list[Kept], Decisions]:
    """Return events by their place, and decisions by tag; an event that another decision has replaced is left out."""
    decisions: Decisions = {str(row[0]): row for row in _rows(path, "SELECT * FROM decisions ORDER BY tag_id")}
    kept: dict[str, Kept] = {}
    for body, attempts, reason in _rows(path, "SELECT body, attempts, reason FROM events ORDER BY place"):
        with suppress(ValueError, TypeError, InputError):
            one = read_kept(body, attempts, reason)
            kept.setdefault(one.event.event_id, one)
    carved = sorted(_carved(path), key=lambda event: event.made_at_s)
    newest = {event.tag_id: event for event in carved}
    for event in carved:
        decided = decisions.get(event.tag_id)
        stands = event.event_id == decided[1] if decided else event is newest[event.tag_id]
        if stands:
            kept.setdefault(event.event_id, Kept(event, attempts=1))
    for one in kept.values():
        row = (one.event.tag_id, one.event.event_id, *what_is_told(one.event))
        decisions.setdefault(one.event.tag_id, row)
    return list(kept.values()), decisions


def _rows(path: Path, ascending: str) -> list[Any]:
    """Return the rows before the damage, and those after it, read backwards."""
    forward = _rows_until_damage(path, ascending)
    known = set(forward)
    backward = _rows_until_damage(path, f"{ascending} DESC")
    return [*forward, *(row for row in reversed(backward) if row not in known)]


def _rows_until_damage(path: Path, query: str) -> list[Any]:
    found = []
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as rows,
    ):
        rows.text_factory = lambda raw: raw.decode("utf-8", "replace")
        for row in rows.execute(query):
            found.append(row)
    return found


def _carved(path: Path) -> list[Event]:
    found = []
    for file in (path, path.with_name(path.name + BESIDE[0])):
        with suppress(OSError):
            found += events_in(file.read_bytes())
    return found
