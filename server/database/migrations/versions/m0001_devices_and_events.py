"""Enrolment codes, devices, events, attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "codes",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("made_s", sa.Float(53), nullable=False),
        sa.Column("expires_s", sa.Float(53), nullable=False),
        sa.Column("used_s", sa.Float(53)),
        sa.PrimaryKeyConstraint("sha256", name="pk_codes"),
    )
    op.create_table(
        "devices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("device_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("enrolled_s", sa.Float(53), nullable=False),
        sa.Column("revoked_s", sa.Float(53)),
        sa.PrimaryKeyConstraint("id", name="pk_devices"),
        sa.UniqueConstraint("device_id", name="uq_devices_device_id"),
        sa.UniqueConstraint("token_sha256", name="uq_devices_token_sha256"),
    )
    _make_events()
    op.create_table(
        "attempts",
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("until_s", sa.BigInteger, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("bucket", "until_s", name="pk_attempts"),
    )


def _make_events() -> None:
    op.create_table(
        "events",
        sa.Column("id", KEY, nullable=False),
        sa.Column("device", KEY, nullable=False),
        sa.Column("event_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("made_at_s", sa.Float(53), nullable=False),
        sa.Column("received_s", sa.Float(53), nullable=False),
        sa.Column("tag_id", sa.String(16), nullable=False),
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("catalog_version", sa.BigInteger, nullable=False),
        sa.Column("shard_sha256", sa.String(64), nullable=False),
        sa.Column("space_id", sa.Text, nullable=False),
        sa.Column("product_id", sa.Text, nullable=False),
        sa.Column("corrected_to", sa.Text),
        sa.Column("similarity", sa.Float(53), nullable=False),
        sa.Column("margin", sa.Float(53), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("embedding", sa.LargeBinary),
        sa.Column("clock", sa.String(8), nullable=False),
        sa.Column("product_listed", sa.Boolean),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.ForeignKeyConstraint(["device"], ["devices.id"], name="fk_events_device", ondelete="CASCADE"),
        sa.UniqueConstraint("device", "event_id", name="uq_events_device"),
    )
    op.create_index("ix_events_made_at_s", "events", ["made_at_s"])
    op.create_index("ix_events_catalog_product_id", "events", ["catalog", "product_id"])


def downgrade() -> None:
    """Remove everything."""
    for table in ("attempts", "events", "devices", "codes"):
        op.drop_table(table)
