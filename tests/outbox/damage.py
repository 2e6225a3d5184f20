"""Ways in which a database gets damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path

PAGE = 4096


def flushed(path: Path) -> bytes:
    """Return the bytes of a database with nothing left in its log."""
    rows = sqlite3.connect(path)
    rows.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    rows.close()
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return path.read_bytes()


def damage_page_of(path: Path, text: str) -> None:
    """Overwrite the page on which a text stands in an event."""
    data = bytearray(flushed(path))
    at = data.find(f'"event_id":"{text}"'.encode())
    assert at >= 0, "the event stands in the file"
    page = at // PAGE * PAGE
    data[page : page + PAGE] = b"\x55" * PAGE
    path.write_bytes(data)
