"""GET /healthz: whether what is served stays valid, and whether the database answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify
from sqlalchemy import select

from edge.errors import TagletError
from server.app.service import Service, service
from server.database.connection import AWAY
from server.database.tables import devices
from server.health import Colour, RoleHealth, health_of
from server.metadata import read_served

blueprint = Blueprint("health", __name__)


@dataclass(frozen=True)
class State:
    """How the service stands.

    Attributes:
        status: the worst of what is served and of the database.
        database: whether it answers.
        roles: of the metadata that is served; empty where it cannot be read.
        to_do: sentences for the operator.
    """

    status: Colour
    database: bool
    roles: Sequence[RoleHealth]
    to_do: Sequence[str]

    def document(self) -> dict[str, Any]:
        """Return plain JSON values."""
        roles = [
            {"role": r.role, "life_left": round(r.life_left, 4), "expires": r.expires.isoformat()} for r in self.roles
        ]
        return {"status": self.status, "database": self.database, "metadata": roles, "to_do": list(self.to_do)}


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Answer 503 where someone must come."""
    state = state_of(service())
    answer = jsonify(state.document())
    answer.headers["Cache-Control"] = "no-store"
    return answer, 503 if state.status == "red" else 200


def state_of(here: Service) -> State:
    """Return how a service stands."""
    database = _answers(here)
    problems = [] if database else ["the database does not answer: see the log"]
    now = datetime.fromtimestamp(here.now_s(), UTC)
    repository = here.settings.repository
    try:
        health = health_of(read_served(repository.public), repository.settings, now)
    except (TagletError, OSError):
        return State("red", database, (), [*problems, "what is published cannot be read: run `status`"])
    colour: Colour = health.colour if database else "red"
    return State(colour, database, tuple(health.roles.values()), [*problems, *health.sentences])


def _answers(here: Service) -> bool:
    try:
        with here.engine.connect() as connection:
            connection.execute(select(devices.c.id).limit(1))
    except AWAY:
        return False
    return True
