"""Bringing a database to this version's tables, with Alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from edge.errors import ArtefactRefused

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x7461676C6574
"""Number of the advisory lock that one migrating process holds: "taglet" in ASCII."""


def upgrade(engine: Engine) -> None:
    """Apply the migrations that are missing; several processes may do so at once.

    Raises:
        ArtefactRefused: the database was made by a newer version.
        sqlalchemy.exc.OperationalError: it cannot be reached or written.
    """
    config = _config()
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        current = MigrationContext.configure(connection).get_current_revision()
        script = ScriptDirectory.from_config(config)
        if current == script.get_current_head():
            return
        if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
            raise ArtefactRefused(f"the database is of a newer version (revision {current}): update this program")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
