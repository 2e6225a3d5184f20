"""GET /openapi.json: the API in the words of OpenAPI 3.1."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response

DESCRIPTION = Path(__file__).parent / "openapi.json"

blueprint = Blueprint("describing", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer with the description that lies beside this module."""
    return Response(DESCRIPTION.read_bytes(), mimetype="application/json")
