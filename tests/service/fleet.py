"""Devices that talk to a service within the process, and the events that they send."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import zstandard
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from werkzeug.test import TestResponse

from edge.events import Event, event_document
from server.app.factory import create_app
from server.app.service import EXTENSION
from server.app.settings import Limits, ServiceSettings
from server.database.enrolment import new_code
from server.database.tables import events
from server.database.upgrading import upgrade
from tests.server.shop import NOW, Shop
from tests.small_shards import SPACE

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@dataclass
class Clock:
    """Tells the time that it was set to."""

    now_s: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.now_s


def hexadecimal(word: object, digits: int) -> str:
    """Return hex digits that follow from a word."""
    return hashlib.sha256(str(word).encode()).hexdigest()[:digits]


def an_event(number: object = 0, **changes: Any) -> dict[str, Any]:
    """Return the document of an event."""
    fields: dict[str, Any] = {
        "event_id": hexadecimal(f"event {number}", 32),
        "kind": "accepted",
        "made_at_s": NOW.timestamp() - 60,
        "tag_id": hexadecimal(f"tag {number}", 16),
        "catalog": "shop",
        "catalog_version": 1,
        "shard_sha256": hexadecimal("shard", 64),
        "space_id": SPACE,
        "product_id": "p001",
        "corrected_to": None,
        "similarity": 0.75,
        "margin": 0.125,
        "status": "match",
    }
    return event_document(Event(**{**fields, **changes}))


@dataclass
class Counter:
    """A service with its database.

    Attributes:
        client: asks it.
        engine: its database.
    """

    client: FlaskClient
    engine: Engine

    @classmethod
    def open(cls, shop: Shop, database: str, clock: Clock, limits: Limits | None = None) -> Counter:
        """Make a service and its tables."""
        app = create_app(ServiceSettings(shop.repository, database, 0, limits or Limits()), clock)
        engine = app.extensions[EXTENSION].engine
        upgrade(engine)
        return cls(app.test_client(), engine)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def device(self, name: str = "till 1", clock: Clock | None = None) -> Till:
        """Enrol a device."""
        code = new_code(self.engine, name, (clock or Clock())()).text
        device_id = hexadecimal(f"device {name}", 32)
        answer = self.enrol(code, device_id)
        assert answer.status_code == 201, answer.text
        return Till(self, device_id, answer.json["token"])

    def enrol(self, code: object, device_id: object) -> TestResponse:
        """Ask for a token."""
        return self.client.post("/api/v1/enrol", json={"code": code, "device_id": device_id})

    def rows(self) -> list[Any]:
        """Return every event of the database."""
        with self.engine.connect() as connection:
            return list(connection.execute(select(events).order_by(events.c.id)))


@dataclass
class Till:
    """A device with its token.

    Attributes:
        counter: what it talks to.
        device_id: its own.
        token: that it got.
    """

    counter: Counter
    device_id: str
    token: str
    sent: list[Any] = field(default_factory=list)

    @property
    def headers(self) -> dict[str, str]:
        """What it shows."""
        return {"Authorization": f"Bearer {self.token}"}

    def send(self, events: Sequence[Any], packing: str = "zstd") -> TestResponse:
        """Send a batch."""
        batch = {"schema": 1, "device_id": self.device_id, "events": list(events)}
        return self.post(PACKERS[packing](json.dumps(batch).encode()), packing)

    def post(self, body: bytes, packing: str = "identity", kind: str = "application/json") -> TestResponse:
        """Send any body."""
        headers = {**self.headers, "Content-Encoding": packing, "Content-Type": kind}
        return self.counter.client.post("/api/v1/events", data=body, headers=headers)

    def results(self, events: Sequence[Any]) -> list[str]:
        """Send a batch and return what became of each event."""
        answer = self.send(events)
        assert answer.status_code == 200, answer.text
        return [result["status"] for result in answer.json["results"]]
