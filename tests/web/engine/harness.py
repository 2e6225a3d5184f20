"""The engine in a real browser: built once, served on the loopback, driven from Python.

    with serving({"/": built_harness(folder), "/golden": golden_folder()}) as address: ...

What hangs on `harness` in the page is web_demo/tests/harness/main.ts.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Browser, BrowserContext, Page

from tests.web.node import run_tool

KINDS = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".json": "application/json",
}
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src blob:"
)
"""What the page must get by with."""


def built_harness(folder: Path) -> Path:
    """Build the engine without a page, or skip (in CI: fail); return the folder."""
    run_tool("vite/bin/vite.js", "build", "--config", "tests/harness/vite.config.ts", "--outDir", str(folder))
    return folder


@contextmanager
def serving(
    folders: Mapping[str, Path], policy: str = POLICY, is_isolated: bool = True, keep: bool = False
) -> Iterator[str]:
    """Serve folders as a careful server would; yield the address.

    Args:
        folders: path prefix without a slash at its end ("" for the rest) -> folder.
        policy: the content security policy.
        is_isolated: whether pages are isolated, without which there are no threads.
        keep: whether the browser may keep what it got.
    """
    prefixes = sorted(folders, key=len, reverse=True)

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = unquote(self.path.split("?")[0])
            prefix = next(one for one in prefixes if path.startswith(one + "/"))
            file = folders[prefix] / (path[len(prefix) + 1 :] or "index.html")
            body = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if file.is_file() else 404)
            self.send_header("Content-Type", KINDS.get(file.suffix, "application/octet-stream"))
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", policy)
            self.send_header("Cache-Control", "max-age=3600" if keep else "no-store")
            if is_isolated:
                self.send_header("Cross-Origin-Opener-Policy", "same-origin")
                self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Harness:
    """A page with the engine, and what it said on its console."""

    def __init__(self, browser: Browser | BrowserContext, address: str) -> None:
        self.address = address
        self.said: list[str] = []
        self.page: Page = browser.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(f"{address}/")
        self.page.wait_for_function("window.harness !== undefined")

    def call(self, script: str, *values: Any) -> Any:
        """Run `async (harness, ...values) => ...`; return what it gives, as JSON."""
        inner = f"async values => JSON.parse(JSON.stringify(await ({script})(window.harness, ...values)))"
        return self.page.evaluate(inner, list(values))

    def open(self, name: str = "engine", shards: tuple[str, ...] = ("/shard/",), **options: Any) -> dict[str, Any]:
        """Open an engine on the packaged bundle; return its capabilities or the problem."""
        script = "(h, name, shards, options) => h.open(name, '/bundle/', shards, options)"
        answer: dict[str, Any] = self.call(script, name, list(shards), options)
        return answer

    def tag(self, url: str, name: str = "engine") -> dict[str, Any]:
        """Tag a file; return {"value": Found} or {"problem": Problem}, `progress` and `early`."""
        answer: dict[str, Any] = self.call("(h, name, url) => h.tag(name, url)", name, url)
        return answer
