"""Counting attempts, across all workers: a count for each window of time, in the database.

>>> limit = Limit("enrol", 10, 600)
>>> wait_s(engine, limit, "192.0.2.7", now_s)   # 0: go on; else seconds to wait
0
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, delete, update

from server.database.enrolment import sha256_of
from server.database.tables import attempts
from server.database.upserting import insert_into


@dataclass(frozen=True)
class Limit:
    """How often something may be tried.

    Attributes:
        name: of what.
        count: tries in a window.
        window_s: its length, whole seconds.
    """

    name: str
    count: int
    window_s: int


def wait_s(engine: Engine, limit: Limit, who: str, now_s: float) -> int:
    """Count a try; return 0 where it is allowed, else in how many seconds the next one is."""
    bucket, until = _bucket(limit, who, now_s)
    statement = insert_into(engine, attempts).values(bucket=bucket, until_s=until, count=1)
    statement = statement.on_conflict_do_update(
        index_elements=["bucket", "until_s"], set_={"count": attempts.c.count + 1}
    )
    with engine.begin() as connection:
        count: int = connection.execute(statement.returning(attempts.c.count)).scalar_one()
        if count == 1:
            connection.execute(delete(attempts).where(attempts.c.until_s <= now_s))
    return 0 if count <= limit.count else max(1, until - int(now_s))


def give_back(engine: Engine, limit: Limit, who: str, now_s: float) -> None:
    """Uncount a try that turned out well."""
    bucket, until = _bucket(limit, who, now_s)
    mine = (attempts.c.bucket == bucket) & (attempts.c.until_s == until)
    with engine.begin() as connection:
        connection.execute(update(attempts).where(mine).values(count=attempts.c.count - 1))


def _bucket(limit: Limit, who: str, now_s: float) -> tuple[str, int]:
    until = (int(now_s) // limit.window_s + 1) * limit.window_s
    return sha256_of(f"{limit.name}\n{until}\n{who}"), until
