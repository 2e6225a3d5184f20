"""POST /api/v1/enrol: a one-time code for a token."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify

from server.app.access import allow, forgive, network
from server.app.bodies import json_body
from server.app.metrics import ENROLMENTS
from server.app.problems import Problem
from server.app.service import service
from server.database.enrolment import EnrolmentRefused, enrol

DEVICE_ID = re.compile(r"[0-9a-f]{32}")
LONGEST_CODE = 64

blueprint = Blueprint("enrolling", __name__)


@blueprint.post("/api/v1/enrol")
def enrol_device() -> tuple[Response, int]:
    """Take a code and answer with a token, which is shown this once."""
    here = service()
    allow(here.settings.limits.enrolments, network())
    code, device_id = _asked(json_body())
    try:
        token = enrol(here.engine, code, device_id, here.now_s())
    except EnrolmentRefused as e:
        ENROLMENTS.labels("refused").inc()
        raise Problem(403, str(e)) from e
    forgive(here.settings.limits.enrolments, network())
    ENROLMENTS.labels("enrolled").inc()
    answer = jsonify(token=token)
    answer.headers["Cache-Control"] = "no-store"
    return answer, 201


def _asked(value: Any) -> tuple[str, str]:
    if not isinstance(value, dict) or value.keys() != {"code", "device_id"}:
        raise Problem(400, "the body must be an object with code and device_id, and nothing else")
    code, device_id = value["code"], value["device_id"]
    if not isinstance(code, str) or not 1 <= len(code) <= LONGEST_CODE:
        raise Problem(400, f"code: expected a text of 1 to {LONGEST_CODE} letters")
    if not isinstance(device_id, str) or not DEVICE_ID.fullmatch(device_id):
        raise Problem(400, "device_id: expected 32 lower-case hexadecimal digits")
    return code, device_id
