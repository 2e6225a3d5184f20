"""Decisions counted: by product, over time, by what they were corrected to.

Of the decisions of one device on one tag only the last that came counts. Times are those at which the server received
an event: a device cannot choose them.

    >>> window = Window(since_s=now_s - 30 * DAY_S)
    >>> products(engine, window, most=50)[0][0].counts.accepted
    412
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Engine, Subquery, case, cast, exists, func, select

from server.database.tables import events

DAY_S = 86_400.0
MONDAY_S = 4 * DAY_S
"""The first Monday after the first second of 1970: where weeks begin."""
STEPS_DAYS = (1, 7, 28, 91, 364, 3640)
MOST_STEPS = 64


@dataclass(frozen=True)
class Window:
    """Which decisions are counted.

    Attributes:
        since_s: received at this time or later, seconds since 1970; None: from the first.
        until_s: received before this time; None: to the last.
        catalog: of this catalogue; None: of all.
        product_id: suggested this product; None: any.
    """

    since_s: float | None = None
    until_s: float | None = None
    catalog: str | None = None
    product_id: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many decisions there were of each kind."""

    accepted: int = 0
    corrected: int = 0
    rejected: int = 0

    @property
    def all(self) -> int:
        """How many there were."""
        return self.accepted + self.corrected + self.rejected

    def share(self, kind: str) -> float:
        """Return the share of a kind, 0 to 1; 0 where there are none."""
        count: int = getattr(self, kind)
        return count / self.all if self.all else 0.0


@dataclass(frozen=True)
class ProductCounts:
    """The decisions on one product.

    Attributes:
        catalog: that it is of.
        product_id: as devices named it.
        counts: of all devices.
        devices: how many devices decided.
        against: mean over devices of the share that each did not accept, 0 to 1.
    """

    catalog: str
    product_id: str
    counts: Counts
    devices: int
    against: float


@dataclass(frozen=True)
class Step:
    """The decisions received in a stretch of time that begins at `start_s`, seconds since 1970."""

    start_s: float
    counts: Counts


@dataclass(frozen=True)
class Correction:
    """What a product was corrected to: by how many devices, how often."""

    product_id: str
    devices: int
    count: int


def products(engine: Engine, window: Window, most: int, start: int = 0) -> tuple[list[ProductCounts], int]:
    """Return products, those with the most decisions first, and how many there are (0 where none is returned)."""
    grouped = _by_product(window)
    wanted = select(grouped, func.count().over().label("products"))
    wanted = wanted.order_by(grouped.c.total.desc(), grouped.c.catalog, grouped.c.product_id)
    with engine.connect() as connection:
        rows = connection.execute(wanted.limit(most).offset(start)).all()
    return [_product(row) for row in rows], int(rows[0].products) if rows else 0


def decided_against(
    engine: Engine, window: Window, devices: int, decisions: int, against: float, most: int
) -> list[ProductCounts]:
    """Return products with at least so many devices and decisions and a mean share against them, the highest first."""
    grouped = _by_product(window)
    enough = (grouped.c.devices >= devices) & (grouped.c.total >= decisions) & (grouped.c.against >= against)
    wanted = select(grouped).where(enough).order_by(grouped.c.against.desc(), grouped.c.devices.desc())
    with engine.connect() as connection:
        return [_product(row) for row in connection.execute(wanted.limit(most))]


def corrections(engine: Engine, window: Window, most: int) -> list[Correction]:
    """Return what the products of a window were corrected to, by the number of devices that said so."""
    devices, count = func.count(events.c.device.distinct()), func.count()
    wanted = select(events.c.corrected_to, devices.label("devices"), count.label("count"))
    wanted = wanted.where(*_counting(window), events.c.corrected_to.is_not(None)).group_by(events.c.corrected_to)
    wanted = wanted.order_by(devices.desc(), count.desc(), events.c.corrected_to).limit(most)
    with engine.connect() as connection:
        rows = connection.execute(wanted).all()
    return [Correction(to, int(by), int(times)) for to, by, times in rows]


def course(engine: Engine, window: Window) -> tuple[list[Step], float]:
    """Return the decisions over time and how long a step is, seconds; steps without decisions are there too."""
    first, last = func.min(events.c.received_s), func.max(events.c.received_s)
    with engine.connect() as connection:
        begin_s, end_s = connection.execute(select(first, last).where(*_counting(window))).one()
        if begin_s is None:
            return [], DAY_S
        length_s = _step_s(end_s - begin_s)
        number = _whole(engine, (events.c.received_s - MONDAY_S) / length_s)
        numbered = select(number.label("number"), events.c.kind).where(*_counting(window)).subquery("numbered")
        wanted = select(numbered.c.number, *_kinds(numbered.c.kind)).group_by(numbered.c.number)
        found = {int(row.number): _counts(row) for row in connection.execute(wanted)}
    steps = range(min(found), max(found) + 1)
    return [Step(MONDAY_S + n * length_s, found.get(n, Counts())) for n in steps], length_s


def decided_catalogs(engine: Engine) -> list[str]:
    """Return the names of the catalogues that decisions were made on."""
    with engine.connect() as connection:
        return list(connection.execute(select(events.c.catalog).distinct().order_by(events.c.catalog)).scalars())


def summed(steps: Sequence[Step]) -> Counts:
    """Return the counts of a whole course."""
    each = [step.counts for step in steps]
    return Counts(sum(c.accepted for c in each), sum(c.corrected for c in each), sum(c.rejected for c in each))


def _step_s(span_s: float) -> float:
    fits = [days for days in STEPS_DAYS if span_s / (days * DAY_S) < MOST_STEPS - 1]
    return (fits[0] if fits else STEPS_DAYS[-1]) * DAY_S


def _counting(window: Window) -> list[ColumnElement[bool]]:
    later = events.alias("later")
    same_tag = (later.c.device == events.c.device) & (later.c.tag_id == events.c.tag_id)
    conditions: list[ColumnElement[bool]] = [~exists().where(same_tag, later.c.id > events.c.id)]
    if window.since_s is not None:
        conditions.append(events.c.received_s >= window.since_s)
    if window.until_s is not None:
        conditions.append(events.c.received_s < window.until_s)
    if window.catalog is not None:
        conditions.append(events.c.catalog == window.catalog)
    if window.product_id is not None:
        conditions.append(events.c.product_id == window.product_id)
    return conditions


def _kinds(column: ColumnElement[str]) -> list[ColumnElement[int]]:
    kinds = ("accepted", "corrected", "rejected")
    return [func.sum(case((column == kind, 1), else_=0)).label(kind) for kind in kinds]


def _by_product(window: Window) -> Subquery:
    product = (events.c.catalog, events.c.product_id)
    each = select(*product, *_kinds(events.c.kind), func.count().label("total")).where(*_counting(window))
    device = each.group_by(*product, events.c.device).subquery("of_device")
    sums = [func.sum(device.c[name]).label(name) for name in ("accepted", "corrected", "rejected", "total")]
    against = func.avg((device.c.corrected + device.c.rejected) * 1.0 / device.c.total).label("against")
    wanted = select(device.c.catalog, device.c.product_id, *sums, func.count().label("devices"), against)
    return wanted.group_by(device.c.catalog, device.c.product_id).subquery("of_product")


def _product(row: Any) -> ProductCounts:
    return ProductCounts(row.catalog, row.product_id, _counts(row), int(row.devices), float(row.against))


def _counts(row: Any) -> Counts:
    return Counts(int(row.accepted), int(row.corrected), int(row.rejected))


def _whole(engine: Engine, value: ColumnElement[Any]) -> ColumnElement[int]:
    """Round a positive number down: SQLite's CAST cuts and its floor() may not be built in, PostgreSQL's rounds."""
    return cast(value if engine.dialect.name == "sqlite" else func.floor(value), BigInteger)
