"""Which version of a catalogue devices have, as far as their last event tells: they tell it nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from server.database.tables import devices, events


@dataclass(frozen=True)
class VersionInUse:
    """A version of a catalogue in the field.

    Attributes:
        catalog: its name.
        version: as devices name it.
        devices: how many named this version in their last event about this catalogue.
        last_s: when the last of them did, seconds since 1970.
    """

    catalog: str
    version: int
    devices: int
    last_s: float


@dataclass(frozen=True)
class DeviceSeen:
    """A device as the operator sees it.

    Attributes:
        name: that the operator gave it.
        device_id: 32 hex digits.
        enrolled_s: when, seconds since 1970.
        revoked_s: since when its token counts no more; None: it counts.
        events: how many are stored of it.
        last_s: when the last of them came; None: none did.
        catalog: that its last event was about.
        version: of that catalogue.
    """

    name: str
    device_id: str
    enrolled_s: float
    revoked_s: float | None
    events: int
    last_s: float | None
    catalog: str | None
    version: int | None


def versions_in_use(engine: Engine) -> list[VersionInUse]:
    """Return versions by catalogue, the newest first; devices that were shut out do not count."""
    last = select(func.max(events.c.id).label("id")).group_by(events.c.device, events.c.catalog).subquery("last")
    version = (events.c.catalog, events.c.catalog_version)
    wanted = select(*version, func.count().label("devices"), func.max(events.c.received_s).label("last_s"))
    wanted = wanted.join(last, events.c.id == last.c.id).join(devices, events.c.device == devices.c.id)
    wanted = wanted.where(devices.c.revoked_s.is_(None)).group_by(*version)
    with engine.connect() as connection:
        rows = connection.execute(wanted.order_by(events.c.catalog, events.c.catalog_version.desc())).all()
    return [VersionInUse(r.catalog, r.catalog_version, r.devices, r.last_s) for r in rows]


def devices_seen(engine: Engine, most: int, start: int = 0) -> list[DeviceSeen]:
    """Return devices, those that sent last first and those that never sent at the end."""
    each = select(events.c.device, func.max(events.c.id).label("id"), func.count().label("events"))
    last = each.group_by(events.c.device).subquery("last")
    count = func.coalesce(last.c.events, 0).label("events")
    wanted = select(devices, count, events.c.received_s, events.c.catalog, events.c.catalog_version)
    wanted = wanted.outerjoin(last, last.c.device == devices.c.id).outerjoin(events, events.c.id == last.c.id)
    order = (events.c.received_s.is_(None), events.c.received_s.desc(), devices.c.name, devices.c.device_id)
    with engine.connect() as connection:
        rows = connection.execute(wanted.order_by(*order).limit(most).offset(start)).all()
    return [
        DeviceSeen(
            *(r.name, r.device_id, r.enrolled_s, r.revoked_s, r.events, r.received_s, r.catalog, r.catalog_version)
        )
        for r in rows
    ]


def count_devices(engine: Engine) -> int:
    """Return how many devices `devices_seen` can give."""
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(devices)).scalar_one())
