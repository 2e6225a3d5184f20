"""GET and DELETE /api/v1/device: what is stored about the asking device, and its end."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from edge.events import SCHEMA
from server.app.access import asking_device
from server.app.service import service
from server.database.enrolment import forget
from server.database.event_store import events_of
from server.database.refusals import KEPT, Refusal, list_refusals

blueprint = Blueprint("own_data", __name__)


@blueprint.get("/api/v1/device")
def show() -> Response:
    """Return everything that is stored about the device."""
    device = asking_device()
    events = [_plain(event) for event in events_of(service().engine, device)]
    about = {"device_id": device.device_id, "name": device.name, "enrolled_s": device.enrolled_s}
    refused = [_reason(refusal) for refusal in list_refusals(service().engine, KEPT, device=device)]
    answer = jsonify(schema=SCHEMA, **about, events=events, refused=refused)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.delete("/api/v1/device")
def remove() -> Response:
    """Remove the device, its token and its events."""
    forget(service().engine, asking_device())
    return Response(status=204, mimetype="application/json")


def _reason(refusal: Refusal) -> dict[str, Any]:
    return {name: value for name, value in asdict(refusal).items() if name != "device"}


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    vector = event["embedding"]
    return {"schema": SCHEMA, **event, "embedding": None if vector is None else base64.b64encode(vector).decode()}
