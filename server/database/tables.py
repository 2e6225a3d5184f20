"""The tables: enrolment codes, devices, their events, the counts that limit attempts, the operator's sessions.

No secret lies here in the clear: codes, tokens and sessions are kept as their SHA-256 (they are random and long, so
that no slow hash is needed), the operator's password as scrypt, network addresses of attempts as a hash that is
removed with the attempt's window.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

KEY = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts rows up by itself in a column of exactly this type."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

codes = Table(
    "codes",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("made_s", Float(53), nullable=False),
    Column("expires_s", Float(53), nullable=False),
    Column("used_s", Float(53)),
)

devices = Table(
    "devices",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("device_id", String(32), nullable=False, unique=True),
    Column("name", String(80), nullable=False),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("enrolled_s", Float(53), nullable=False),
    Column("revoked_s", Float(53)),
)

events = Table(
    "events",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("device", KEY, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("made_at_s", Float(53), nullable=False),
    Column("received_s", Float(53), nullable=False),
    Column("tag_id", String(16), nullable=False),
    Column("catalog", Text, nullable=False),
    Column("catalog_version", BigInteger, nullable=False),
    Column("shard_sha256", String(64), nullable=False),
    Column("space_id", Text, nullable=False),
    Column("product_id", Text, nullable=False),
    Column("corrected_to", Text),
    Column("similarity", Float(53), nullable=False),
    Column("margin", Float(53), nullable=False),
    Column("status", String(16), nullable=False),
    Column("embedding", LargeBinary),
    Column("clock", String(8), nullable=False),
    Column("product_listed", Boolean),
    UniqueConstraint("device", "event_id"),
    Index("ix_events_made_at_s", "made_at_s"),
    Index("ix_events_catalog_product_id", "catalog", "product_id"),
    Index("ix_events_device_tag_id", "device", "tag_id"),
    Index("ix_events_received_s", "received_s"),
)
"""`clock`: "ok", "late", "future" or "past"; `product_listed`: whether the newest catalogue has it, null: not known."""

refusals = Table(
    "refusals",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("device", KEY, ForeignKey("devices.id", ondelete="CASCADE"), nullable=False),
    Column("reason", String(300), nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_s", Float(53), nullable=False),
    Column("last_s", Float(53), nullable=False),
    UniqueConstraint("device", "reason"),
)
"""Why events of a device were refused; the events themselves are not kept."""

attempts = Table(
    "attempts",
    metadata,
    Column("bucket", String(64), primary_key=True),
    Column("until_s", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
)

operator = Table(
    "operator",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("set_s", Float(53), nullable=False),
)
"""One row at most."""

sessions = Table(
    "sessions",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("begun_s", Float(53), nullable=False),
    Column("seen_s", Float(53), nullable=False),
)
