"""The real service in a process of its own that can be ended and started again at the same address."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from server.database.connection import open_engine
from server.database.enrolment import new_code
from server.database.tables import events
from server.database.upgrading import upgrade
from sqlalchemy import select
from tests.server.shop import Shop
from tests.service.running import Running, running


def free_port() -> int:
    """Return a port of the loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Site:
    """A service and the page that it serves.

    Attributes:
        shop: what is published.
        page: folder of the built page.
        port: where it listens, whenever it runs.
    """

    shop: Shop
    page: Path
    port: int = field(default_factory=free_port)
    _running: ExitStack = field(default_factory=ExitStack)
    service: Running | None = None

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def database(self) -> str:
        """Address of the database."""
        return f"sqlite:///{self.shop.folder / 'server.sqlite3'}"

    def start(self) -> None:
        """Start the service."""
        words = ("--workers", "1", "--refresh-hours", "0", "--page", str(self.page), "--port", str(self.port))
        self.service = self._running.enter_context(running(self.shop.repository.root, self.database, *words))

    def stop(self) -> None:
        """End its processes."""
        self._running.close()
        self.service = None

    def code(self) -> str:
        """Return a one-time code."""
        engine = open_engine(self.database)
        upgrade(engine)
        code = new_code(engine, "a browser", time.time()).text
        engine.dispose()
        return code

    def rows(self) -> list[Any]:
        """Return every event of the database."""
        engine = open_engine(self.database)
        with engine.connect() as connection:
            found = list(connection.execute(select(events).order_by(events.c.id)))
        engine.dispose()
        return found

    def open(self, context: BrowserContext) -> Page:
        """Open the page in a new tab, with courier's objects at hand as `catalogs`, `outbox` and `offline`."""
        page = context.new_page()
        page.goto(self.address)
        page.wait_for_function("globalThis.courier")
        page.evaluate(BEGIN)
        return page


BEGIN = """() => {
    const { createCatalogs, createOutbox, keepSending, startOffline } = globalThis.courier;
    Object.assign(globalThis, { catalogs: createCatalogs(), outbox: createOutbox(), keepSending, startOffline });
    globalThis.told = async (work) => {
        try { return { value: await work() } } catch (problem) { return { name: problem.name, sentence: problem.sentence } }
    };
    globalThis.aTag = (number, product_id = "p001") => ({
        tag_id: number.toString(16).padStart(16, "0"), status: "match", product_id, title: "", shard: 0,
        similarity: 0.75, margin: 0.125, start_s: 0, end_s: 1, best: { timestamp_s: 0, xyxy: [0, 0, 1, 1] }, alternatives: [],
    });
    globalThis.decide = async (number, kind = "accepted", corrected_to = null, vector = null) => {
        const [{ name, space_id }] = await catalogs.open();
        await outbox.decide(kind, aTag(number), name, space_id, corrected_to, vector);
    };
}"""


