"""The operator's password and the sessions that it opens.

    >>> set_password(engine, "correct horse battery", now_s)
    >>> session = begin_session(engine, now_s) if password_fits(engine, typed) else None

The password is kept as scrypt (RFC 7914); a session's name is 256 random bits and kept as SHA-256, as a token is.
"""

from __future__ import annotations

import secrets

from sqlalchemy import ColumnElement, Engine, delete, or_, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from edge.errors import UsageError
from server.database.enrolment import sha256_of
from server.database.tables import operator, sessions

METHOD = "scrypt:32768:8:3"
"""N, r and p: 32 MiB and a third of a second."""
SHORTEST, LONGEST = 12, 1_000
IDLE_S = 1_800.0
"""A session that is not used for this long is over."""
LIFE_S = 43_200.0
"""A session is over this long after it began, however much it is used."""
_ROW = 1
_NOTED_S = 60.0


def set_password(engine: Engine, password: str, now_s: float) -> int:
    """Replace the operator's password, end every session and return how many there were.

    Raises:
        UsageError: it is too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST:,} characters, this one has {len(password)}")
    row = {"id": _ROW, "password_hash": generate_password_hash(password, METHOD), "set_s": now_s}
    with engine.begin() as connection:
        connection.execute(delete(operator))
        connection.execute(operator.insert(), row)
        return connection.execute(delete(sessions)).rowcount


def has_password(engine: Engine) -> bool:
    """Return whether a password was ever set."""
    return _hash_of(engine) is not None


def password_fits(engine: Engine, typed: str) -> bool:
    """Return whether a password is the operator's; none fits where none was set."""
    kept = _hash_of(engine)
    return kept is not None and 1 <= len(typed) <= LONGEST and check_password_hash(kept, typed)


def begin_session(engine: Engine, now_s: float) -> str:
    """Return the secret name of a new session; sessions that are over are removed."""
    secret = secrets.token_urlsafe(32)
    with engine.begin() as connection:
        connection.execute(delete(sessions).where(_over(now_s)))
        connection.execute(sessions.insert(), {"sha256": sha256_of(secret), "begun_s": now_s, "seen_s": now_s})
    return secret


def is_session(engine: Engine, secret: str, now_s: float) -> bool:
    """Return whether a session is open, and note that it was used."""
    mine = sessions.c.sha256 == sha256_of(secret)
    with engine.begin() as connection:
        seen_s = connection.execute(select(sessions.c.seen_s).where(mine, ~_over(now_s))).scalar_one_or_none()
        if seen_s is not None and now_s - seen_s > _NOTED_S:
            connection.execute(update(sessions).where(mine).values(seen_s=now_s))
    return seen_s is not None


def end_session(engine: Engine, secret: str) -> None:
    """End a session."""
    with engine.begin() as connection:
        connection.execute(delete(sessions).where(sessions.c.sha256 == sha256_of(secret)))


def _over(now_s: float) -> ColumnElement[bool]:
    return or_(sessions.c.seen_s <= now_s - IDLE_S, sessions.c.begun_s <= now_s - LIFE_S)


def _hash_of(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return connection.execute(select(operator.c.password_hash).where(operator.c.id == _ROW)).scalar_one_or_none()
