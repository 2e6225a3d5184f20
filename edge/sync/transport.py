"""The line: requests by path, with ranges and conditions, every byte counted and none beyond the limit.

Everything above this module takes a `Transport`; tests give one that has no sockets.

    >>> line = Metered(HttpTransport("https://shop.example/catalogs"), max_bytes=50_000)
    >>> with line.get("files/ab/abcd...", start=1000) as answer:
    ...     for block in answer.blocks:
    ...         ...
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from edge.errors import NetworkError, UsageError

BLOCK_BYTES = 16_384
TIMEOUT_S = 30.0
ATTEMPTS = 6
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 20.0
HEADER_LINE_BYTES = 4
_NOTHING_BUT: dict[str, Any] = {"connect": 0, "read": 0, "status": 0, "other": 0}
_SENT_BYTES = 220
"""What a request takes on the line beside its path: request line and headers, near enough."""


@dataclass(frozen=True)
class Answer:
    """What a server says to one request.

    Attributes:
        status: HTTP status: 200, 206, 304, or an error.
        headers: by lower-case name.
        blocks: the body, as it comes.
    """

    status: int
    headers: Mapping[str, str]
    blocks: Iterator[bytes]

    @property
    def is_page(self) -> bool:
        """Whether this is a web page: nothing that the kit asks for is one."""
        return self.headers.get("content-type", "").lower().startswith("text/html")


class Transport(Protocol):
    """Answers requests for paths below one address."""

    @property
    def address(self) -> str:
        """What the paths are below, for messages."""

    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> AbstractContextManager[Answer]:
        """Ask for a file.

        Args:
            path: below the address.
            start: first byte that is wanted.
            end: byte after the last that is wanted; None: to the end.
            etag: of what is held; the answer is 304 where it is still the same.

        Raises:
            NetworkError: there is no answer, or it breaks off.
        """


class Speaker(Protocol):
    """Sends to paths below one address."""

    @property
    def address(self) -> str:
        """What the paths are below, for messages."""

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Answer]:
        """Send a request once, without following where an answer points.

        Args:
            method: "POST", "GET" or "DELETE".
            path: below the address.
            body: as it goes over the line.
            headers: beside those that every request has.

        Raises:
            NetworkError: there is no answer, or it breaks off; the request may have been heard all the same.
        """


class HttpTransport:
    """HTTP and HTTPS through urllib3; proxies as the environment names them, certificates as the system trusts them."""

    def __init__(self, address: str, timeout_s: float = TIMEOUT_S, headers: Mapping[str, str] | None = None) -> None:
        """Prepare; nothing is asked yet.

        Args:
            address: of the server, http or https.
            timeout_s: longest silence, seconds.
            headers: sent with every request.

        Raises:
            UsageError: the address is not one.
        """
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{address!r} is not the address of a server: it looks like https://shop.example/catalogs")
        self.address = address.rstrip("/")
        self._headers = dict(headers or {})
        proxy = None if proxy_bypass(parts.hostname) else getproxies().get(parts.scheme)
        self._pool = urllib3.ProxyManager(proxy) if proxy else urllib3.PoolManager()
        self._timeout = urllib3.Timeout(timeout_s)

    @contextmanager
    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> Iterator[Answer]:
        """Ask for a file; see `Transport`."""
        headers = {"User-Agent": "taglet", "Accept-Encoding": "identity", **self._headers}
        if start or end is not None:
            headers["Range"] = f"bytes={start}-{'' if end is None else end - 1}"
        if etag:
            headers["If-None-Match"] = etag
        with self._asked("GET", path, None, headers, urllib3.Retry(3, **_NOTHING_BUT, redirect=3)) as answer:
            yield answer

    @contextmanager
    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Iterator[Answer]:
        """Send a request; see `Speaker`."""
        known = {"User-Agent": "taglet", "Accept-Encoding": "identity", **self._headers, **(headers or {})}
        never = urllib3.Retry(0, **_NOTHING_BUT, redirect=0, raise_on_redirect=False)
        with self._asked(method, path, body, known, never) as answer:
            yield answer

    @contextmanager
    def _asked(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], retries: urllib3.Retry
    ) -> Iterator[Answer]:
        try:
            response = self._pool.request(
                method,
                f"{self.address}/{path}",
                body=body,
                headers=headers,
                preload_content=False,
                timeout=self._timeout,
                retries=retries,
            )
        except urllib3.exceptions.HTTPError as e:
            raise NetworkError(f"{self.address}: {_why(e)}") from e
        try:
            named = {name.lower(): value for name, value in response.headers.items()}
            yield Answer(response.status, named, self._blocks(response))
        finally:
            response.close()

    def _blocks(self, response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        said, came = response.headers.get("Content-Length", ""), 0
        try:
            while block := response.read1(BLOCK_BYTES):
                came += len(block)
                yield block
        except urllib3.exceptions.HTTPError as e:
            raise NetworkError(f"{self.address}: the connection broke off ({_why(e)})") from e
        if said.isdigit() and came < int(said):
            raise NetworkError(f"{self.address}: the connection broke off (it ended too early)")


def _why(error: Exception) -> str:
    """Return what went wrong on the line, in words."""
    reason = getattr(error, "reason", None) or error
    kinds = {
        urllib3.exceptions.ProxyError: "the proxy cannot be reached",
        urllib3.exceptions.SSLError: "no secure connection: its certificate is not trusted or the clock is wrong",
        urllib3.exceptions.NameResolutionError: "no such server, or no network",
        urllib3.exceptions.NewConnectionError: "no connection",
        urllib3.exceptions.TimeoutError: "no answer in time",
        urllib3.exceptions.IncompleteRead: "it ended too early",
        urllib3.exceptions.ProtocolError: "it ended too early",
    }
    said = next((words for kind, words in kinds.items() if isinstance(reason, kind)), None)
    return said or f"the request failed ({str(reason)[:120]})"


def pause_s(failures: int) -> float:
    """Return a pause that doubles with each failure, with full jitter (Brooker, AWS Architecture Blog, 2015)."""
    return random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**failures))


class LimitReached(Exception):
    """The next byte would be one more than may be received; what came until now is kept."""


@dataclass
class Metered:
    """A transport that counts, and stops at a limit.

    Attributes:
        transport: does the work.
        max_bytes: most bytes that may be received, headers included, and pushed; None: as many as there are.
        received: bytes that came, headers as they are written in HTTP/1.1.
        sent: bytes that went, nearly.
        requests: how many were made.
        pushed: bytes of bodies that went; they are in `sent` too.
    """

    transport: Transport
    max_bytes: int | None = None
    received: int = 0
    sent: int = 0
    requests: int = field(default=0)
    pushed: int = 0

    @property
    def address(self) -> str:
        """What the paths are below."""
        return self.transport.address

    @contextmanager
    def get(self, path: str, start: int = 0, end: int | None = None, etag: str = "") -> Iterator[Answer]:
        """Ask for a file; see `Transport`.

        Raises:
            LimitReached: no more may be received.
        """
        if self._left(1) < 1:
            raise LimitReached
        self.requests += 1
        self.sent += _SENT_BYTES + len(path) + len(etag)
        with self.transport.get(path, start, end, etag) as answer:
            self.received += _length(answer.headers) + 17
            yield Answer(answer.status, answer.headers, self._counted(answer.blocks))

    @contextmanager
    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Iterator[Answer]:
        """Send a request, if the transport speaks; see `Speaker`.

        Raises:
            LimitReached: the body would be more than may go, or nothing more may be received.
        """
        self.require_room(len(body))
        speaker = cast("Speaker", self.transport)
        self.requests += 1
        self.sent += _SENT_BYTES + len(path) + len(body) + _length(headers or {})
        self.pushed += len(body)
        with speaker.send(method, path, body, headers) as answer:
            self.received += _length(answer.headers) + 17
            yield Answer(answer.status, answer.headers, self._counted(answer.blocks))

    def require_room(self, body_bytes: int) -> None:
        """Raise `LimitReached` unless a body may still be sent, and at least one byte received after it."""
        if self._left(body_bytes + 1) <= body_bytes:
            raise LimitReached

    def _left(self, wanted: int) -> int:
        return wanted if self.max_bytes is None else min(wanted, self.max_bytes - self.received - self.pushed)

    def _counted(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            allowed = max(0, self._left(len(block)))
            self.received += allowed
            if allowed:
                yield block[:allowed]
            if allowed < len(block):
                raise LimitReached


def _length(headers: Mapping[str, str]) -> int:
    """Return the bytes of headers as HTTP/1.1 writes them."""
    return sum(len(name) + len(value) + HEADER_LINE_BYTES for name, value in headers.items())
