"""Why events were refused: a few sentences a device, counted. The events themselves are not kept.

A sentence may hold a piece of what a device sent, so it is as untrusted as an event, cleaned of what no line of text
has, and goes when the device is forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.exc import IntegrityError

from server.database.enrolment import Device
from server.database.tables import devices, refusals
from server.database.upserting import insert_into

KEPT = 20
"""Sentences that are kept of one device: those that came last."""
LONGEST = 300


@dataclass(frozen=True)
class Refusal:
    """Events of one device that were refused for one reason.

    Attributes:
        device: its name.
        reason: one sentence.
        count: how often.
        first_s: when first, seconds since 1970.
        last_s: when last.
    """

    device: str
    reason: str
    count: int
    first_s: float
    last_s: float


def note_refusals(engine: Engine, device: Device, reasons: Iterable[str], now_s: float) -> None:
    """Count reasons; a device that was forgotten meanwhile is passed over."""
    counted = Counter(_cleaned(reason) for reason in reasons).most_common(KEPT)
    if not counted:
        return
    try:
        with engine.begin() as connection:
            mine = select(devices.c.id).where(devices.c.id == device.key).with_for_update()
            if connection.execute(mine).one_or_none() is None:
                return
            for reason, count in counted:
                row = {"device": device.key, "reason": reason, "count": count, "first_s": now_s, "last_s": now_s}
                statement = insert_into(engine, refusals).values(row)
                raised = {"count": refusals.c.count + count, "last_s": now_s}
                connection.execute(statement.on_conflict_do_update(index_elements=["device", "reason"], set_=raised))
            newest = select(refusals.c.id).where(refusals.c.device == device.key)
            newest = newest.order_by(refusals.c.last_s.desc(), refusals.c.id.desc()).limit(KEPT)
            gone = (refusals.c.device == device.key) & refusals.c.id.not_in(newest)
            connection.execute(delete(refusals).where(gone))
    except IntegrityError:  # SQLite has no lock on rows: the device was forgotten between the statements
        return


def list_refusals(engine: Engine, most: int, start: int = 0, device: Device | None = None) -> list[Refusal]:
    """Return refusals, those that came last first."""
    columns = (refusals.c.reason, refusals.c.count, refusals.c.first_s, refusals.c.last_s)
    wanted = select(devices.c.name, *columns).join(devices, refusals.c.device == devices.c.id)
    if device is not None:
        wanted = wanted.where(refusals.c.device == device.key)
    wanted = wanted.order_by(refusals.c.last_s.desc(), refusals.c.id.desc()).limit(most).offset(start)
    with engine.connect() as connection:
        return [Refusal(*row) for row in connection.execute(wanted)]


def count_refusals(engine: Engine) -> int:
    """Return how many rows `list_refusals` can give."""
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(refusals)).scalar_one())


def _cleaned(reason: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in reason)[:LONGEST]
