"""POST /api/v1/events: a batch of events, each stored once or refused with a reason, whoever sends it how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flask import Blueprint, Response, jsonify

from edge.errors import InputError
from edge.events import MAX_BATCH, SCHEMA, Event, read_event
from server.app.access import GONE, allow, asking_device
from server.app.bodies import json_body
from server.app.metrics import EVENTS
from server.app.problems import Problem
from server.app.service import service
from server.database.enrolment import Device
from server.database.event_store import Arrival, DeviceGone, store_events
from server.database.refusals import note_refusals

LONGEST_REASON = 300

blueprint = Blueprint("receiving", __name__)


@dataclass(frozen=True)
class Result:
    """What became of one event.

    Attributes:
        event_id: as it was sent; None where it was no text.
        status: "refused" will never be stored.
        error: why it was refused.
    """

    event_id: str | None
    status: Literal["stored", "duplicate", "refused"]
    error: str | None = None


@blueprint.post("/api/v1/events")
def receive_events() -> Response:
    """Store what can be stored, in one transaction, and say of each event what became of it."""
    device = asking_device()
    allow(service().settings.limits.batches, device.device_id)
    sent = [_read(value) for value in _batch(json_body(), device)]
    try:
        results = _stored(device, sent)
    except DeviceGone as e:
        raise Problem(401, GONE) from e
    note_refusals(service().engine, device, [result.error for result in results if result.error], service().now_s())
    for result in results:
        EVENTS.labels(result.status).inc()
    return jsonify(results=results)


def _batch(value: Any, device: Device) -> list[Any]:
    if not isinstance(value, dict) or value.keys() != {"schema", "device_id", "events"}:
        raise Problem(400, "the body must be an object with schema, device_id and events, and nothing else")
    if value["schema"] != SCHEMA or isinstance(value["schema"], bool):
        raise Problem(400, f"a batch of schema {str(value['schema'])[:20]}: this server takes {SCHEMA}")
    if not isinstance(value["device_id"], str) or not isinstance(value["events"], list):
        raise Problem(400, "device_id must be a text and events a list")
    if value["device_id"] != device.device_id:
        raise Problem(403, "this token belongs to another device: enrol this one")
    if len(value["events"]) > MAX_BATCH:
        raise Problem(413, f"{len(value['events'])} events at once: send at most {MAX_BATCH}")
    events: list[Any] = value["events"]
    return events


def _read(value: Any) -> Event | Result:
    """Return an event, or why it is none."""
    try:
        return read_event(value)
    except InputError as e:
        named = value.get("event_id") if isinstance(value, dict) else None
        name = named[:64].encode("utf-8", "replace").decode() if isinstance(named, str) else None
        why = str(e).encode("utf-8", "replace").decode()
        return Result(name, "refused", why[:LONGEST_REASON])


def _stored(device: Device, sent: Sequence[Event | Result]) -> list[Result]:
    here = service()
    first: dict[str, Event] = {}
    for item in sent:
        if isinstance(item, Event):
            first.setdefault(item.event_id, item)
    arrivals = [Arrival(event, here.now_s(), _listed(event)) for event in first.values()]
    new = store_events(here.engine, device, arrivals)
    results = []
    for item in sent:
        if isinstance(item, Event):
            results.append(Result(item.event_id, "stored" if item.event_id in new else "duplicate"))
            new.discard(item.event_id)
        else:
            results.append(item)
    return results


def _listed(event: Event) -> bool | None:
    named = [event.product_id] if event.corrected_to is None else [event.product_id, event.corrected_to]
    return service().listed.knows(event.catalog, *named)
