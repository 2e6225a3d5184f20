"""The service over HTTP, in a thread or in processes of its own, that can be ended and started again at one address."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from server.app.factory import create_app
from server.app.service import EXTENSION
from server.app.settings import ServiceSettings
from server.database.connection import open_engine
from server.database.enrolment import new_code, revoke
from server.database.tables import events
from server.database.upgrading import upgrade
from tests.server.shop import Shop
from tests.service.running import running


def free_port() -> int:
    """Return a port of the loopback at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def serving(shop: Shop, database: str, page: Path, port: int) -> Iterator[None]:
    """Serve in a thread."""
    app = create_app(ServiceSettings(shop.repository, database, page=page))
    engine = app.extensions[EXTENSION].engine
    upgrade(engine)
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        engine.dispose()


class Quiet(WSGIRequestHandler):
    """Logs nothing and keeps connections."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *words: object) -> None:
        pass


@dataclass
class Site:
    """A service and the page that it serves.

    Attributes:
        shop: what is published.
        page: folder of the built page.
        port: where it listens, whenever it runs.
        in_processes: whether it is `server serve`, with gunicorn; else a thread of this process, which starts quickly.
    """

    shop: Shop
    page: Path
    port: int = field(default_factory=free_port)
    in_processes: bool = False
    _running: ExitStack = field(default_factory=ExitStack)

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
        if self.in_processes:
            words = ("--workers", "1", "--refresh-hours", "0", "--page", str(self.page), "--port", str(self.port))
            self._running.enter_context(running(self.shop.repository.root, self.database, *words))
        else:
            self._running.enter_context(serving(self.shop, self.database, self.page, self.port))

    def stop(self) -> None:
        """End it."""
        self._running.close()

    def limit(self, page: Page, quota: int) -> None:
        """Let the browser keep so many bytes for the page and no more."""
        session = page.context.new_cdp_session(page)
        session.send("Storage.overrideQuotaForOrigin", {"origin": self.address[:-1], "quotaSize": quota})

    def code(self) -> str:
        """Return a one-time code."""
        engine = open_engine(self.database)
        upgrade(engine)
        code = new_code(engine, "a browser", time.time()).text
        engine.dispose()
        return code

    def revoke(self) -> None:
        """Let the browser's token count no more."""
        engine = open_engine(self.database)
        revoke(engine, "a browser", time.time())
        engine.dispose()

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
        until(page, "globalThis.courier !== undefined")
        page.evaluate(BEGIN)
        return page


def until(page: Page, expression: str, seconds: float = 60.0) -> None:
    """Wait until an expression is true; Playwright's own way needs a policy that allows `eval`."""
    give_up = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < give_up, expression
        page.wait_for_timeout(50)


NOTHING_KEPT = """
    delete globalThis.caches;
    Object.defineProperty(globalThis, "indexedDB", { value: undefined });
"""
"""A browser that keeps nothing, as some private windows do."""

BEGIN = """() => {
    const { createCatalogs, createOutbox, keepSending, startOffline } = globalThis.courier;
    Object.assign(globalThis, { catalogs: createCatalogs(), outbox: createOutbox(), keepSending, startOffline });
    globalThis.told = async (work) => {
        try {
            return { value: await work() };
        } catch ({ name, sentence }) {
            return { name, sentence };
        }
    };
    globalThis.aTag = (number, product_id = "p001") => ({
        tag_id: number.toString(16).padStart(16, "0"), status: "match", product_id, title: "", shard: 0,
        similarity: 0.75, margin: 0.125, start_s: 0, end_s: 1, best: { timestamp_s: 0, xyxy: [0, 0, 1, 1] },
        alternatives: [],
    });
    globalThis.decide = async (number, kind = "accepted", corrected_to = null, vector = null) => {
        const [{ name, space_id }] = await catalogs.open();
        await outbox.decide(kind, aTag(number), name, space_id, corrected_to, vector);
    };
}"""
