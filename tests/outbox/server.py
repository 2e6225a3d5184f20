"""A server of events at the level of requests, with faults to order; spoken to directly or over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zstandard

from edge.errors import InputError, NetworkError
from edge.events import MAX_BATCH, read_event
from edge.sync.transport import Answer

Said = tuple[int, dict[str, str], bytes]


def said(status: int, value: Any = None, **headers: str) -> Said:
    body = b"" if value is None else json.dumps(value).encode()
    named = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return status, named, body


@dataclass
class EventServer:
    """What the contract says, in memory.

    Attributes:
        codes: one-time codes that are still good.
        tokens: token -> device_id.
        stored: (device_id, event_id) -> event, in the order of arrival.
        answers: what is said instead, one for each request, before anything is done; None: nothing instead.
        lost: how many answers get lost after the work is done.
        down: whether nobody is there.
        refuses: event_id -> why.
        shuffled: changes the results before they are sent.
        most_bytes: largest packed body.
        takes: how many events of a batch are heard of; None: all.
        asked: (method, path) of each request.
        batches: the bodies, unpacked.
        bodies: the bodies as they came.
    """

    codes: set[str] = field(default_factory=lambda: {"GOOD-CODE"})
    tokens: dict[str, str] = field(default_factory=dict)
    stored: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    answers: list[Said | None] = field(default_factory=list)
    lost: int = 0
    down: bool = False
    refuses: dict[str, str] = field(default_factory=dict)
    shuffled: Callable[[list[Any]], list[Any]] = field(default=lambda results: results)
    most_bytes: int = 2_000_000
    takes: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    batches: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Said:
        self.asked.append((method, path))
        if self.answers and (instead := self.answers.pop(0)) is not None:
            return instead
        named = {name.lower(): value for name, value in headers.items()}
        if (method, path) == ("POST", "api/v1/enrol"):
            return self._enrol(json.loads(body))
        device_id = self.tokens.get(named.get("authorization", "").removeprefix("Bearer "))
        if device_id is None:
            return said(401, {"error": "token unknown"})
        if (method, path) == ("POST", "api/v1/events"):
            assert named["content-encoding"] == "zstd" and named["content-type"] == "application/json"
            return self._events(device_id, body)
        if (method, path) == ("GET", "api/v1/device"):
            mine = [event for (owner, _), event in self.stored.items() if owner == device_id]
            return said(200, {"device_id": device_id, "events": mine})
        if (method, path) == ("DELETE", "api/v1/device"):
            self.stored = {key: event for key, event in self.stored.items() if key[0] != device_id}
            self.tokens = {token: owner for token, owner in self.tokens.items() if owner != device_id}
            return said(204)
        return said(404, {"error": "no such thing"})

    def _enrol(self, value: dict[str, str]) -> Said:
        if value["code"] not in self.codes:
            return said(403, {"error": "the code is unknown, used or expired"})
        self.codes.discard(value["code"])
        token = f"token-{len(self.tokens)}-{value['device_id'][:6]}"
        self.tokens[token] = value["device_id"]
        return said(201, {"token": token})

    def _events(self, device_id: str, body: bytes) -> Said:
        if len(body) > self.most_bytes:
            return said(413, {"error": f"more than {self.most_bytes} bytes"})
        batch = json.loads(zstandard.ZstdDecompressor().decompress(body))
        assert set(batch) == {"schema", "device_id", "events"} and len(batch["events"]) <= MAX_BATCH
        self.batches.append(batch)
        self.bodies.append(body)
        if batch["device_id"] != device_id:
            return said(403, {"error": "this token is another device's"})
        taken = batch["events"][: self.takes]
        return said(200, {"results": self.shuffled([self._store(device_id, event) for event in taken])})

    def _store(self, device_id: str, value: dict[str, Any]) -> dict[str, Any]:
        event_id = value["event_id"]
        try:
            read_event(value)
        except InputError as e:
            return {"event_id": event_id, "status": "refused", "error": str(e)}
        if event_id in self.refuses:
            return {"event_id": event_id, "status": "refused", "error": self.refuses[event_id]}
        status = "duplicate" if (device_id, event_id) in self.stored else "stored"
        self.stored.setdefault((device_id, event_id), value)
        return {"event_id": event_id, "status": status, "error": None}


@dataclass
class Wire:
    """A transport to an event server without sockets; `get` finds nothing."""

    server: EventServer
    address: str = "https://shop.example"

    @contextmanager
    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> Iterator[Answer]:
        yield Answer(404, {}, iter(()))

    @contextmanager
    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Iterator[Answer]:
        if self.server.down:
            raise NetworkError(f"{self.address}: no connection")
        status, named, answer = self.server.answer(method, path, headers or {}, body)
        if self.server.lost:
            self.server.lost -= 1
            raise NetworkError(f"{self.address}: the connection broke off (it ended too early)")
        yield Answer(status, named, iter([answer] if answer else []))


@contextmanager
def listening(server: EventServer, files: Mapping[str, bytes] | None = None) -> Iterator[str]:
    """Yield the address of an event server on a free port of loopback, with files beside it to pull."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            path = self.path.lstrip("/")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.command == "GET" and not path.startswith("api/"):
                found = (files or {}).get(path)
                answer: Said = (200, {}, found) if found is not None else said(404)
            else:
                answer = server.answer(self.command, path, dict(self.headers), body)
                if server.lost:
                    server.lost -= 1
                    self.close_connection = True
                    return
            status, named, data = answer
            self.send_response(status)
            for name, value in named.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = _do

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no error."""

    listener = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}"
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()
