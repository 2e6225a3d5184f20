"""Alembic runs this for every command; the connection comes from `server.database.upgrading`."""

from __future__ import annotations

from alembic import context

from server.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
