"""The server dies, the database goes, everyone asks at once: every event is in the database exactly once."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections import Counter as Count
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import urllib3
from sqlalchemy import event, select

from server.database import connection
from server.database.connection import open_engine
from server.database.enrolment import enrol, forget, list_devices, new_code
from server.database.tables import events
from server.database.upgrading import upgrade
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter, Till, an_event, hexadecimal
from tests.service.killed_server import POINTS
from tests.service.postgres import Cluster, administering
from tests.service.running import Running, running

ID = hexadecimal("device", 32)


def stored(database: str) -> list[str]:
    engine = open_engine(database)
    with engine.connect() as opened:
        found = list(opened.execute(select(events.c.event_id)).scalars())
    engine.dispose()
    return sorted(found)


def token_for(database: str) -> str:
    engine = open_engine(database)
    upgrade(engine)
    token = enrol(engine, new_code(engine, "till", time.time()).text, ID, time.time())
    engine.dispose()
    return token


@pytest.mark.parametrize("point", POINTS)
def test_a_server_that_is_killed_in_the_middle_of_a_batch_loses_and_doubles_nothing(
    shop: Shop, database: str, tmp_path: Path, point: str
) -> None:
    token, trace = token_for(database), tmp_path / "trace"
    sent = [an_event(number) for number in range(50)]
    killed = ("tests.service.killed_server", point, str(trace))
    quick = ("--workers", "1", "--refresh-hours", "0")
    with running(shop.repository.root, database, *quick, module=killed) as server:
        with pytest.raises(urllib3.exceptions.HTTPError):
            server.send(ID, token, sent)
        assert server.process.wait(30) == -signal.SIGKILL
    assert trace.read_text() == point
    assert len(stored(database)) == (50 if point == POINTS[2] else 0)
    with running(shop.repository.root, database, *quick) as server:
        assert set(server.send(ID, token, sent)) == {"duplicate" if point == POINTS[2] else "stored"}
        os.kill(server.process.pid, signal.SIGTERM)
        assert server.process.wait(30) == 0
    assert stored(database) == sorted(item["event_id"] for item in sent)


def test_many_at_once_store_each_event_once_and_a_code_lets_one_device_in(shop: Shop, database: str) -> None:
    token = token_for(database)
    engine = open_engine(database)
    code = new_code(engine, "raced", time.time()).text
    engine.dispose()
    sent = [an_event(number) for number in range(120)]
    batches = [sent[start:] + sent[:start] for start in range(0, 120, 15)]
    batches += [batch[::-1] for batch in batches]
    with running(shop.repository.root, database, "--refresh-hours", "0") as server, ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda batch: server.send(ID, token, batch), batches))
        answers = list(pool.map(lambda n: server.enrol(code, hexadecimal(n, 32)).status, range(8)))
        text = server.ask("GET", "/metrics").data.decode()
    assert Count(status for result in results for status in result) == {"stored": 120, "duplicate": 15 * 120}
    assert sorted(answers) == [201] + [403] * 7
    assert stored(database) == sorted(item["event_id"] for item in sent)
    assert 'taglet_events_total{result="stored"} 120.0' in text  # over both workers


@pytest.fixture
def till(shop: Shop, postgres: str) -> Till:
    return Counter.open(shop, postgres, Clock()).device()


def test_a_database_that_goes_and_comes_back_costs_nothing_but_time(till: Till, cluster: Cluster) -> None:
    assert till.results([an_event(0)]) == ["stored"]
    cluster.stop("immediate")
    try:
        for number in range(3):
            answer = till.send([an_event(number)])
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            assert "away" in answer.json["error"]
        assert till.counter.enrol("0000-0000-0000-0000", ID).status_code == 503
        assert till.counter.client.get("/api/v1/device", headers=till.headers).status_code == 503
        assert till.counter.client.get("/healthz").status_code == 503
        assert till.counter.client.get("/metadata/timestamp.json", buffered=True).status_code == 200
    finally:
        cluster.start()
    assert till.results([an_event(0), an_event(1), an_event(2)]) == ["duplicate", "stored", "stored"]
    assert till.counter.client.get("/healthz").status_code == 200
    till.counter.close()


def _cut(*_: Any) -> bytes:
    raise ConnectionResetError(104, "Connection reset by peer")


def test_a_connection_that_is_cut_during_an_answer_is_a_database_that_is_away(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgres)
    with engine.connect() as held, monkeypatch.context() as cut:
        cut.setattr("pg8000.core._read", _cut)
        with pytest.raises(connection.AWAY):
            held.execute(select(1))
    with engine.connect() as again:
        assert again.execute(select(1)).scalar() == 1
    engine.dispose()


def test_a_connection_that_is_cut_while_it_is_made_is_a_database_that_is_away(
    postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(postgres)
    with monkeypatch.context() as cut:
        cut.setattr("pg8000.core._read", _cut)
        with pytest.raises(connection.AWAY):
            engine.connect()
    with engine.connect() as again:
        assert again.execute(select(1)).scalar() == 1
    engine.dispose()


@pytest.mark.full
def test_a_database_that_is_away_for_half_a_minute_loses_and_doubles_nothing(
    shop: Shop, postgres: str, cluster: Cluster
) -> None:
    token = token_for(postgres)
    sent = [[an_event(f"{batch} {number}") for number in range(5)] for batch in range(60)]
    refused = 0

    def send_until_taken(server: Running, batch: list[Any]) -> int:
        body = {"schema": 1, "device_id": ID, "events": batch}
        for failures in range(200):
            answer = server.ask("POST", "/api/v1/events", token, json=body)
            if answer.status == 200:
                return failures
            assert answer.status == 503 and answer.headers["Retry-After"] == "5"
            time.sleep(0.5)
        raise AssertionError("the database never came back for this batch")

    with running(shop.repository.root, postgres, "--refresh-hours", "0") as server, ThreadPoolExecutor(4) as pool:
        first = [pool.submit(send_until_taken, server, batch) for batch in sent[:20]]
        cluster.stop("immediate")
        try:
            during = [pool.submit(send_until_taken, server, batch) for batch in sent[20:40]]
            time.sleep(30)
            assert server.ask("GET", "/metadata/timestamp.json").status == 200
            assert server.ask("GET", "/healthz").status == 503
        finally:
            cluster.start()
        refused = sum(future.result() for future in (*first, *during))
        for batch in sent[40:]:
            assert send_until_taken(server, batch) == 0
    assert refused > 20
    assert stored(postgres) == sorted(item["event_id"] for batch in sent for item in batch)


def test_a_service_that_was_killed_leaves_no_folder_once_another_has_started(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    database = f"sqlite:///{tmp_path / 'server.sqlite3'}"
    words = ("--workers", "1", "--refresh-hours", "0")

    def folders() -> set[Path]:
        found = set(temporary.glob("taglet-metrics-*"))
        for folder in found:
            os.utime(folder, (0, 0))
        return found

    with running(shop.repository.root, database, *words) as killed:
        os.killpg(killed.process.pid, signal.SIGKILL)
        killed.process.wait(30)
        left = folders()
        assert len(left) == 1
    with running(shop.repository.root, database, *words) as first:
        first.ask("GET", "/healthz")  # it has begun, so that it ends as it should
        alive = folders()
        assert len(alive) == 1 and not alive & left
        with running(shop.repository.root, database, *words) as second:
            second.ask("GET", "/healthz")
            assert len(folders()) == 2 and alive < folders()  # that of a service which lives is left alone
    assert folders() == set()


def test_connections_that_were_cut_are_opened_anew(till: Till, postgres: str) -> None:
    till.results([an_event()])
    with administering(postgres) as admin:
        admin.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert till.results([an_event()]) == ["duplicate"]
    till.counter.close()


def test_a_read_only_postgresql_loses_nothing(till: Till, postgres: str) -> None:
    with administering(postgres) as admin:
        name = admin.engine.url.database
        admin.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        till.counter.close()
        answer = till.send([an_event()])
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        admin.exec_driver_sql("SET default_transaction_read_only = off")
        admin.exec_driver_sql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    till.counter.close()
    assert till.results([an_event()]) == ["stored"]
    till.counter.close()


def test_a_read_only_sqlite_loses_nothing(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "server.sqlite3"
    counter = Counter.open(shop, f"sqlite:///{file}", Clock())
    till = counter.device()
    counter.close()
    till.counter = Counter.open(shop, f"sqlite:///file:{file}?mode=ro&uri=true", Clock())
    answer = till.send([an_event()])
    assert answer.status_code == 503 and "away" in answer.json["error"]
    till.counter = counter
    assert till.results([an_event()]) == ["stored"]
    counter.close()


def test_a_full_disk_loses_nothing(shop: Shop, tmp_path: Path) -> None:
    counter = Counter.open(shop, f"sqlite:///{tmp_path / 'server.sqlite3'}", Clock())
    till = counter.device()
    room = [0]

    @event.listens_for(counter.engine, "checkout")
    def limit(opened: sqlite3.Connection, *more: object) -> None:
        opened.execute(f"PRAGMA max_page_count={room[0] or 1_000_000}").close()

    counter.close()
    room[0] = 1  # SQLite takes what the file has already
    many = [an_event(number, embedding=bytes(4000)) for number in range(100)]
    answer = till.send(many)
    assert answer.status_code == 503 and counter.rows() == []
    room[0] = 0
    assert set(till.results(many)) == {"stored"}
    counter.close()


def test_a_database_that_another_process_holds_loses_nothing(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "WAIT_S", 0.2)
    counter = Counter.open(shop, f"sqlite:///{tmp_path / 'server.sqlite3'}", Clock())
    till = counter.device()
    holder = sqlite3.connect(tmp_path / "server.sqlite3", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert till.send([an_event()]).status_code == 503
    holder.execute("ROLLBACK")
    holder.close()
    assert till.results([an_event()]) == ["stored"]
    counter.close()


def test_a_device_that_was_forgotten_while_its_batch_was_read_is_refused(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = counter.device()
    mine = list_devices(counter.engine)[0]
    monkeypatch.setattr("server.app.receiving._listed", lambda item: forget(counter.engine, mine))
    answer = till.send([an_event()])
    assert answer.status_code == 401 and counter.rows() == []


def test_a_body_that_does_not_say_its_length_is_limited_too(shop: Shop, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'server.sqlite3'}"
    token = token_for(database)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    batch = json.dumps({"schema": 1, "device_id": ID, "events": [an_event()]}).encode()
    with running(shop.repository.root, database, "--workers", "1", "--refresh-hours", "0") as server:

        def post(*pieces: bytes) -> int:
            with urllib3.PoolManager() as pool:
                address = f"{server.address}/api/v1/events"
                return pool.request(
                    "POST", address, body=iter(pieces), headers=headers, chunked=True, retries=False
                ).status

        assert post(batch[:100], batch[100:]) == 200
        assert post(*[b" " * 50_000] * 45, batch) == 413
        assert server.send(ID, token, [an_event()]) == ["duplicate"]
