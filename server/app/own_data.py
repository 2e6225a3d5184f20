"""GET and DELETE /api/v1/device: what is stored about the asking device, and its end."""

from __future__ import annotations

import base64
from typing import Any

from flask import Blueprint, Response, jsonify

from edge.events import SCHEMA
from server.app.access import asking_device
from server.app.service import service
from server.database.enrolment import forget
from server.database.event_store import events_of

blueprint = Blueprint("own_data", __name__)


@blueprint.get("/api/v1/device")
def show() -> Response:
    """Return everything that is stored about the device."""
    device = asking_device()
    events = [_plain(event) for event in events_of(service().engine, device)]
    answer = jsonify(
        schema=SCHEMA, device_id=device.device_id, name=device.name, enrolled_s=device.enrolled_s, events=events
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.delete("/api/v1/device")
def remove() -> Response:
    """Remove the device, its token and its events."""
    forget(service().engine, asking_device())
    return Response(status=204, mimetype="application/json")


def _plain(event: dict[str, Any]) -> dict[str, Any]:
    vector = event["embedding"]
    return {"schema": SCHEMA, **event, "embedding": None if vector is None else base64.b64encode(vector).decode()}
