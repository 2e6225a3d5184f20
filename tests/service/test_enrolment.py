"""Who gets in: one-time codes, tokens, revocation, and guessing that leads nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from edge.errors import InputError, UsageError
from server.app.factory import create_app
from server.app.service import EXTENSION
from server.app.settings import Limits, ServiceSettings
from server.database.enrolment import list_devices, new_code, revoke, sha256_of
from server.database.limiting import Limit
from server.database.tables import attempts, codes, devices
from server.database.upgrading import upgrade
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter, an_event, hexadecimal

ID = hexadecimal("device", 32)


def test_without_a_device_nobody_is_let_in(counter: Counter) -> None:
    assert list_devices(counter.engine) == []
    assert counter.client.post("/api/v1/events").status_code == 401
    for header in ("", "Bearer", "Bearer ", "Bearer x", "Basic eDp4", "bearer " + "x" * 999):
        answer = counter.client.get("/api/v1/device", headers={"Authorization": header})
        assert answer.status_code == 401 and list(answer.json) == ["error"]
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_code_lets_one_device_in_once(counter: Counter, clock: Clock) -> None:
    code = new_code(counter.engine, "till 1", clock()).text
    answer = counter.enrol(code.lower().replace("-", " "), ID)
    assert answer.status_code == 201 and answer.headers["Cache-Control"] == "no-store"
    token = answer.json["token"]
    assert counter.client.get("/api/v1/device", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    again = counter.enrol(code, hexadecimal("other", 32))
    assert again.status_code == 403 and "used already" in again.json["error"]


def test_refuses_an_unknown_and_an_expired_code(counter: Counter, clock: Clock) -> None:
    code = new_code(counter.engine, "till 1", clock(), hours=1).text
    clock.now_s += 3601
    expired = counter.enrol(code, ID)
    assert expired.status_code == 403 and "expired" in expired.json["error"]
    unknown = counter.enrol("0000-0000-0000-0000", ID)
    assert unknown.status_code == 403 and "unknown" in unknown.json["error"]
    assert list_devices(counter.engine) == []


@pytest.mark.parametrize(
    "body",
    [
        *(None, [], {}, {"code": "x"}, {"code": 1, "device_id": ID}, {"code": "", "device_id": ID}),
        *({"code": "x", "device_id": ID.upper()}, {"code": "x", "device_id": ID, "more": 1}),
        {"code": "x" * 65, "device_id": ID},
    ],
)
def test_refuses_a_body_that_is_no_enrolment(counter: Counter, body: object) -> None:
    answer = counter.client.post("/api/v1/enrol", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 400 and list(answer.json) == ["error"]


def test_no_code_and_no_token_lies_in_the_database(counter: Counter, clock: Clock) -> None:
    code = new_code(counter.engine, "till 1", clock()).text
    token = counter.enrol(code, ID).json["token"]
    with counter.engine.connect() as connection:
        kept = repr([connection.execute(select(table)).all() for table in (codes, devices, attempts)])
    assert token not in kept and code not in kept and code.replace("-", "") not in kept and "127.0.0.1" not in kept
    assert sha256_of(token) in kept


def test_a_device_that_lost_its_token_gets_a_new_one_for_its_name_only(counter: Counter, clock: Clock) -> None:
    till = counter.device("till 1")
    till.results([an_event()])
    stranger = counter.enrol(new_code(counter.engine, "till 2", clock()).text, till.device_id)
    assert stranger.status_code == 403 and "another name" in stranger.json["error"]
    assert till.results([an_event()]) == ["duplicate"]
    code = new_code(counter.engine, "till 1", clock()).text
    token = counter.enrol(code, till.device_id).json["token"]
    assert till.send([]).status_code == 401
    till.token = token
    assert till.results([an_event(), an_event(1)]) == ["duplicate", "stored"]


def test_a_code_that_was_refused_for_another_name_is_not_used_up(counter: Counter, clock: Clock) -> None:
    till = counter.device("till 1")
    code = new_code(counter.engine, "till 2", clock()).text
    assert counter.enrol(code, till.device_id).status_code == 403
    assert counter.enrol(code, ID).status_code == 201


def test_a_revoked_token_counts_no_more_and_the_events_stay(counter: Counter, clock: Clock) -> None:
    till, other = counter.device("till 1"), counter.device("till 2")
    till.results([an_event()])
    assert revoke(counter.engine, "till 1", clock()) == [till.device_id]
    answer = till.send([an_event(1)])
    assert answer.status_code == 401 and "revoked" in answer.json["error"]
    assert other.send([]).status_code == 200
    assert len(counter.rows()) == 1
    assert [device.revoked_s for device in list_devices(counter.engine)] == [clock(), None]


def test_revoking_takes_unused_codes_too(counter: Counter, clock: Clock) -> None:
    code = new_code(counter.engine, "till 1", clock()).text
    assert revoke(counter.engine, "till 1", clock()) == []
    assert counter.enrol(code, ID).status_code == 403
    with pytest.raises(InputError, match="no device"):
        revoke(counter.engine, "till 9", clock())


@pytest.mark.parametrize(
    ("name", "hours"), [("", 1), ("x" * 81, 1), ("a\nb", 1), ("x", 0), ("x", 1e9), ("x", float("nan"))]
)
def test_refuses_a_code_for_a_nameless_device_or_for_ever(counter: Counter, name: str, hours: float) -> None:
    with pytest.raises(UsageError):
        new_code(counter.engine, name, 0, hours)


def test_guessing_codes_is_stopped_and_goes_on_after_a_while(counter: Counter, clock: Clock) -> None:
    clock.now_s = clock.now_s // 600 * 600
    tried = [counter.enrol(f"{number:016}", ID) for number in range(12)]
    assert [answer.status_code for answer in tried] == [403] * 10 + [429] * 2
    assert tried[-1].headers["Retry-After"] == "600"
    code = new_code(counter.engine, "till 1", clock()).text
    assert counter.enrol(code, ID).status_code == 429
    clock.now_s += 600
    assert counter.enrol(code, ID).status_code == 201
    with counter.engine.connect() as connection:
        assert len(connection.execute(select(attempts)).all()) == 1


def test_many_devices_behind_one_address_may_enrol(counter: Counter) -> None:
    for number in range(15):
        counter.device(f"till {number}")


def test_guessing_tokens_is_stopped_and_a_good_one_still_counts(counter: Counter) -> None:
    till = counter.device()
    tried = {
        counter.client.get("/api/v1/device", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(101)
    }
    assert tried == {401, 429}
    assert till.send([]).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "said", "statuses"),
    [
        (0, ["192.0.2.1", "192.0.2.2"], [403, 429]),  # without a proxy nobody may choose an address
        (1, ["192.0.2.1", "192.0.2.2"], [403, 403]),
        (1, ["192.0.2.1", "192.0.2.1"], [403, 429]),
        (1, ["203.0.113.9, 192.0.2.1", "203.0.113.8, 192.0.2.1"], [403, 429]),
        (1, ["2001:db8::1", "2001:db8::2:3"], [403, 429]),
        (1, ["2001:db8::1", "2001:db8:0:1::1"], [403, 403]),
    ],
)
def test_limits_go_by_the_address_that_a_known_proxy_reports(
    shop: Shop, tmp_path: Path, proxies: int, said: list[str], statuses: list[int]
) -> None:
    limits = Limits(enrolments=Limit("enrol", 1, 600))
    address = f"sqlite:///{tmp_path / 'server.sqlite3'}"
    app = create_app(ServiceSettings(shop.repository, address, proxies, limits), Clock())
    upgrade(app.extensions[EXTENSION].engine)
    body = {"code": "x", "device_id": ID}
    answers = [
        app.test_client().post("/api/v1/enrol", json=body, headers={"X-Forwarded-For": address}) for address in said
    ]
    assert [answer.status_code for answer in answers] == statuses
    app.extensions[EXTENSION].engine.dispose()
