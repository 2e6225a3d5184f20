"""Any history of decisions and pushes over any line ends with every last decision at the server, each event once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.outbox.push import push_from
from edge.sync import transport
from tests.outbox.device import accept, device, line_to, refused, reject, server, waiting
from tests.outbox.server import EventServer, said

DECISIONS: dict[str, Callable[[Path, int], object]] = {
    "accepted": lambda home, number: accept(home, number),
    "accepted, shared": lambda home, number: accept(home, number, share=True),
    "rejected": lambda home, number: reject(home, number),
}
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Hundreds of commits that are flushed to a disk would take most of the time."""
LINES = ("good", "down", "lost once", "lost", "shuffled", "half taken", "busy", "revoked")
STEPS = st.lists(
    st.tuples(st.sampled_from(list(DECISIONS)), st.integers(0, 2)) | st.sampled_from(LINES), min_size=1, max_size=10
)


def weather(events: EventServer, line: str) -> None:
    """Make a line good or bad, for one push."""
    events.down, events.lost, events.answers = line == "down", {"lost once": 1, "lost": 9}.get(line, 0), []
    events.takes = 1 if line == "half taken" else None
    events.shuffled = (lambda some: [*some[::-1], *some]) if line == "shuffled" else (lambda some: some)
    if line == "busy":
        events.answers = [said(503, {"error": "database away"})] * 4
    if line == "revoked":
        events.answers = [said(401, {"error": "unknown"})]


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transport, "FIRST_PAUSE_S", 0.0)
        yield


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_the_last_decision_on_every_tag_arrives_once(steps: list[tuple[str, int] | str]) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        home, events = device(Path(folder)), server()
        last: dict[str, str] = {}
        for step in steps:
            if isinstance(step, str):
                weather(events, step)
                push_from(home, line_to(events))
            else:
                decision, number = step
                DECISIONS[decision](home, number)
                last[f"{number:016x}"] = decision
        weather(events, "good")
        assert push_from(home, line_to(events)).error is None
        assert waiting(home) == [] and refused(home) == {}
        arrived = {event["tag_id"]: event for event in events.stored.values()}
        assert {tag_id: event["kind"] for tag_id, event in arrived.items()} == {
            tag_id: decision.split(",")[0] for tag_id, decision in last.items()
        }
        assert all((arrived[tag_id]["embedding"] is not None) == ("shared" in said) for tag_id, said in last.items())
