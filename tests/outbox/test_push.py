"""The push, over lines and servers good and bad: every event is stored once, and leaves the outbox only then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.errors import InputError, NetworkError
from edge.outbox import server as outbox_server
from edge.outbox.push import Pushed, push, push_from
from edge.outbox.server import Server, retry_after_s
from edge.outbox.store import open_outbox
from edge.sync import transport
from edge.sync.transport import LimitReached
from tests.outbox.device import DEVICE_ID, accept, device, line_to, refused, reject, server, waiting
from tests.outbox.server import EventServer, said


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.0)


def pushed(home: Path, events: EventServer, slept: list[float] | None = None, max_bytes: int | None = None) -> Pushed:
    times = slept if slept is not None else []
    with open_outbox(home) as outbox:
        return push(outbox, Server(line_to(events, max_bytes), "token", times.append), DEVICE_ID)


def stored(events: EventServer) -> list[str]:
    return [event_id for _, event_id in events.stored]


def test_an_empty_outbox_asks_nothing(tmp_path: Path) -> None:
    events = server()
    assert pushed(device(tmp_path), events) == Pushed() and events.asked == []


def test_what_was_decided_is_stored_and_leaves_the_outbox(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0, 1)
    reject(home, 2)
    ids = waiting(home)
    assert pushed(home, events) == Pushed(sent=3, acknowledged=3)
    assert stored(events) == ids and waiting(home) == []
    assert pushed(home, events) == Pushed() and len(events.asked) == 1


def test_many_events_go_in_batches_of_500(tmp_path: Path) -> None:
    home, events = device(tmp_path, tags=1201), server()
    accept(home, *range(1201))
    assert pushed(home, events).acknowledged == 1201
    assert [len(batch["events"]) for batch in events.batches] == [500, 500, 201]
    assert len(stored(events)) == 1201 and waiting(home) == []


def test_an_answer_that_is_lost_after_storing_is_asked_for_again(tmp_path: Path) -> None:
    home, events = device(tmp_path), server(lost=1)
    accept(home, 0, 1)
    ids = waiting(home)
    assert pushed(home, events) == Pushed(sent=2, acknowledged=2)
    assert stored(events) == ids and len(events.batches) == 2
    assert events.batches[0] == events.batches[1], "the same ids, the same content"


def test_a_line_that_stays_lost_keeps_the_events_for_the_next_push(tmp_path: Path) -> None:
    home, events = device(tmp_path), server(lost=99)
    accept(home, 0, 1)
    ids = waiting(home)
    with pytest.raises(NetworkError):
        pushed(home, events)
    assert waiting(home) == ids and stored(events) == ids, "stored there, not known to be stored here"
    events.lost = 0
    assert pushed(home, events).acknowledged == 2
    assert stored(events) == ids and waiting(home) == []


@pytest.mark.parametrize(
    "shuffled",
    [
        lambda results: results[::-1],
        lambda results: [*results, *results],
        lambda results: [*results, {"event_id": "f" * 32, "status": "stored", "error": None}],
    ],
    ids=["in another order", "twice", "with one that was never sent"],
)
def test_results_are_believed_by_event_id_in_whatever_order(tmp_path: Path, shuffled: Any) -> None:
    home, events = device(tmp_path), server(shuffled=shuffled)
    accept(home, 0, 1, 2)
    bad = waiting(home)[1]
    events.refuses = {bad: "of a later schema"}
    assert pushed(home, events) == Pushed(sent=3, acknowledged=2, refused=1)
    assert waiting(home) == [] and refused(home) == {bad: "of a later schema"}


def test_an_event_of_which_nothing_is_said_waits(tmp_path: Path) -> None:
    home, events = device(tmp_path), server(shuffled=lambda results: results[:1])
    accept(home, 0, 1)
    ids = waiting(home)
    with pytest.raises(NetworkError, match="said nothing of 1 events"):
        pushed(home, events)
    assert waiting(home) == ids[1:]


def test_a_refused_event_is_kept_apart_and_sent_again_only_on_demand(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0)
    (bad,) = waiting(home)
    events.refuses = {bad: "the schema is newer than this server"}
    pushed(home, events)
    pushed(home, events)
    assert len(events.batches) == 1 and refused(home) == {bad: "the schema is newer than this server"}
    events.refuses = {}
    with open_outbox(home) as outbox:
        assert outbox.retry_refused() == 1
    assert pushed(home, events).acknowledged == 1 and refused(home) == {}


def test_another_decision_takes_the_place_of_a_refused_one(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0)
    events.refuses = {waiting(home)[0]: "no"}
    pushed(home, events)
    assert reject(home, 0).decided[0].change == "replaced"
    assert refused(home) == {} and len(waiting(home)) == 1


def test_a_busy_server_is_asked_again_and_never_sooner_than_it_says(tmp_path: Path) -> None:
    busy = said(429, {"error": "slowly"}, retry_after="7"), said(503, {"error": "database away"}, retry_after="3")
    home, events, slept = device(tmp_path), server(answers=list(busy)), []
    accept(home, 0)
    assert pushed(home, events, slept).acknowledged == 1
    assert len(slept) == 2 and slept[0] >= 7 and slept[1] >= 3


def test_pauses_double_with_full_jitter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.5)
    monkeypatch.setattr(transport.random, "uniform", lambda low, high: high - low)
    home, events, slept = device(tmp_path), server(down=True), []
    accept(home, 0)
    with pytest.raises(NetworkError):
        pushed(home, events, slept)
    assert slept == [0.5, 1.0, 2.0]


def test_a_server_that_wants_an_hour_is_left_alone(tmp_path: Path) -> None:
    home, events, slept = device(tmp_path), server(answers=[said(503, {"error": "away"}, retry_after="3600")]), []
    accept(home, 0)
    with pytest.raises(NetworkError, match="left alone for 3600 s"):
        pushed(home, events, slept)
    assert slept == [] and len(waiting(home)) == 1


def test_a_date_is_held_against_the_servers_clock_and_not_the_devices() -> None:
    date = "Tue, 01 Jan 2030 00:00:00 GMT"
    assert retry_after_s({"retry-after": "Tue, 01 Jan 2030 00:00:09 GMT", "date": date}) == 9
    assert retry_after_s({"retry-after": "Tue, 01 Jan 2030 00:00:09 GMT"}) == 0
    assert retry_after_s({"retry-after": "soon", "date": date}) == retry_after_s({}) == 0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (said(401, {"error": "token revoked"}), "edge enrol"),
        (said(403, {"error": "the token is another device's"}), "another device's"),
        (said(400, {"error": "no batch"}), "no batch"),
        (said(404), "check the address"),
        (said(400, {"error": "\x1b[2Jgone"}), r"https://shop.example: [^\x1b]*gone"),
        (said(302, location="https://sign-in.example"), "sign in to this network"),
        ((200, {"content-type": "text/html"}, b"<html>"), "sign in to this network"),
        ((200, {}, b"[1"), "is no JSON object"),
        ((200, {}, b'{"results": [{"event_id": 7}]}'), "server of this kit"),
        ((200, {}, b'{"results": 7}'), "server of this kit"),
    ],
)
def test_an_answer_that_says_no_ends_the_push_and_loses_nothing(tmp_path: Path, answer: Any, sentence: str) -> None:
    home, events = device(tmp_path), server(answers=[answer])
    accept(home, 0)
    ids = waiting(home)
    with pytest.raises(NetworkError, match=sentence):
        pushed(home, events)
    assert waiting(home) == ids and len(events.asked) == 1, "asking again would not help"


def test_an_answer_without_end_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_server, "MAX_ANSWER_BYTES", 100)
    home, events = device(tmp_path), server(answers=[(200, {}, b"x" * 101)])
    accept(home, 0)
    with pytest.raises(NetworkError, match="does not end"):
        pushed(home, events)


def test_a_batch_that_is_too_large_is_halved_until_it_fits(tmp_path: Path) -> None:
    home, events = device(tmp_path, tags=40), server(most_bytes=900)
    accept(home, *range(40), share=True)
    assert pushed(home, events) == Pushed(sent=40, acknowledged=40)
    assert len(events.batches) > 1 and len(stored(events)) == 40


def test_one_event_that_is_too_large_is_kept_apart(tmp_path: Path) -> None:
    home, events = device(tmp_path), server(most_bytes=10)
    accept(home, 0, 1)
    assert pushed(home, events) == Pushed(sent=2, refused=2)
    assert waiting(home) == [] and all("too large" in reason for reason in refused(home).values())


def test_no_more_bytes_leave_than_are_allowed(tmp_path: Path) -> None:
    home, events = device(tmp_path, tags=60), server()
    accept(home, *range(60))
    with pytest.raises(LimitReached):
        pushed(home, events, max_bytes=5_000)
    first = len(stored(events))
    assert 0 < first < 60 and len(waiting(home)) == 60 - first
    assert pushed(home, events).acknowledged == 60 - first and len(set(stored(events))) == 60


def test_a_token_goes_to_no_other_server(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0)
    line = line_to(events)
    line.transport.address = "https://elsewhere.example"
    report = push_from(home, line)
    assert events.asked == [] and "not to https://elsewhere.example" in report.notes[0] and report.error is None


def test_without_enrolment_nothing_is_sent(tmp_path: Path) -> None:
    home, events = device(tmp_path, enrolled=False), server()
    accept(home, 0)
    report = push_from(home, line_to(events))
    assert events.asked == [] and report.waiting == 1 and "edge enrol" in report.notes[0]


def test_a_dry_run_shows_the_very_bytes_that_leave(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0, 1)
    report = push_from(home, line_to(events), dry_run=True)
    assert events.asked == [] and report.pushed == Pushed()
    push_from(home, line_to(events))
    assert [batch.body for batch in report.batches] == events.bodies


def test_a_code_is_good_once(tmp_path: Path) -> None:
    events = server()
    assert Server(line_to(events)).enrol("GOOD-CODE", DEVICE_ID).startswith("token-")
    with pytest.raises(InputError, match="new code"):
        Server(line_to(events)).enrol("GOOD-CODE", DEVICE_ID)


@pytest.mark.parametrize("token", ["", 7, "two\nlines", "naïve"])
def test_an_answer_without_a_usable_token_is_refused(token: Any) -> None:
    events = server(answers=[said(201, {"token": token})])
    with pytest.raises(InputError, match="no token"):
        Server(line_to(events)).enrol("GOOD-CODE", DEVICE_ID)


def test_a_deletion_whose_answer_was_lost_is_done(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0)
    pushed(home, events)
    events.lost = 1
    Server(line_to(events), "token", lambda s: None).forget()
    assert events.stored == {} and events.tokens == {}
    with pytest.raises(NetworkError, match="--local"):
        Server(line_to(events), "token").forget()
