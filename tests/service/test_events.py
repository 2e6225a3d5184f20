"""Batches of events: stored once, refused one by one with a reason, marked where something is odd."""

from __future__ import annotations

import base64
import json
import sqlite3
from typing import Any

import pytest

from server.app.settings import Limits
from server.database.limiting import Limit
from tests.server.shop import NOW, Shop
from tests.service.fleet import PACKERS, Clock, Counter, an_event, hexadecimal


def test_an_empty_batch_is_answered(counter: Counter) -> None:
    assert counter.device().results([]) == []
    assert counter.rows() == []


@pytest.mark.parametrize("packing", PACKERS)
def test_an_event_is_stored_as_it_was_sent(counter: Counter, packing: str) -> None:
    sent = an_event(kind="corrected", corrected_to="p002", embedding=bytes(range(256)), product_id="Käse ' \" 🧀")
    answer = counter.device().send([sent], packing)
    assert answer.json == {"results": [{"event_id": sent["event_id"], "status": "stored", "error": None}]}
    row = counter.rows()[0]._mapping
    assert row["embedding"] == bytes(range(256))
    assert {name: row[name] for name in sent if name not in ("schema", "embedding")} == {
        name: value for name, value in sent.items() if name not in ("schema", "embedding")
    }


def test_replayed_duplicated_and_reordered_batches_store_each_event_once(counter: Counter) -> None:
    till = counter.device()
    sent = [an_event(number) for number in range(20)]
    assert till.results(sent[:10]) == ["stored"] * 10
    assert till.results(sent[:10]) == ["duplicate"] * 10
    assert till.results(sent[::-1]) == ["stored"] * 10 + ["duplicate"] * 10
    assert till.results([*sent[:2], *sent[:2], an_event(20), an_event(20)])[4:] == ["stored", "duplicate"]
    assert sorted(row.event_id for row in counter.rows()) == sorted(an_event(n)["event_id"] for n in range(21))


def test_two_devices_may_have_an_event_id_in_common(counter: Counter) -> None:
    assert counter.device("a").results([an_event()]) == counter.device("b").results([an_event()]) == ["stored"]


def test_a_full_batch_is_stored_and_a_larger_one_refused(counter: Counter) -> None:
    till = counter.device()
    vector = bytes(512)
    sent = [an_event(number, embedding=vector) for number in range(501)]
    answer = till.send(sent)
    assert answer.status_code == 413 and "at most 500" in answer.json["error"] and counter.rows() == []
    assert till.results(sent[:500]) == ["stored"] * 500


BAD: list[tuple[Any, str]] = [
    (None, "an object"),
    ([], "an object"),
    ("x", "an object"),
    ({}, "schema"),
    ({**an_event(), "schema": 2}, "schema 2"),
    ({**an_event(), "schema": True}, "schema"),
    ({**an_event(), "note": "x"}, "note"),
    ({k: v for k, v in an_event().items() if k != "margin"}, "margin"),
    ({**an_event(), "event_id": "x"}, "event_id"),
    ({**an_event(), "event_id": ["x"]}, "event_id"),
    ({**an_event(), "product_id": "a\0b"}, "product_id"),
    ({**an_event(), "product_id": "\ud800"}, "product_id"),
    ({**an_event(), "product_id": {"$ne": 1}}, "product_id"),
    ({**an_event(), "made_at_s": -1}, "made_at_s"),
    ({**an_event(), "made_at_s": 1e308}, "made_at_s"),
    ({**an_event(), "catalog_version": 2**63}, "catalog_version"),
    ({**an_event(), "catalog_version": 10**400}, "catalog_version"),
    ({**an_event(), "similarity": 7}, "similarity"),
    ({**an_event(), "kind": "stolen"}, "kind"),
    ({**an_event(), "embedding": "no base64!"}, "embedding"),
    ({**an_event(), "corrected_to": "p002"}, "corrected_to"),
]


def test_one_bad_event_does_not_stop_the_others(counter: Counter) -> None:
    till = counter.device()
    for number, (bad, said) in enumerate(BAD):
        answer = till.send([an_event(f"a{number}"), bad, an_event(f"b{number}")])
        assert answer.status_code == 200, answer.text
        results = answer.json["results"]
        assert [result["status"] for result in results] == ["stored", "refused", "stored"], said
        assert said in results[1]["error"] and "\n" not in results[1]["error"]
    assert len(counter.rows()) == 2 * len(BAD)


DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("made_at_s", "expected"),
    [(-60.0, "ok"), (3_500.0, "ok"), (-29 * DAY_S, "ok"), (-31 * DAY_S, "late"), (3_700.0, "future"), (9e9, "future")],
)
def test_late_and_future_events_are_kept_and_marked(counter: Counter, made_at_s: float, expected: str) -> None:
    assert counter.device().results([an_event(made_at_s=NOW.timestamp() + made_at_s)]) == ["stored"]
    assert counter.rows()[0].clock == expected


def test_events_of_a_clock_that_was_never_set_are_kept_and_marked(counter: Counter) -> None:
    assert counter.device().results([an_event(made_at_s=0), an_event(1, made_at_s=1e9)]) == ["stored"] * 2
    assert [row.clock for row in counter.rows()] == ["past", "past"]


def test_products_and_catalogues_that_are_not_published_are_kept_and_marked(counter: Counter, shop: Shop) -> None:
    till = counter.device()
    sent = [an_event(0), an_event(1, product_id="gone"), an_event(2, catalog="elsewhere")]
    sent.append(an_event(3, kind="corrected", corrected_to="gone"))
    assert till.results([*sent, an_event(4, product_id="new2")]) == ["stored"] * 5
    assert [row.product_listed for row in counter.rows()] == [True, False, None, False, False]
    shop.publish(2)
    till.results([an_event(5, product_id="new2")])
    assert counter.rows()[-1].product_listed is True


def test_a_repository_that_cannot_be_read_stops_no_event(counter: Counter, shop: Shop) -> None:
    (shop.public / "metadata/timestamp.json").write_text("{")
    assert counter.device().results([an_event()]) == ["stored"]
    assert counter.rows()[0].product_listed is None


INJECTIONS = ("'; DROP TABLE events; --", '" OR ""="', "1); DELETE FROM devices; --", "%s %(x)s {0} :name ?", "\\'; --")


def test_strings_of_sql_are_kept_as_strings(counter: Counter) -> None:
    till = counter.device("Robert'); DROP TABLE devices;--")
    assert till.results([an_event(n, product_id=text) for n, text in enumerate(INJECTIONS)]) == ["stored"] * 5
    assert tuple(row.product_id for row in counter.rows()) == INJECTIONS
    for text in INJECTIONS:
        assert counter.enrol(text, hexadecimal("x", 32)).status_code == 403
        headers = {"Authorization": f"Bearer {text}"}
        assert counter.client.get("/api/v1/device", headers=headers).status_code == 401
    assert till.send([]).status_code == 200


def test_a_token_of_another_device_is_refused(counter: Counter) -> None:
    mine, other = counter.device("a"), counter.device("b")
    mine.token = other.token
    answer = mine.send([an_event()])
    assert answer.status_code == 403 and "another device" in answer.json["error"]
    assert counter.rows() == []


NO_BATCHES: list[Any] = [None, [], {}, {"schema": 1}, {"schema": 1, "device_id": 1, "events": []}]
NO_BATCHES += [{"schema": schema, "device_id": "", "events": []} for schema in (2, True, "1", None)]
NO_BATCHES += [{"schema": 1, "device_id": "", "events": {}}, {"schema": 1, "device_id": "", "events": [], "more": 1}]


def test_refuses_a_body_that_is_no_batch(counter: Counter) -> None:
    till = counter.device()
    for batch in NO_BATCHES:
        answer = till.post(json.dumps(batch).encode())
        assert answer.status_code == 400 and list(answer.json) == ["error"], batch


def test_a_device_that_sends_too_often_is_told_to_wait(shop: Shop, database: str, clock: Clock) -> None:
    counter = Counter.open(shop, database, clock, Limits(batches=Limit("batch", 3, 60)))
    till, other = counter.device("a"), counter.device("b")
    assert [till.send([an_event(n)]).status_code for n in range(4)] == [200, 200, 200, 429]
    assert int(till.send([]).headers["Retry-After"]) in range(1, 61)
    assert other.send([]).status_code == 200
    counter.close()


def test_a_device_sees_everything_that_is_stored_of_it_and_has_it_removed(counter: Counter) -> None:
    mine, other = counter.device("a"), counter.device("b")
    sent = an_event(embedding=b"\x01\xff")
    mine.results([sent])
    other.results([an_event()])
    told = counter.client.get("/api/v1/device", headers=mine.headers).json
    assert (told["device_id"], told["name"]) == (mine.device_id, "a")
    assert {k: v for k, v in told["events"][0].items() if k in sent} == sent
    assert base64.b64decode(told["events"][0]["embedding"]) == b"\x01\xff"
    gone = counter.client.delete("/api/v1/device", headers=mine.headers)
    assert (gone.status_code, gone.data, gone.mimetype) == (204, b"", "application/json")  # a device refuses web pages
    assert counter.client.get("/api/v1/device", headers=mine.headers).status_code == 401
    assert len(counter.rows()) == 1 and other.results([an_event()]) == ["duplicate"]


def test_sqlite_keeps_what_was_acknowledged_through_a_power_cut(counter: Counter) -> None:
    if counter.engine.dialect.name != "sqlite":
        return
    with counter.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    assert sqlite3.sqlite_version_info >= (3, 35)
