"""The operator's commands around devices: what they print, write and refuse, and with which exit code."""

from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pyarrow import parquet
from sqlalchemy import text

from server import cli
from server.database.connection import open_engine
from server.database.tables import metadata
from tests.conftest import REPOSITORY
from tests.server.shop import NOW, Shop
from tests.service.fleet import Clock, Counter, an_event, hexadecimal
from tests.service.running import running

ID = hexadecimal("device", 32)


class Operator:
    """Runs commands on a repository and keeps what they said."""

    def __init__(self, shop: Shop, database: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.shop, self.database, self.capsys = shop, database, capsys
        self.err = ""

    def run(self, *words: str, expect: int = 0) -> str:
        at = ("--repository", str(self.shop.repository.root), "--database", self.database)
        code = cli.main([*words, *at])
        out, self.err = self.capsys.readouterr()
        assert code == expect, out + self.err
        assert expect == 0 or len(self.err.splitlines()) == 1, self.err
        return out


@pytest.fixture
def operator(shop: Shop, database: str, capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(shop, database, capsys)


def test_without_devices_there_is_nothing_to_list_and_nothing_to_export(operator: Operator, tmp_path: Path) -> None:
    assert operator.run("device", "list") == "no device was enrolled yet\n"
    assert "0 events" in operator.run("tags", "export", "--out", str(tmp_path / "t.csv"))
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1


def test_a_device_is_added_listed_and_revoked(operator: Operator) -> None:
    said = operator.run("device", "add", "till 1", "--hours", "2")
    code = said.splitlines()[0]
    assert f"edge enrol SERVER {code}" in said and "till 1" in said
    counter = Counter.open(operator.shop, operator.database, Clock())
    assert counter.enrol(code, ID).status_code == 201
    assert ID in operator.run("device", "list")
    listed = json.loads(operator.run("device", "list", "--json", "-"))
    assert [device["name"] for device in listed["devices"]] == ["till 1"]
    assert "token" not in json.dumps(listed)
    assert "1 tokens" in operator.run("device", "revoke", "till 1")
    assert "revoked" in operator.run("device", "list")
    operator.run("device", "revoke", "till 9", expect=3)
    operator.run("device", "add", "", expect=2)
    counter.close()


def test_events_are_exported_with_filters(operator: Operator, tmp_path: Path) -> None:
    counter = Counter.open(operator.shop, operator.database, Clock())
    sent = [an_event(0), an_event(1, catalog="other"), an_event(2, made_at_s=NOW.timestamp() - 86_400 * 3)]
    sent += [
        an_event(3, product_id="=SUM(A1)", embedding=b"\x01\x02"),
        an_event(4, kind="corrected", corrected_to="p002"),
    ]
    counter.device().results(sent)
    counter.close()
    out = tmp_path / "tags.csv"
    yesterday = (NOW - timedelta(days=1)).isoformat()
    asked = {
        (): [0, 1, 2, 3, 4],
        ("--catalog", "shop"): [0, 2, 3, 4],
        ("--since", yesterday): [0, 1, 3, 4],
        ("--until", yesterday): [2],
        ("--since", yesterday, "--catalog", "other"): [1],
        ("--since", (NOW + timedelta(days=1)).isoformat()): [],
    }
    for words, expected in asked.items():
        operator.run("tags", "export", "--out", str(out), *words)
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["event_id"] for row in rows] == [sent[number]["event_id"] for number in expected], words
    operator.run("tags", "export", "--out", str(out))
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["product_id"] for row in rows][3] == "'=SUM(A1)"
    assert (rows[3]["embedding"], rows[4]["corrected_to"], rows[0]["corrected_to"]) == ("AQI=", "p002", "")
    operator.run("tags", "export", "--format", "parquet", "--out", str(tmp_path / "tags.parquet"))
    table = parquet.read_table(tmp_path / "tags.parquet").to_pylist()
    assert [row["event_id"] for row in table] == [item["event_id"] for item in sent]
    assert (table[3]["embedding"], table[3]["product_id"], table[0]["corrected_to"]) == (b"\x01\x02", "=SUM(A1)", None)


def test_a_file_that_cannot_be_written_is_said(operator: Operator) -> None:
    operator.run("tags", "export", "--out", "/proc/tags.csv", expect=3)


def test_parquet_without_pyarrow_is_said(operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    operator.run("tags", "export", "--format", "parquet", "--out", str(tmp_path / "x"), expect=2)
    assert "pip install 'taglet[parquet]'" in operator.err and not (tmp_path / "x").exists()


def test_migrations_make_the_tables_that_the_code_knows(operator: Operator) -> None:
    operator.run("migrate")
    assert "tables of this version" in operator.run("migrate")
    engine = open_engine(operator.database)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(operator: Operator) -> None:
    operator.run("migrate")
    engine = open_engine(operator.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    operator.run("device", "list", expect=4)
    assert "update this program" in operator.err


@pytest.mark.parametrize(
    ("address", "code", "said"),
    [
        ("postgresql://u:secret@127.0.0.1:9/x", 6, "cannot be used"),
        ("sqlite:////nowhere/at/all", 6, "cannot be used"),
        ("mysql://x/y", 2, "not supported"),
        ("sqlite://", 2, "not supported"),
        ("nonsense", 2, "is not the address"),
    ],
)
def test_a_database_that_is_not_there_is_said(
    shop: Shop, capsys: pytest.CaptureFixture[str], address: str, code: int, said: str
) -> None:
    operator = Operator(shop, address, capsys)
    operator.run("device", "list", expect=code)
    assert said in operator.err and "secret" not in operator.err


def test_two_processes_may_migrate_at_once(shop: Shop, database: str) -> None:
    command = [
        sys.executable,
        "-m",
        "server",
        "migrate",
        "--repository",
        str(shop.repository.root),
        "--database",
        database,
    ]
    started = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(60) for process in started] == [0, 0, 0]


def test_serve_refuses_a_port_that_is_taken_and_a_folder_that_is_none(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert cli.main(["serve", str(shop.repository.root), "--port", port]) == 3
    assert "choose another --port" in capsys.readouterr().err
    assert cli.main(["serve", str(tmp_path)]) == 4
    assert cli.main(["serve", str(shop.repository.root), "--port", "70000"]) == 2
    assert cli.main(["serve", str(shop.repository.root), "--refresh-hours", "0", "--page", str(tmp_path)]) == 2
    assert cli.main(["serve", str(shop.repository.root), "--workers", "0"]) == 2


def test_serve_says_at_once_that_refresh_would_find_no_passphrase(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAGLET_ONLINE_PASSPHRASE", raising=False)
    shop = Shop.open(tmp_path, passphrase=b"words")
    assert cli.main(["serve", str(shop.repository.root), "--port", "0"]) == 2
    assert "--online-passphrase-file" in capsys.readouterr().err


def test_serve_signs_anew_what_is_about_to_expire_and_ends_well(tmp_path: Path) -> None:
    shop = Shop.open(tmp_path, now=datetime.now(UTC) - timedelta(days=5, hours=12))
    with running(shop.repository.root, f"sqlite:///{tmp_path / 'x.sqlite3'}") as server:
        give_up = time.monotonic() + 30
        while server.ask("GET", "/healthz").json()["status"] != "ok":
            assert time.monotonic() < give_up, server.log.read_text()
            time.sleep(0.1)
        os.kill(server.process.pid, signal.SIGINT)
        assert server.process.wait(30) == 0
    said = server.log.read_text()
    assert "Traceback" not in said
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert [line["signed"] for line in lines if line["event"] == "refresh"] == [["timestamp"]]
    events = [json.loads(line)["event"] for line in shop.repository.journal.read_text().splitlines()]
    assert events == ["init", "refresh"]


def test_gunicorn_takes_the_application_from_the_environment(shop: Shop, tmp_path: Path) -> None:
    environment = {**os.environ, "TAGLET_REPOSITORY": str(shop.repository.root), "PYTHONPATH": str(REPOSITORY)}
    program = (
        "from server.wsgi import create_app; print(create_app().test_client().get('/metadata/1.root.json').status)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "200 OK\n"
    for wrong in ({"TAGLET_REPOSITORY": ""}, {"TAGLET_PROXIES": "-1"}, {"TAGLET_DATABASE": "x"}):
        done = subprocess.run(
            command, env={**environment, **wrong}, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 1 and "UsageError" in done.stderr
