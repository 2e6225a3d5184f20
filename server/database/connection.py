"""Opening the database that an address names.

>>> engine = open_engine("sqlite:////srv/shop/server.sqlite3")
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from edge.errors import NetworkError, UsageError

AWAY = (OperationalError, InterfaceError, InternalError, PoolTimeout)
"""What is raised while a database is stopped, full, read-only or too busy: nothing that the request got wrong."""

AWAY_STATES = ("08", "25006", "53", "55P03", "57", "58")
"""SQLSTATEs of a PostgreSQL that is stopping, full, read-only, out of connections or locked."""

WAIT_S = 5.0
_EXAMPLES = "postgresql://user@host/name or sqlite:///file"


def sqlite_address(path: Path) -> str:
    """Return the address of a SQLite file."""
    return f"sqlite:///{path.resolve()}"


def open_engine(address: str) -> Engine:
    """Prepare connections; none is opened yet.

    Args:
        address: `postgresql://...` or `sqlite:///...`; the driver is chosen here.

    Raises:
        UsageError: it is no address of a database of these two kinds.
    """
    try:
        url = make_url(address)
    except ArgumentError as e:
        raise UsageError(f"--database: is not the address of a database: it looks like {_EXAMPLES}") from e
    kind = url.get_backend_name()
    if kind in ("postgresql", "postgres"):
        options: dict[str, Any] = {"pool_size": 4, "max_overflow": 8, "pool_timeout": WAIT_S}
        engine = create_engine(url.set(drivername="postgresql+pg8000"), connect_args={"timeout": WAIT_S}, **options)
        event.listen(engine, "handle_error", _tell_away_from_wrong)
        event.listen(engine, "checkout", _require_alive)
        event.listen(engine, "do_connect", _connect)
        return engine
    if kind != "sqlite" or not url.database:
        raise UsageError(f"--database: {kind} is not supported: it looks like {_EXAMPLES}")
    engine = create_engine(url, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


@contextmanager
def reachable(engine: Engine) -> Iterator[None]:
    """Turn "the database is away" inside the block into one sentence, for commands.

    Raises:
        NetworkError: the database cannot be reached or written.
    """
    try:
        yield
    except AWAY as e:
        where = engine.url.render_as_string(hide_password=True)
        raise NetworkError(f"{where}: {reason(e)}") from e


def reason(error: Exception) -> str:
    """Return what is wrong with the database, in one line without the statement."""
    said = str(getattr(error, "orig", None) or error).strip() or type(error).__name__
    return f"the database cannot be used ({said.splitlines()[0][:120]})"


def _require_alive(connection: Any, _record: Any, _proxy: Any) -> None:
    """Ask something of a connection before it is used; the pool opens another in the place of one that was cut.

    SQLAlchemy's own `pool_pre_ping` lets the OSError through that pg8000 raises for a connection that was reset.
    """
    import pg8000

    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except (OSError, pg8000.Error) as e:
        raise DisconnectionError("the connection was cut") from e


def _connect(dialect: Any, _record: Any, arguments: Any, options: dict[str, Any]) -> Any:
    """Connect; name the OSError that pg8000 lets through where the other side hangs up in the middle."""
    import pg8000

    try:
        return dialect.connect(*arguments, **options)
    except OSError as e:
        raise pg8000.InterfaceError("network error") from e


def _tell_away_from_wrong(context: ExceptionContext) -> None:
    """Name what the driver calls a plain database error by its SQLSTATE (PostgreSQL manual, appendix A).

    An OSError is pg8000's too: it lets the one through that a connection gives which is cut during an answer.
    """
    error = context.original_exception
    if isinstance(error, OSError):
        context.is_disconnect = True
        raise OperationalError(context.statement, None, error) from error
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    if str(said.get("C", "")).startswith(AWAY_STATES):
        said_plainly = OSError(str(said.get("M", "it cannot be used")))
        raise OperationalError(context.statement, None, said_plainly) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")  # what was acknowledged survives a power cut
    cursor.close()
