"""Real sockets on loopback: a web server over a publisher's files, and a proxy that makes any line bad."""

from __future__ import annotations

import hashlib
import random
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What a web server does.

    Attributes:
        files: by path.
        ranges: whether it knows them; a plain static server may not.
        portal: send every request to a page to sign in, as a captive portal does.
        cut_after: body bytes after which each connection is closed, once for each number.
        url: where it listens.
        asked: (path, Range header) of each request.
    """

    files: dict[str, bytes]
    ranges: bool = True
    portal: bool = False
    cut_after: list[int] = field(default_factory=list)
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serving(site: Site, tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve on a free port of loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            _answer(self, site)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that goes away is no error."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    site.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    path, wanted = handler.path.lstrip("/"), handler.headers.get("Range", "")
    site.asked.append((path, wanted))
    if site.portal and path != "sign-in":
        handler.send_response(302)
        handler.send_header("Location", "/sign-in")
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    body = b"<html>Welcome! Sign in.</html>" if site.portal else site.files.get(path)
    if body is None:
        handler.send_error(404)
        return
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    if handler.headers.get("If-None-Match") == etag:
        handler.send_response(304)
        handler.send_header("ETag", etag)
        handler.end_headers()
        return
    start = int(wanted.removeprefix("bytes=").partition("-")[0]) if wanted and site.ranges else 0
    handler.send_response(206 if wanted and site.ranges else 200)
    if wanted and site.ranges:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    body = body[start:]
    handler.send_header("Content-Type", "text/html" if site.portal else "application/octet-stream")
    handler.send_header("Content-Length", str(len(body)))
    handler.send_header("ETag", etag)
    handler.end_headers()
    if site.cut_after and path.startswith("files/"):
        handler.wfile.write(body[: site.cut_after.pop(0)])
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        return
    handler.wfile.write(body)


@dataclass
class Weather:
    """How bad a line is.

    Attributes:
        round_trip_s: added to every answer.
        loss: share of the blocks at which the connection breaks.
        outages: (begin, end) in seconds since the proxy began, during which nothing comes through.
        seed: of the losses.
    """

    round_trip_s: float = 0.0
    loss: float = 0.0
    outages: tuple[tuple[float, float], ...] = ()
    seed: int = 0


@contextmanager
def bad_line(target: str, weather: Weather) -> Iterator[str]:
    """Yield the address of a proxy that passes bytes on to a server, as well as the weather lets it."""
    host, port = target.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    began, ended, draw = time.monotonic(), threading.Event(), random.Random(weather.seed)

    def is_out() -> bool:
        now = time.monotonic() - began
        return any(begin <= now < end for begin, end in weather.outages)

    def carry(source: socket.socket, goal: socket.socket, answers: bool) -> None:
        first = True
        with suppress(OSError):
            while block := source.recv(1400):
                if answers and first:
                    time.sleep(weather.round_trip_s)
                    first = False
                if is_out() or (answers and draw.random() < weather.loss):
                    break
                goal.sendall(block)
                first = first or not answers
        for end in (source, goal):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if answers:
            source.close()
            goal.close()

    def accept() -> None:
        while not ended.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if is_out():
                client.close()
                continue
            server = socket.create_connection((host, int(port)))
            threading.Thread(target=carry, args=(client, server, False), daemon=True).start()
            threading.Thread(target=carry, args=(server, client, True), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ended.set()
        listener.close()
