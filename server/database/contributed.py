"""Vectors that creators agreed to share: one row a tag, by whose voice, for the next catalogue.

Only a device's last decision on a tag counts, as in `decisions.py`: whoever rejects what was accepted, or accepts again
without sharing, takes the vector back. A revoked device has no voice, a forgotten one no rows.

One voice is one *name* that the operator gave: a device that was forgotten and enrolled anew under its name speaks with
the same voice, whatever ids it chose for itself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

from sqlalchemy import Engine, exists, func, select

from edge.contributed import ContributedView
from server.database.tables import devices, events

_AT_ONCE = 1_000


def contributed_views(engine: Engine, salt: bytes, catalog: str | None = None) -> Iterator[ContributedView]:
    """Yield the vectors of accepted and corrected tags, each with a voice that only this salt leads to.

    Args:
        engine: the database.
        salt: random bytes that nobody keeps.
        catalog: of this catalogue; None: of all.
    """
    later = events.alias("later")
    same_tag = (later.c.device == events.c.device) & (later.c.tag_id == events.c.tag_id)
    product = func.coalesce(events.c.corrected_to, events.c.product_id).label("shown")
    wanted = select(devices.c.name, product, events.c.space_id, events.c.embedding)
    wanted = wanted.join(devices, events.c.device == devices.c.id).where(
        events.c.kind.in_(("accepted", "corrected")),
        events.c.embedding.is_not(None),
        devices.c.revoked_s.is_(None),
        ~exists().where(same_tag, later.c.id > events.c.id),
    )
    if catalog is not None:
        wanted = wanted.where(events.c.catalog == catalog)
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=_AT_ONCE).execute(wanted):
            yield ContributedView(voice_of(row.name, salt), row.shown, row.space_id, bytes(row.embedding))


def voice_of(name: str, salt: bytes) -> str:
    """Return the pseudonym of a device's name: HMAC-SHA-256 under the salt (RFC 2104), its first 16 hex digits."""
    return hmac.new(salt, name.encode(), hashlib.sha256).hexdigest()[:16]
