"""Getting into the operator's page: who does not, and what a browser is told."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from server import cli
from server.app.logs import JsonLines
from server.app.settings import Limits
from server.database import operator as kept
from server.database.limiting import Limit
from server.database.tables import operator, sessions
from tests.server.shop import Shop
from tests.service.fleet import Clock, Counter
from tests.service.operator_visit import ON_SQLITE, PASSWORD, Visit, operator_of, spoken

PAGES = (
    "/admin",
    "/admin/",
    "/admin/product?catalog=shop&product=p001",
    "/admin/catalogues",
    "/admin/devices",
    "/admin/refused",
)


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "METHOD", "scrypt:1024:8:1")


@ON_SQLITE
def test_without_a_password_nobody_gets_in(counter: Counter) -> None:
    visit = Visit(counter)
    assert "server admin password" in visit.text("/admin/login")
    answer = visit.log_in("")
    assert answer.status_code == 403 and "server admin password" in answer.text
    assert visit.client.get("/admin").status_code == 303


@ON_SQLITE
@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_every_page_leads_to_the_login(counter: Counter, path: str) -> None:
    for cookie in ("", "x" * 43, "\x7f", "9" * 4_000):
        client = counter.client.application.test_client()
        if cookie:
            client.set_cookie("taglet-session", cookie)
        answer = client.get(path)
        assert (answer.status_code, answer.location) == (303, "/admin/login")
        assert "p001" not in answer.text


@ON_SQLITE
def test_a_wrong_password_opens_nothing(counter: Counter) -> None:
    kept.set_password(counter.engine, PASSWORD, 0.0)
    visit = Visit(counter)
    answer = visit.log_in("seven blue umbrella")
    assert answer.status_code == 403 and "not the password" in answer.text
    assert all("session" not in cookie for cookie in answer.headers.getlist("Set-Cookie"))
    assert visit.client.get("/admin").status_code == 303


@ON_SQLITE
def test_the_right_password_opens_every_page(counter: Counter) -> None:
    visit = operator_of(counter)
    for path in PAGES:
        assert visit.client.get(path).status_code == 200
    assert visit.client.get("/admin/login").location == "/admin"


@ON_SQLITE
def test_guessing_stops_after_five_tries_and_others_are_not_locked_out(counter: Counter, clock: Clock) -> None:
    kept.set_password(counter.engine, PASSWORD, 0.0)
    visit = Visit(counter)
    assert [visit.log_in(f"guess number {n}").status_code for n in range(5)] == [403] * 5
    answer = visit.log_in()
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 1
    assert "too many tries" in spoken(answer.text)
    elsewhere = Visit(counter)
    assert elsewhere.log_in(environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 303
    clock.now_s += 900
    assert visit.log_in().status_code == 303


def test_guessing_is_counted_over_all_workers_and_from_all_networks(shop: Shop, database: str, clock: Clock) -> None:
    limits = Limits(all_logins=Limit("all logins", 3, 900))
    workers = [Counter.open(shop, database, clock, limits) for _ in range(2)]
    kept.set_password(workers[0].engine, PASSWORD, 0.0)
    codes = [
        Visit(workers[n % 2]).log_in("a wrong one", environ_overrides={"REMOTE_ADDR": f"192.0.2.{n}"}).status_code
        for n in range(4)
    ]
    assert codes == [403, 403, 403, 429]
    for worker in workers:
        worker.close()


@ON_SQLITE
def test_who_logs_in_often_is_not_taken_for_one_who_guesses(counter: Counter) -> None:
    kept.set_password(counter.engine, PASSWORD, 0.0)
    assert [Visit(counter).log_in().status_code for _ in range(7)] == [303] * 7


@ON_SQLITE
@pytest.mark.parametrize("token", [None, "", "0" * 64, "é", "other"])
def test_a_login_form_of_another_page_is_refused(counter: Counter, token: str | None) -> None:
    kept.set_password(counter.engine, PASSWORD, 0.0)
    visit = Visit(counter)
    visit.client.get("/admin/login")
    sent = Visit(counter).token() if token == "other" else token
    form = {"password": PASSWORD} | ({} if sent is None else {"form_token": sent})
    assert visit.client.post("/admin/login", data=form).status_code == 403
    assert visit.client.get("/admin").status_code == 303


@ON_SQLITE
def test_a_logout_from_elsewhere_is_refused(counter: Counter) -> None:
    visit = operator_of(counter)
    assert visit.client.post("/admin/logout").status_code == 403
    assert visit.client.post("/admin/logout", data={"form_token": Visit(counter).token()}).status_code == 403
    own = {"form_token": visit.token("/admin")}
    foreign = visit.client.post("/admin/logout", data=own, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 403
    assert visit.client.get("/admin").status_code == 200


def test_after_logout_the_cookie_is_worth_nothing(counter: Counter) -> None:
    visit = operator_of(counter)
    cookie = visit.client.get_cookie("taglet-session")
    assert cookie is not None
    assert visit.log_out().status_code == 303
    visit.client.set_cookie("taglet-session", cookie.value)
    assert visit.client.get("/admin").status_code == 303


@ON_SQLITE
@pytest.mark.parametrize(("step_s", "steps", "status"), [(1_790, 20, 200), (1_810, 1, 303), (1_000, 44, 303)])
def test_a_session_ends_when_unused_and_when_old(
    counter: Counter, clock: Clock, step_s: float, steps: int, status: int
) -> None:
    visit = operator_of(counter)
    for _ in range(steps):
        clock.now_s += step_s
        answer = visit.client.get("/admin")
    assert answer.status_code == status


def test_a_new_password_ends_every_session(counter: Counter) -> None:
    visit = operator_of(counter)
    assert kept.set_password(counter.engine, "another one, longer", 1.0) == 1
    assert visit.client.get("/admin").status_code == 303
    assert visit.log_in().status_code == 403
    assert visit.log_in("another one, longer").status_code == 303


def test_logging_in_gives_a_session_of_a_new_name(counter: Counter) -> None:
    visit = Visit(counter)
    kept.set_password(counter.engine, PASSWORD, 0.0)
    visit.client.set_cookie("taglet-session", "chosen-by-somebody-else")
    assert visit.log_in().status_code == 303
    cookie = visit.client.get_cookie("taglet-session")
    assert cookie is not None and cookie.value != "chosen-by-somebody-else"


@ON_SQLITE
@pytest.mark.parametrize(("scheme", "name"), [("http", "taglet-session"), ("https", "__Host-taglet-session")])
def test_no_script_and_no_other_site_gets_the_cookie(counter: Counter, scheme: str, name: str) -> None:
    kept.set_password(counter.engine, PASSWORD, 0.0)
    client = counter.client.application.test_client()
    base = f"{scheme}://localhost"
    page = client.get("/admin/login", base_url=base).text
    token = re.findall(r'value="([0-9a-f]{64})"', page)[0]
    answer = client.post("/admin/login", base_url=base, data={"password": PASSWORD, "form_token": token})
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}="))
    words = set(cookie.split("; ")[1:])
    assert words == {"HttpOnly", "Path=/", "SameSite=Strict"} | ({"Secure"} if scheme == "https" else set())


@ON_SQLITE
def test_every_answer_forbids_scripts_frames_and_foreign_things(counter: Counter) -> None:
    visit = operator_of(counter)
    for path in (*PAGES, "/admin/login", "/admin/style.css", "/admin/product", "/admin?since=x"):
        answer = visit.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype == "text/html":
            assert answer.headers["Cache-Control"] == "no-store"
            assert not re.search(r"<script|<style|\sstyle=|\son\w+=|https?://", answer.text)


@ON_SQLITE
def test_forms_that_are_too_long_are_refused(counter: Counter) -> None:
    visit = Visit(counter)
    form = {"form_token": visit.token(), "password": "x" * 30_000}
    assert visit.client.post("/admin/login", data=form).status_code == 413


@ON_SQLITE
def test_no_secret_is_in_the_database_or_in_the_log(counter: Counter, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("server.app")
    logger.addHandler(caplog.handler)
    visit = operator_of(counter)
    visit.log_out()
    visit.log_in("wrong, and secret too")
    visit.log_in()
    logger.removeHandler(caplog.handler)
    cookie = visit.client.get_cookie("taglet-session")
    assert cookie is not None
    with counter.engine.connect() as connection:
        rows = str(connection.execute(select(operator)).all() + connection.execute(select(sessions)).all())
    lines = "".join(JsonLines().format(record) for record in caplog.records)
    assert "login refused" in lines
    for secret in (PASSWORD, "secret too", cookie.value):
        assert secret not in rows and secret not in lines


@ON_SQLITE
def test_the_database_away_is_said_in_one_page(counter: Counter) -> None:
    visit = operator_of(counter)
    sessions.drop(counter.engine)
    answer = visit.client.get("/admin")
    assert answer.status_code == 503
    assert "SELECT" not in answer.text and answer.mimetype == "text/html"


def run(shop: Shop, database: str, *words: str) -> int:
    at = ("--repository", str(shop.repository.root), "--database", database)
    return cli.main(["admin", "password", *at, *words])


def test_the_command_sets_the_password_from_a_file_or_the_environment(
    shop: Shop, database: str, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    assert run(shop, database, "--password-file", str(tmp_path / "secret")) == 0
    counter = Counter.open(shop, database, clock)
    assert kept.password_fits(counter.engine, PASSWORD)
    monkeypatch.setenv("TAGLET_ADMIN_PASSWORD", "from the environment")
    assert run(shop, database) == 0
    assert kept.password_fits(counter.engine, "from the environment")
    assert not kept.password_fits(counter.engine, PASSWORD)
    counter.close()


@ON_SQLITE
@pytest.mark.parametrize(
    ("content", "code", "said"),
    [("short", 2, "12 to"), ("", 3, "no password"), (None, 3, "cannot be read"), ("x" * 1_001, 2, "12 to")],
)
def test_the_command_refuses_in_one_sentence(
    shop: Shop, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, code: int, said: str
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    assert run(shop, database, "--password-file", str(file)) == code
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1
    assert "short" not in err.replace("too short", "")


@ON_SQLITE
def test_the_command_asks_nobody_where_there_is_no_terminal(
    shop: Shop, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    assert run(shop, database) == 2
    assert "no terminal" in capsys.readouterr().err
