"""Health, counts, logs and the description of the API."""

from __future__ import annotations

import json
import logging
import re

import pytest
from flask import Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families

from edge.events import FIELDS
from server.app.factory import create_app
from server.app.logs import JsonLines
from server.app.settings import ServiceSettings
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter, an_event

DAY_S = 86_400.0


def description(counter: Counter) -> dict:  # type: ignore[type-arg]
    answer = counter.client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    return dict(answer.json)


@pytest.mark.parametrize(
    ("days", "status", "code"), [(0, "ok", 200), (4.3, "warn", 200), (5.3, "red", 503), (99, "red", 503)]
)
def test_health_is_red_below_a_quarter_of_the_life_left(
    counter: Counter, clock: Clock, days: float, status: str, code: int
) -> None:
    clock.now_s += days * DAY_S
    answer = counter.client.get("/healthz")
    assert (answer.status_code, answer.json["status"]) == (code, status)
    assert bool(answer.json["to_do"]) == (status != "ok")


def test_health_is_red_without_a_database_and_catalogues_are_still_served(shop: Shop) -> None:
    client = create_app(ServiceSettings(shop.repository, "sqlite:////nowhere/at/all")).test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json["database"]) == (503, False)
    assert client.get("/metadata/timestamp.json", buffered=True).status_code == 200
    assert "taglet_database_up 0.0" in client.get("/metrics").text


def test_health_is_red_where_nothing_can_be_read(counter: Counter, shop: Shop) -> None:
    (shop.public / "metadata/timestamp.json").unlink()
    assert counter.client.get("/healthz").status_code == 503
    assert counter.client.get("/metrics").status_code == 200
    assert counter.client.get("/metadata/timestamp.json").status_code == 404  # and not an error of the server


def count(counter: Counter, name: str, **labels: str) -> float:
    families = text_string_to_metric_families(counter.client.get("/metrics").text)
    return sum(s.value for f in families for s in f.samples if s.name == name and labels.items() <= s.labels.items())


def test_what_happens_is_counted_by_route_and_not_by_address(counter: Counter) -> None:
    till = counter.device()
    names = {"stored": "taglet_events_total", "refused": "taglet_events_total"}
    before = {result: count(counter, name, result=result) for result, name in names.items()}
    nowhere = count(counter, "taglet_requests_total", route="none", status="404")
    till.send([an_event(), an_event(1), None])
    counter.client.get("/a/secret/address")
    counter.client.open("/healthz", method="BREW")
    after = {result: count(counter, name, result=result) for result, name in names.items()}
    assert (after["stored"] - before["stored"], after["refused"] - before["refused"]) == (2, 1)
    assert count(counter, "taglet_requests_total", route="none", status="404") == nowhere + 1
    text = counter.client.get("/metrics").text
    assert "secret" not in text and till.device_id not in text and "BREW" not in text


def test_logs_are_json_lines_without_anything_personal(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("server.app")
    assert any(isinstance(handler.formatter, JsonLines) for handler in logger.handlers)
    logger.addHandler(caplog.handler)
    till = counter.device("a person's name")
    till.send([an_event(), {"secret": 1}])
    counter.enrol("ABCD-EFGH", till.device_id)
    counter.client.get("/api/v1/device?secret=1", headers=till.headers)
    logger.removeHandler(caplog.handler)
    lines = [JsonLines().format(record) for record in caplog.records]
    parsed = [json.loads(line) for line in lines]
    assert {line["event"] for line in parsed} == {"request"}
    assert set(parsed[-1]) == {"time", "level", "event", "method", "route", "status", "ms"}
    text = "".join(lines)
    for personal in ("127.0.0.1", till.token, till.device_id, "person", "secret", "ABCD", "p001"):
        assert personal not in text


def test_an_unexpected_error_shows_nothing_of_itself(
    counter: Counter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    till = counter.device()
    monkeypatch.setattr("server.app.receiving.store_events", lambda *a: 1 / 0)
    answer = till.send([an_event()])
    assert answer.status_code == 500 and list(answer.json) == ["error"]
    assert "ZeroDivision" not in answer.text


def app_of(counter: Counter) -> Flask:
    return counter.client.application


def test_the_description_is_valid_and_has_every_address(counter: Counter) -> None:
    document = description(counter)
    validate(document)
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app_of(counter).url_map.iter_rules()
        if not rule.rule.startswith("/admin") and not rule.endpoint.startswith("upload_page.")  # for a person, no API
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {(path, method) for path, operations in document["paths"].items() for method in operations}


def test_the_description_has_the_fields_of_the_event(counter: Counter) -> None:
    event = description(counter)["components"]["schemas"]["Event"]
    assert tuple(event["properties"]) == tuple(event["required"]) == FIELDS
    for sent in (an_event(), an_event(1, kind="corrected", corrected_to="x", embedding=b"abc")):
        OAS31Validator(event).validate(sent)
