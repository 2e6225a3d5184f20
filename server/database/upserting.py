"""INSERT ... ON CONFLICT, which SQLite and PostgreSQL both have and SQLAlchemy spells once for each."""

from __future__ import annotations

from sqlalchemy import Engine, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(engine: Engine, table: Table) -> postgresql.Insert:
    """Return an INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if engine.dialect.name == "sqlite":
        return sqlite.insert(table)  # type: ignore[return-value]  # the same methods, from another class
    return postgresql.insert(table)
