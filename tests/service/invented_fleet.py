"""Eight devices of an invented shop and what they decided in a month: for tests of the page, and for its picture."""

from __future__ import annotations

import random
import time
from pathlib import Path

from edge.events import Event, read_event
from server.database.connection import open_engine
from server.database.enrolment import device_of, enrol, new_code
from server.database.event_store import Arrival, store_events
from server.database.operator import set_password
from server.database.refusals import note_refusals
from server.database.upgrading import upgrade
from server.publishing import publish
from tests.server.shop import FORCED, NOW, Shop, make_shard
from tests.service.fleet import an_event, hexadecimal
from tests.service.operator_visit import PASSWORD

CATALOGUE = {
    "tea-mint": "Mint tea, 20 bags",
    "tea-black": "Black tea, 50 bags",
    "soap-oak": "Oak soap bar",
    "jam-plum": "Plum jam, 340 g",
    "jam-quince": "Quince jelly, 340 g",
    "oats": "Rolled oats, 1 kg",
    "rice": "Long rice, 1 kg",
    "salt": "Sea salt <b>500 g</b>",
    "honey": "Forest honey, 500 g",
}
WRONG = {"jam-quince": "jam-plum"}
"""The picture of the first shows the second."""
DAYS, TILLS = 30, 8
DAY_S = 86_400.0


def invented_shop(folder: Path, database: str) -> Shop:
    """Publish two versions, enrol the devices, store their decisions, set the password."""
    shop = Shop.open(folder)
    for version, names in ((1, list(CATALOGUE)[:-1]), (2, list(CATALOGUE))):
        shard = make_shard(
            folder / f"shard-{version}", version, {name: CATALOGUE[name] for name in names}, pictures=True, ndim=64
        )
        publish(shop.repository, shard, shop.ring, FORCED, NOW)
    engine = open_engine(database)
    upgrade(engine)
    set_password(engine, PASSWORD, time.time())
    dice = random.Random(7)
    for number in range(TILLS):
        device_id = hexadecimal(f"till {number}", 32)
        token = enrol(engine, new_code(engine, f"till {number + 1}", time.time()).text, device_id, time.time())
        device = device_of(engine, token)
        assert device is not None
        arrivals = _decided(dice, number)
        for start in range(0, len(arrivals), 500):
            store_events(engine, device, arrivals[start : start + 500])
        if number == 3:
            note_refusals(engine, device, ["event: schema 2, this version reads 1: update it"] * 12, time.time())
    engine.dispose()
    return shop


def _decided(dice: random.Random, till: int) -> list[Arrival]:
    arrivals = []
    for day in range(DAYS):
        if till == 5 and day < 20:
            continue
        for number in range(dice.randint(3, 9) + 2 * (day % 7 < 2)):
            made_s = time.time() - (DAYS - day) * DAY_S + dice.random() * DAY_S * 0.9
            version = 1 if day < 24 or till == 6 else 2
            arrivals.append(Arrival(_event(dice, f"{till} {day} {number}", made_s, version), made_s, True))
    return arrivals


def _event(dice: random.Random, name: str, made_s: float, version: int) -> Event:
    product = dice.choices(list(CATALOGUE), [9, 8, 5, 7, 5, 4, 3, 2, 2])[0]
    luck, bad = dice.random(), product in WRONG
    kind = "accepted" if luck > (0.7 if bad else 0.09) else "corrected" if luck > (0.2 if bad else 0.05) else "rejected"
    to = None if kind != "corrected" else WRONG.get(product) or dice.choice([p for p in CATALOGUE if p != product])
    fields = {"kind": kind, "product_id": product, "corrected_to": to, "catalog_version": version}
    return read_event(an_event(name, made_at_s=made_s, **fields))
