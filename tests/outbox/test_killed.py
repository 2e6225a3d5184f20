"""A device that loses its power at any step: what was accepted is sent, and stored exactly once."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.outbox.enrolment import Enrolment, write_enrolment
from edge.outbox.push import push_from
from edge.outbox.store import look_into_outbox
from edge.sync.transport import HttpTransport, Metered
from tests.dying import run_until_killed
from tests.outbox.damage import damage_page_of
from tests.outbox.device import DEVICE_ID, accept, device, server, waiting
from tests.outbox.killed_child import ACCEPT, PUSH, RESCUE
from tests.outbox.server import listening


def killed_at(point: str, doing: str, home: Path, address: str = "") -> None:
    """Work in a process that must die at the point, by a signal that cannot be caught."""
    run_until_killed("tests.outbox.killed_child", [str(home), doing, point, address], point)


def decisions_and_events(home: Path) -> tuple[set[str], set[str]]:
    with look_into_outbox(home) as outbox:
        events = {row[0] for row in outbox._rows.execute("SELECT event_id FROM events")}
        return {row[0] for row in outbox._rows.execute("SELECT event_id FROM decisions")}, events


@pytest.mark.parametrize("point", ACCEPT)
def test_an_accept_that_is_killed_wrote_decision_and_event_or_neither(point: str, tmp_path: Path) -> None:
    home = device(tmp_path)
    accept(home, 0)
    before = waiting(home)
    killed_at(point, "accept", home)
    decisions, events = decisions_and_events(home)
    assert decisions == events and len(events) in (1, 3) and before[0] in events
    accept(home, 1, 2)
    assert len(waiting(home)) == 3, "accepting again ends well, and doubles nothing"


@pytest.mark.parametrize("point", ACCEPT)
def test_the_first_accept_of_all_that_is_killed_can_be_made_again(point: str, tmp_path: Path) -> None:
    home = device(tmp_path)
    killed_at(point, "accept", home)
    assert len(waiting(home)) in (0, 2), "and can be looked at"
    accept(home, 1, 2)
    assert len(waiting(home)) == 2


@pytest.mark.parametrize("point", PUSH)
def test_a_push_that_is_killed_loses_and_doubles_nothing(point: str, tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0, 1, 2)
    ids = waiting(home)
    with listening(events) as address:
        write_enrolment(home, Enrolment(address, DEVICE_ID, "token"))
        killed_at(point, "push", home, address)
        kept = set(waiting(home))
        assert kept | {event_id for _, event_id in events.stored} == set(ids), "each is here or there"
        assert push_from(home, Metered(HttpTransport(address))).error is None
    assert [event_id for _, event_id in events.stored] == ids and waiting(home) == []


def test_a_wrong_order_of_steps_would_be_noticed(tmp_path: Path) -> None:
    home, events = device(tmp_path), server()
    accept(home, 0)
    ids = waiting(home)
    with listening(events) as address:
        write_enrolment(home, Enrolment(address, DEVICE_ID, "token"))
        killed_at("wrong order", "push", home, address)
        push_from(home, Metered(HttpTransport(address)))
    assert ids and events.stored == {}, "removed before it was sent: lost"


@pytest.mark.parametrize("point", RESCUE)
def test_a_rescue_that_is_killed_goes_on(point: str, tmp_path: Path) -> None:
    home = device(tmp_path, tags=30)
    accept(home, *range(30))
    ids = waiting(home)
    damage_page_of(home / "outbox.db", ids[0])
    untouched = (home / "outbox.db").read_bytes()
    killed_at(point, "rescue", home)
    rescued = waiting(home)
    assert 0 < len(rescued) < 30 and set(rescued) < set(ids)
    assert [file.read_bytes() for file in home.glob("outbox.damaged-*.db")] == [untouched]
    assert not (home / "outbox.rescued.db").exists()
