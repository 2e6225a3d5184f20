"""SQLite files in WAL mode (sqlite.org/wal.html), with errors as sentences and damage told from everything else.

>>> with opened(home / "outbox.db", SCHEMA, TABLES) as rows, transaction(rows):
...     rows.execute("INSERT ...")
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edge.errors import ArtefactRefused, OutputError

BUSY_S = 20.0
BESIDE = ("-wal", "-shm")
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Damaged(OutputError):
    """The file is no database any more, or parts of it are missing; whoever opens it sets it aside."""


@contextmanager
def opened(
    path: Path, schema: int, tables: str, steps: Mapping[int, str] | None = None
) -> Iterator[sqlite3.Connection]:
    """Open a database for reading and writing, made where there is none, brought up to date where it is older.

    Args:
        path: its file.
        schema: version of the tables.
        tables: statements that make them, each ended by a semicolon.
        steps: likewise, what leads from a version to the next one.

    Raises:
        OutputError: it cannot be written: disk full, read-only, or another process holds it for too long.
        ArtefactRefused: it was written by a later version.
        Damaged: see there.
    """
    with _sentences(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            _prepare(rows, path, schema, tables, steps or {})
            yield rows
        finally:
            rows.close()


@contextmanager
def looked_at(path: Path, schema: int) -> Iterator[sqlite3.Connection | None]:
    """Open a database that is there for reading, None where it has no tables yet; its disk may be read-only.

    Raises:
        OutputError: it cannot be opened.
        ArtefactRefused: it was written by a later version.
        Damaged: see there.
    """
    with _sentences(path, "read"):
        rows = _readable(path)
        try:
            require_sound(rows, path)
            yield rows if _require_version(rows, path, schema) else None
        finally:
            rows.close()


@contextmanager
def transaction(rows: sqlite3.Connection) -> Iterator[None]:
    """Do everything in the block or nothing of it; others wait meanwhile."""
    rows.execute("BEGIN IMMEDIATE")
    try:
        yield
        commit(rows)
    except BaseException:
        if rows.in_transaction:
            rows.execute("ROLLBACK")
        raise


def commit(rows: sqlite3.Connection) -> None:
    """Make a transaction last: when this returns, it is on the disk."""
    rows.execute("COMMIT")


def require_sound(rows: sqlite3.Connection, path: Path) -> None:
    """Raise `Damaged` unless every page can be read and makes sense."""
    (found,) = rows.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Damaged(f"{path}: is damaged ({' '.join(str(found).split())})")


def _prepare(rows: sqlite3.Connection, path: Path, schema: int, tables: str, steps: Mapping[int, str]) -> None:
    _switch_to_wal(rows)
    rows.execute("PRAGMA synchronous = FULL")
    rows.execute("PRAGMA secure_delete = ON")
    if _require_version(rows, path, schema) == schema:
        return
    with transaction(rows):
        found = _require_version(rows, path, schema)
        missing = "".join(steps[version] for version in range(found, schema)) if found else tables
        for statement in filter(str.strip, missing.split(";")):
            rows.execute(statement)
        rows.execute(f"PRAGMA user_version = {schema}")


def _switch_to_wal(rows: sqlite3.Connection) -> None:
    """Switch a new file; two processes that do this at once do not wait for each other by themselves."""
    ends = time.monotonic() + BUSY_S
    while True:
        try:
            rows.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if _code(e) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or time.monotonic() > ends:
                raise
            time.sleep(0.01)


def _require_version(rows: sqlite3.Connection, path: Path, schema: int) -> int:
    """Return the version of the tables, 0 where there are none yet."""
    (found,) = rows.execute("PRAGMA user_version").fetchone()
    if found > schema:
        raise ArtefactRefused(f"{path}: was written by a later version of the kit (schema {found}): update this one")
    return int(found)


def _readable(path: Path) -> sqlite3.Connection:
    """Open read-only; where not even the index of the log can be made, the file is read as it lies."""
    address = path.resolve().as_uri()
    rows = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        rows.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        rows.close()
        return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
    return rows


@contextmanager
def _sentences(path: Path, doing: str = "written") -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as e:
        if _code(e) in _DAMAGE:
            raise Damaged(f"{path}: is damaged ({e})") from e
        if not isinstance(e, sqlite3.OperationalError):
            raise
        lost = ": nothing of this was kept" if doing == "written" else ""
        raise OutputError(f"{path}: cannot be {doing} ({e}){lost}") from e
    except OSError as e:
        raise OutputError(f"{path}: cannot be {doing} ({e.strerror or e}): choose another place with --home") from e


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code (sqlite.org/rescode.html)."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
