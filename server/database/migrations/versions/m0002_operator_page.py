"""What the operator's page needs: refusals, a password, sessions, and indexes for its questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add three tables and two indexes."""
    op.create_table(
        "refusals",
        sa.Column("id", KEY, nullable=False),
        sa.Column("device", KEY, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_s", sa.Float(53), nullable=False),
        sa.Column("last_s", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_refusals_device", ondelete="CASCADE"),
        sa.UniqueConstraint("device", "reason", name="uq_refusals_device"),
    )
    op.create_table(
        "operator",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("set_s", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operator"),
    )
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("begun_s", sa.Float(53), nullable=False),
        sa.Column("seen_s", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_sessions"),
    )
    op.create_index("ix_events_device_tag_id", "events", ["device", "tag_id"])
    op.create_index("ix_events_received_s", "events", ["received_s"])


def downgrade() -> None:
    """Remove them."""
    for index in ("ix_events_received_s", "ix_events_device_tag_id"):
        op.drop_index(index, "events")
    for table in ("sessions", "operator", "refusals"):
        op.drop_table(table)
