"""What leaves a device is what docs/privacy.md lists, and nothing else."""

from __future__ import annotations

import json
import re
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import zstandard

from edge.events import FIELDS, Event, event_document, read_event
from edge.outbox import push
from edge.outbox.deciding import Decision, decide
from edge.outbox.enrolment import Enrolment, write_enrolment
from edge.outbox.push import push_from
from edge.outbox.server import Server
from edge.sync.transport import HttpTransport, Metered
from tests.conftest import REPOSITORY
from tests.outbox.device import DEVICE_ID, NOW_S, TITLES, accept, device, line_to, reject, server
from tests.outbox.server import EventServer, listening

TABLE = "## Fields of an event"
HEADERS = {
    "host",
    "accept-encoding",
    "content-length",
    "user-agent",
    "content-type",
    "content-encoding",
    "authorization",
}
SECRETS = (
    b"secret-place",
    b"clip-of-me",
    b"c" * 64,
    b"start_s",
    b"xyxy",
    *(title.encode() for title in TITLES.values()),
)


def listed(document: str, heading: str) -> set[str]:
    """Return the fields of a document's first table below a heading."""
    text = (REPOSITORY / document).read_text().split(heading, 1)[1]
    rows = re.search(r"^\|---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert rows is not None
    return {name for row in rows[1].splitlines() for name in re.findall(r"`([a-z_0-9]+)`", row.split("|")[1])}


def everything_decided(home: Path) -> None:
    accept(home, 0, share=True)
    reject(home, 1)
    decide(home, Decision("corrected", "rye-500g"), [f"{2:016x}"], NOW_S)


@pytest.mark.parametrize(
    ("document", "heading"),
    [("docs/privacy.md", TABLE), ("docs/formats/event.md", "# Event")],
    ids=["privacy", "format"],
)
def test_the_documents_list_every_field_and_no_other(document: str, heading: str) -> None:
    assert listed(document, heading) == set(FIELDS)


def require_listed(bodies: list[bytes]) -> None:
    """Fail unless packed batches hold the listed fields, all of them and no others, and nothing that is secret."""
    for packed in bodies:
        body = zstandard.ZstdDecompressor().decompress(packed)
        batch = json.loads(body)
        assert set(batch) == {"schema", "device_id", "events"} and batch["events"]
        assert {frozenset(event) for event in batch["events"]} == {frozenset(listed("docs/privacy.md", TABLE))}
        assert not any(secret in body for secret in SECRETS)


def test_a_field_more_in_the_code_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, events = device(tmp_path), server()
    everything_decided(home)
    monkeypatch.setattr(push, "event_document", lambda event: {**event_document(event), "gps": [1, 2]})
    push_from(home, line_to(events))
    with pytest.raises(AssertionError, match="gps"):
        require_listed(events.bodies)


def test_what_goes_over_the_line_has_the_listed_fields_and_headers_only(tmp_path: Path, monkeypatch: Any) -> None:
    headers: list[set[str]] = []
    parse = BaseHTTPRequestHandler.parse_request

    def noting(handler: BaseHTTPRequestHandler) -> bool:
        good = parse(handler)
        headers.append({name.lower() for name in handler.headers})
        return good

    monkeypatch.setattr(BaseHTTPRequestHandler, "parse_request", noting)
    home, events = device(tmp_path), server()
    everything_decided(home)
    with listening(events) as address:
        write_enrolment(home, Enrolment(address, DEVICE_ID, "token"))
        push_from(home, Metered(HttpTransport(address)))
    require_listed(events.bodies)
    assert len(events.stored) == 3
    assert headers and set().union(*headers) <= HEADERS


def test_a_vector_leaves_only_with_the_decision_that_shares_it(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    everything_decided(home)
    push_from(home, line_to(events))
    assert [event["embedding"] is not None for event in events.stored.values()] == [True, False, False]


def test_an_enrolment_sends_code_and_device_id_only() -> None:
    said: list[bytes] = []

    class Noting(EventServer):
        def answer(self, method: str, path: str, headers: Any, body: bytes) -> Any:
            said.append(body)
            return super().answer(method, path, headers, body)

    with listening(Noting()) as address:
        Server(Metered(HttpTransport(address))).enrol("GOOD-CODE", DEVICE_ID)
    assert [set(json.loads(body)) for body in said] == [{"code", "device_id"}]


def test_an_event_with_another_field_is_refused() -> None:
    event = Event("0" * 32, "accepted", 1.0, "a" * 16, "x", 1, "b" * 64, "s", "p", None, 0.5, 0.1, "match")
    assert read_event(event_document(event)) == event
    with pytest.raises(Exception, match="'path' is no field of an event"):
        read_event({**event_document(event), "path": "clip.mp4"})
