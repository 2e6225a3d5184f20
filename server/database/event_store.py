"""Events as they come in and as they are read again.

Law: what was answered as stored is committed, and no event of a device is stored twice, however often it is sent.

    >>> stored = store_events(engine, device, arrivals)
    >>> stored >= {arrival.event.event_id for arrival in arrivals}  # the others were there already
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sqlalchemy import Engine, Row, Select, select
from sqlalchemy.exc import IntegrityError

from edge.events import Event
from server.database.enrolment import Device
from server.database.tables import devices, events
from server.database.upserting import insert_into

Clock = Literal["ok", "late", "future", "past"]
LATE_S = 30 * 86_400.0
FUTURE_S = 3_600.0
FIRST_S = 1_704_067_200.0
"""The first second of 2024: no device of the kit is older, so that a clock before it was not set."""
_AT_ONCE = 1_000


class DeviceGone(Exception):
    """A device was forgotten or revoked while its events were on the way."""


@dataclass(frozen=True)
class Arrival:
    """An event with what the server thinks of it.

    Attributes:
        event: as the device sent it.
        received_s: when it came, seconds since 1970.
        product_listed: whether the newest version of its catalogue has the products that it names; None: not known.
    """

    event: Event
    received_s: float
    product_listed: bool | None

    @property
    def clock(self) -> Clock:
        """How the device's clock looks: "late" is an event of more than 30 days ago, "past" one from before 2024."""
        age = self.received_s - self.event.made_at_s
        if self.event.made_at_s < FIRST_S:
            return "past"
        return "future" if age < -FUTURE_S else "late" if age > LATE_S else "ok"


@dataclass(frozen=True)
class Period:
    """Which events are asked for.

    Attributes:
        since_s: made at this time or later, by the device's clock, seconds since 1970; None: from the first.
        until_s: made before this time; None: to the last.
        catalog: of this catalogue; None: of all.
    """

    since_s: float | None = None
    until_s: float | None = None
    catalog: str | None = None


def store_events(engine: Engine, device: Device, arrivals: Sequence[Arrival]) -> set[str]:
    """Store events in one transaction; return the ids of those that were new.

    The device's row is locked meanwhile, so that two batches of one device, in whatever order, cannot wait for each
    other.

    Raises:
        DeviceGone: it was forgotten or revoked since it asked.
        sqlalchemy.exc.DBAPIError: the database is away: nothing was stored, or everything was and the answer was lost.
    """
    if not arrivals:
        return set()
    rows = [_row(device, arrival) for arrival in arrivals]
    statement = insert_into(engine, events).values(rows).on_conflict_do_nothing(index_elements=["device", "event_id"])
    here = select(devices.c.id).where(devices.c.id == device.key, devices.c.revoked_s.is_(None)).with_for_update()
    try:
        with engine.begin() as connection:
            if connection.execute(here).one_or_none() is None:
                raise DeviceGone
            return set(connection.execute(statement.returning(events.c.event_id)).scalars())
    except IntegrityError as e:  # SQLite has no lock on rows: the device was forgotten between the two statements
        raise DeviceGone from e


def events_of(engine: Engine, device: Device) -> Iterator[dict[str, Any]]:
    """Yield everything that is stored of a device's events, in the order in which they came."""
    wanted = select(events).where(events.c.device == device.key).order_by(events.c.id)
    for row in _streamed(engine, wanted):
        yield {"received_s": row.received_s, "clock": row.clock, "product_listed": row.product_listed, **_fields(row)}


def exported(engine: Engine, period: Period) -> Iterator[dict[str, Any]]:
    """Yield events for other programs, with the device's name, in the order in which they came."""
    wanted = select(events, devices.c.name, devices.c.device_id).join(devices, events.c.device == devices.c.id)
    if period.since_s is not None:
        wanted = wanted.where(events.c.made_at_s >= period.since_s)
    if period.until_s is not None:
        wanted = wanted.where(events.c.made_at_s < period.until_s)
    if period.catalog is not None:
        wanted = wanted.where(events.c.catalog == period.catalog)
    for row in _streamed(engine, wanted.order_by(events.c.id)):
        seen = {"received_s": row.received_s, "clock": row.clock, "product_listed": row.product_listed}
        yield {"device_id": row.device_id, "device": row.name, **seen, **_fields(row)}


def _streamed(engine: Engine, wanted: Select[Any]) -> Iterator[Row[Any]]:
    with engine.connect() as connection:
        yield from connection.execution_options(yield_per=_AT_ONCE).execute(wanted)


def _row(device: Device, arrival: Arrival) -> dict[str, Any]:
    noted = {"received_s": arrival.received_s, "clock": arrival.clock, "product_listed": arrival.product_listed}
    return {"device": device.key, **asdict(arrival.event), **noted}


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in Event.__dataclass_fields__}
