"""The operator in a test: a client that logs in as a browser would, and a fleet that decided something."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.database.operator import set_password
from tests.service.fleet import Counter, Till, an_event

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what has no statement of its own: once is enough."""
PASSWORD = "seven blue umbrellas"


@dataclass
class Visit:
    """A browser of the operator without scripts, styles and pictures.

    Attributes:
        counter: the service.
        client: keeps cookies.
    """

    counter: Counter
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.counter.client.application.test_client()

    def token(self, path: str = "/admin/login") -> str:
        """Return the token of the first form of a page."""
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.client.get(path).text)
        assert found is not None
        return found[1]

    def log_in(self, password: str = PASSWORD, **options: Any) -> TestResponse:
        """Fill the form in and send it."""
        form = {"form_token": self.token(), "password": password}
        return self.client.post("/admin/login", data=form, **options)

    def log_out(self) -> TestResponse:
        """Press the button."""
        return self.client.post("/admin/logout", data={"form_token": self.token("/admin")})

    def text(self, path: str, status: int = 200, **query: Any) -> str:
        """Return what a page says, its tags left out."""
        answer = self.client.get(path, query_string=query)
        assert answer.status_code == status, answer.text
        return spoken(answer.text)


def spoken(page: str) -> str:
    """Return the text of a page, with single blanks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def operator_of(counter: Counter) -> Visit:
    """Set the password and log in."""
    set_password(counter.engine, PASSWORD, 0.0)
    visit = Visit(counter)
    assert visit.log_in().status_code == 303
    return visit


def decide(till: Till, word: str, count: int, **changes: Any) -> None:
    """Let a device send decisions."""
    events = [an_event(f"{till.device_id} {word} {number}", **changes) for number in range(count)]
    assert till.results(events) == ["stored"] * count
