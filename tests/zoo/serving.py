"""A web server on loopback that serves one file, and fails as it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Shop:
    """What the server serves and how.

    Attributes:
        content: the file.
        cuts: for each answer, after how many bytes the connection is cut; answers beyond the list are whole.
        status: answered instead of the file, if not 200.
        ranges: whether the server honours Range.
        asked: path and Range header of each request.
        url: where it listens.
    """

    content: bytes
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    ranges: bool = True
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@contextmanager
def serving(shop: Shop) -> Iterator[Shop]:
    """Serve on a free port of loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, shop)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler: BaseHTTPRequestHandler, shop: Shop) -> None:
    wanted = handler.headers.get("Range")
    shop.asked.append((handler.path, wanted))
    if shop.status != 200:
        handler.send_error(shop.status)
        return
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and shop.ranges else 0
    if start and start >= len(shop.content):
        handler.send_error(416)
        return
    body = shop.content[start:]
    handler.send_response(206 if wanted and shop.ranges else 200)
    handler.send_header("Content-Length", str(len(body)))
    if wanted and shop.ranges:
        handler.send_header("Content-Range", f"bytes {start}-{len(shop.content) - 1}/{len(shop.content)}")
    handler.end_headers()
    handler.wfile.write(body[: shop.cuts.pop(0)] if shop.cuts else body)
