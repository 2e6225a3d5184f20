"""Who may send: one-time codes for an operator to give out, and the tokens that devices get for them.

    >>> code = new_code(engine, "till 3", now_s, hours=24)
    >>> token = enrol(engine, code.text, device_id, now_s)
    >>> device_of(engine, token).name
    'till 3'

A code is 80 random bits, a token 256: nothing is gained by a slow hash, so both are kept as SHA-256.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Row, and_, delete, func, select, update

from edge.errors import InputError, UsageError
from server.database.tables import codes, devices, events
from server.database.upserting import insert_into

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter looks like a digit."""
_READ_AS = str.maketrans("ILO", "110", " -")
CODE_LETTERS, GROUP = 16, 4
HOURS = 24.0
MAX_HOURS = 24.0 * 90
MAX_NAME = 80
KEPT_CODE_S = 90 * 86_400.0
"""How long a used or expired code is remembered."""


@dataclass(frozen=True)
class Code:
    """A one-time code; its text is shown once and kept nowhere.

    Attributes:
        text: four groups of four letters.
        name: of the device that it is for.
        expires_s: when it stops being accepted, seconds since 1970.
    """

    text: str
    name: str
    expires_s: float


@dataclass(frozen=True)
class Device:
    """A device that was enrolled.

    Attributes:
        key: of its row.
        device_id: 32 hex digits that it chose for itself.
        name: that the operator gave it.
        enrolled_s: when, seconds since 1970.
        revoked_s: since when its token counts no more; None: it counts.
        events: how many events are stored of it.
        last_s: when the last of them came; None: there is none.
    """

    key: int
    device_id: str
    name: str
    enrolled_s: float
    revoked_s: float | None
    events: int = 0
    last_s: float | None = None


class EnrolmentRefused(Exception):
    """A code is unknown, expired or used, or is not for this device."""


def sha256_of(secret: str) -> str:
    """Return what is kept of a token or code."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_code(engine: Engine, name: str, now_s: float, hours: float = HOURS) -> Code:
    """Make a one-time code.

    Raises:
        UsageError: the name is empty, too long or holds control characters, or the hours are out of range.
    """
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise UsageError(f"the name of a device is 1 to {MAX_NAME} printable characters, found {name[:MAX_NAME]!r}")
    if not 0 < hours <= MAX_HOURS:
        raise UsageError(f"--hours {hours:g}: a code lasts above 0 to {MAX_HOURS:g} hours")
    letters = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LETTERS))
    text = "-".join(letters[start : start + GROUP] for start in range(0, CODE_LETTERS, GROUP))
    code = Code(text, name, now_s + hours * 3600)
    with engine.begin() as connection:
        connection.execute(delete(codes).where(codes.c.expires_s < now_s - KEPT_CODE_S))
        row = {"sha256": sha256_of(letters), "name": name, "made_s": now_s, "expires_s": code.expires_s}
        connection.execute(codes.insert(), row)
    return code


def enrol(engine: Engine, text: str, device_id: str, now_s: float) -> str:
    """Take a code and return a new token for a device.

    A device that is known keeps its events and gets a new token, if the code was made for its name; the old token
    counts no more.

    Args:
        engine: the database.
        text: of the code, as a person types it.
        device_id: 32 hex digits.
        now_s: seconds since 1970.

    Raises:
        EnrolmentRefused: with one sentence; the code is not used up.
    """
    token = secrets.token_urlsafe(32)
    letters = text.upper().translate(_READ_AS)
    with engine.begin() as connection:
        mine = codes.c.sha256 == sha256_of(letters)
        fresh = and_(codes.c.used_s.is_(None), codes.c.expires_s > now_s)
        taken = connection.execute(update(codes).where(mine, fresh).values(used_s=now_s).returning(codes.c.name))
        row = taken.one_or_none()
        if row is None:
            raise EnrolmentRefused(_why_not(connection.execute(select(codes).where(mine)).one_or_none()))
        statement = insert_into(engine, devices).values(
            device_id=device_id, name=row.name, token_sha256=sha256_of(token), enrolled_s=now_s
        )
        fields = {"token_sha256": statement.excluded.token_sha256, "enrolled_s": now_s, "revoked_s": None}
        statement = statement.on_conflict_do_update(
            index_elements=["device_id"], set_=fields, where=devices.c.name == row.name
        )
        if connection.execute(statement.returning(devices.c.id)).one_or_none() is None:
            raise EnrolmentRefused("this device is known by another name: ask for a code that was made for that name")
    return token


def device_of(engine: Engine, token: str) -> Device | None:
    """Return the device that a token belongs to; None: the token is unknown or was revoked."""
    wanted = select(devices).where(devices.c.token_sha256 == sha256_of(token), devices.c.revoked_s.is_(None))
    with engine.connect() as connection:
        row = connection.execute(wanted).one_or_none()
    return None if row is None else Device(row.id, row.device_id, row.name, row.enrolled_s, row.revoked_s)


def list_devices(engine: Engine) -> list[Device]:
    """Return every device that was enrolled, by name."""
    counted = func.count(events.c.id).label("events"), func.max(events.c.received_s).label("last_s")
    wanted = select(devices, *counted).outerjoin(events, events.c.device == devices.c.id).group_by(devices.c.id)
    with engine.connect() as connection:
        rows = connection.execute(wanted.order_by(devices.c.name, devices.c.device_id)).all()
    return [Device(r.id, r.device_id, r.name, r.enrolled_s, r.revoked_s, r.events, r.last_s) for r in rows]


def revoke(engine: Engine, device: str, now_s: float) -> list[str]:
    """Let tokens count no more, and return the ids of the devices that lost theirs.

    Codes that were made for the name and not used yet are revoked too. Events stay.

    Args:
        engine: the database.
        device: a device's name or id.
        now_s: seconds since 1970.

    Raises:
        InputError: no device and no unused code is of this name.
    """
    with engine.begin() as connection:
        named = (devices.c.name == device) | (devices.c.device_id == device)
        lost = update(devices).where(named, devices.c.revoked_s.is_(None)).values(revoked_s=now_s)
        revoked = [row.device_id for row in connection.execute(lost.returning(devices.c.device_id))]
        unused = update(codes).where(codes.c.name == device, codes.c.used_s.is_(None)).values(used_s=now_s)
        if not revoked and not connection.execute(unused.returning(codes.c.sha256)).all():
            raise InputError(f"{device}: no device and no unused code has this name: see `device list`")
    return revoked


def forget(engine: Engine, device: Device) -> None:
    """Remove a device with everything that is stored about it."""
    with engine.begin() as connection:
        connection.execute(delete(events).where(events.c.device == device.key))
        connection.execute(delete(devices).where(devices.c.id == device.key))
        connection.execute(delete(codes).where(codes.c.name == device.name, codes.c.used_s.is_not(None)))


def _why_not(code: Row[Any] | None) -> str:
    if code is None:
        return "this code is unknown: check its letters, or ask for a new one"
    return (
        "this code was used already: ask for a new one" if code.used_s else "this code has expired: ask for a new one"
    )
