"""What a device says to the server, request by request, and what the answers mean.

Below the server's address: POST api/v1/enrol, POST api/v1/events, GET and DELETE api/v1/device; docs/formats/event.md
has bodies and answers. Whatever may pass (no connection, 429, 5xx) is tried again after a pause that doubles, with full
jitter, and never sooner than the server's Retry-After (RFC 9110, 10.2.3).

    >>> server = Server(Metered(HttpTransport(address)), token)
    >>> server.push(batch.body)
    [Result(event_id='…', status='stored', error='')]
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Literal, TypeVar, cast

from edge.document_fields import Fields
from edge.errors import InputError, NetworkError
from edge.output.text_width import printable
from edge.sync.download import CAPTIVE
from edge.sync.transport import Metered, pause_s

ENROL = "api/v1/enrol"
EVENTS = "api/v1/events"
DEVICE = "api/v1/device"
ENCODING = "zstd"
ATTEMPTS = 4
LOCAL = (
    "does not know this device's token, so it was forgotten there before or its token was revoked: "
    "`edge forget --local` forgets what is here"
)
LONGEST_WAIT_S = 60.0
"""A server that wants more patience than this is asked again by the next call."""
MAX_ANSWER_BYTES = 64_000_000
STATUSES = ("stored", "duplicate", "refused")

T = TypeVar("T")


@dataclass(frozen=True)
class Result:
    """What became of one event.

    Attributes:
        event_id: which.
        status: "stored"; "duplicate", stored before; or "refused", will never be stored.
        error: why it was refused.
    """

    event_id: str
    status: Literal["stored", "duplicate", "refused"]
    error: str = ""


class TooLarge(Exception):
    """The batch is more than the server takes at once."""


class Refused(NetworkError):
    """The server answers, and its answer is no."""


class Unknown(Refused):
    """The server does not know this device's token."""


class _Passing(NetworkError):
    """A request that may go better in a while."""

    def __init__(self, message: str, wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


@dataclass
class Server:
    """The server, as one device sees it.

    Attributes:
        line: sends and counts.
        token: of this device; empty before it is enrolled.
        sleep: waits so many seconds.
    """

    line: Metered
    token: str = ""
    sleep: Callable[[float], None] = field(default=time.sleep)

    def enrol(self, code: str, device_id: str) -> str:
        """Exchange a one-time code for a token.

        Raises:
            NetworkError: the server cannot be reached.
            InputError: it does not take the code.
        """
        body = json.dumps({"code": code, "device_id": device_id}).encode()
        try:
            return self._persistently(lambda: self._enrol(body))
        except TooLarge as e:
            raise InputError(f"{self.line.address}: {e}") from e
        except Refused as e:
            raise InputError(f"{e}: ask whoever runs the server for a new code") from e

    def push(self, body: bytes) -> list[Result]:
        """Send a packed batch.

        Returns:
            What became of its events, in whatever order.

        Raises:
            NetworkError: it cannot be said what became of them: they must be sent again.
            TooLarge: they must be sent in smaller batches.
            LimitReached: no more bytes may go or come.
        """
        return self._persistently(lambda: self._push(body))

    def device(self) -> dict[str, Any]:
        """Return everything that the server has stored about this device.

        Raises:
            NetworkError: the server cannot be reached or does not know the device.
        """
        return self._persistently(lambda: self._ask("GET", DEVICE, (200,)))

    def forget(self) -> None:
        """Have everything deleted that the server has stored about this device, its token too.

        Raises:
            NetworkError: the server cannot be reached or does not know the device.
        """
        heard: list[bool] = []

        def once() -> None:
            try:
                self._ask("DELETE", DEVICE, (204, 200))
            except Unknown as e:
                if not heard:
                    raise Unknown(f"{self.line.address}: {LOCAL}") from e
            except _Passing:
                heard.append(True)  # the answer may have been lost after all was deleted: then the token is gone
                raise

        self._persistently(once)

    def _enrol(self, body: bytes) -> str:
        value = self._ask("POST", ENROL, (201, 200), body, {"Content-Type": "application/json"})
        token = value.get("token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
            raise Refused(f"{self.line.address}: its answer has no token: is it a server of this kit?")
        return token

    def _push(self, body: bytes) -> list[Result]:
        headers = {"Content-Type": "application/json", "Content-Encoding": ENCODING}
        value = self._ask("POST", EVENTS, (200,), body, headers)
        try:
            return [_result(one) for one in Fields(value, self.line.address).parts("results")]
        except InputError as e:
            raise Refused(f"{e}: is it a server of this kit?") from e

    def _ask(
        self, method: str, path: str, good: tuple[int, ...], body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        status, headers, data = self._answered(method, path, body, headers or {})
        if status in good:
            return self._value(data)
        try:
            said = str(self._value(data).get("error") or f"status {status}")[:200]
        except NetworkError:
            said = f"status {status}"
        raise self._refusal(status, headers, printable(said))

    def _answered(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body of an answer that comes whole and is none of a captive portal."""
        allowed = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = bytearray()
        try:
            with self.line.send(method, path, body, {**headers, **allowed}) as answer:
                for block in answer.blocks:
                    data += block
                    if len(data) > MAX_ANSWER_BYTES:
                        raise Refused(f"{self.line.address}: its answer does not end")
        except Refused:
            raise
        except NetworkError as e:
            raise _Passing(str(e)) from e
        if 300 <= answer.status < 400 or (answer.status < 300 and answer.is_page):
            raise Refused(f"{self.line.address}: {CAPTIVE}")
        return answer.status, answer.headers, bytes(data)

    def _value(self, data: bytes) -> dict[str, Any]:
        try:
            value = json.loads(data or b"{}")
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise Refused(f"{self.line.address}: its answer is no JSON object: is it a server of this kit?")
        return value

    def _refusal(self, status: int, headers: Mapping[str, str], said: str) -> Exception:
        address = self.line.address
        if status == 413:
            return TooLarge(said)
        if status == 429 or status >= 500:
            return _Passing(f"{address}: {said}", retry_after_s(headers))
        if status == 401:
            return Unknown(f"{address}: does not know this device's token any more: `edge enrol` with a new code")
        if status in (404, 405):
            return Refused(f"{address}: takes no events there ({said}): check the address")
        return Refused(f"{address}: {said}")

    def _persistently(self, ask: Callable[[], T]) -> T:
        for failures in range(ATTEMPTS):
            try:
                return ask()
            except _Passing as e:
                if e.wait_s > LONGEST_WAIT_S:
                    raise NetworkError(f"{e}: it asks to be left alone for {e.wait_s:.0f} s") from e
                if failures == ATTEMPTS - 1:
                    raise
                self.sleep(e.wait_s + pause_s(failures))
        raise AssertionError("the last attempt returns or raises")


def retry_after_s(headers: Mapping[str, str]) -> float:
    """Return how long a server asks to wait: seconds, or a date that is held against the server's own clock."""
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - parsedate_to_datetime(headers["date"])).total_seconds())
    except (KeyError, TypeError, ValueError):
        return 0.0


def _result(fields: Fields) -> Result:
    status = cast("Literal['stored', 'duplicate', 'refused']", fields.one_of("status", STATUSES))
    return Result(fields.text("event_id"), status, (fields.optional_text("error") or "")[:300])
