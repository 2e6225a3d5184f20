"""The push: outbox -> batch -> packed -> sent -> settled, one call per arrow.

An event is marked before it leaves and removed only when the server has said that it has it. Whatever is lost on the
way, the same event is sent again under the same event_id, which the server stores once.

    >>> push_from(home, line).pushed.acknowledged
    12
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import zstandard

from edge.errors import TagletError
from edge.events import MAX_BATCH, Event, event_document
from edge.outbox.enrolment import Enrolment, read_enrolment
from edge.outbox.rows import Kept
from edge.outbox.server import Refused, Result, Server, TooLarge
from edge.outbox.store import Outbox, look_into_outbox, open_outbox
from edge.sync.transport import LimitReached, Metered

SCHEMA = 1
LEVEL = 9
ANSWER_BYTES = 120
"""What the answer takes for each event, near enough: a push whose answer is cut off would be in vain."""


@dataclass(frozen=True)
class Batch:
    """Events as they go over the line together.

    Attributes:
        events: oldest first, at most `MAX_BATCH`.
        body: the JSON object of docs/formats/event.md, in zstd.
    """

    events: tuple[Event, ...]
    body: bytes


@dataclass
class Pushed:
    """How far a push came; true also of one that was cut short.

    Attributes:
        sent: events in requests that were begun.
        acknowledged: events that the server has, stored now or before.
        refused: events that it will never store.
    """

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0


@dataclass(frozen=True)
class Report:
    """What became of the push of one call.

    Attributes:
        server: where events go; empty where this device is not enrolled.
        pushed: counts.
        waiting: events in the outbox now.
        batches: what would leave, of a call that only looks.
        error: what the push ended with; None where it ended well.
        notes: sentences that a person should read.
    """

    server: str = ""
    pushed: Pushed = field(default_factory=Pushed)
    waiting: int = 0
    batches: tuple[Batch, ...] = ()
    error: TagletError | None = None
    notes: tuple[str, ...] = ()


@dataclass
class _Push:
    outbox: Outbox
    server: Server
    device_id: str
    pushed: Pushed
    most: int = MAX_BATCH
    left: set[str] = field(default_factory=set)

    def go(self) -> None:
        place = 0
        while True:
            kept, end = self.outbox.waiting(place, self.most)
            if not kept:
                break
            batch = pack([one.event for one in kept], self.device_id)
            try:
                self.server.line.require_room(len(batch.body) + ANSWER_BYTES * len(kept))
            except LimitReached:
                self._take_less(kept, LimitReached())
                continue
            try:
                results = self._send(batch)
            except TooLarge as e:
                self._take_less(kept, e)
                continue
            self._settle(batch, results)
            place = end
        unanswered = self.pushed.sent - self.pushed.acknowledged - self.pushed.refused
        if unanswered:
            raise Refused(f"{self.server.line.address}: said nothing of {unanswered} events: they are sent again")

    def _send(self, batch: Batch) -> list[Result]:
        ids = [event.event_id for event in batch.events]
        self.outbox.begin_attempt(ids)
        self.left.update(ids)
        self.pushed.sent = len(self.left)
        return self.server.push(batch.body)

    def _take_less(self, kept: Sequence[Kept], error: Exception) -> None:
        """Go on with half as many; a single event that is too large for the server can never be stored."""
        if len(kept) > 1:
            self.most = len(kept) // 2
        elif isinstance(error, TooLarge):
            self.outbox.settle([], {kept[0].event.event_id: f"too large for the server ({error})"})
            self.pushed.refused += 1
        else:
            raise error

    def _settle(self, batch: Batch, results: Sequence[Result]) -> None:
        """Believe of the answer what is about this batch, whatever its order and however often it says it."""
        asked = {event.event_id for event in batch.events}
        here = {result.event_id: result for result in results if result.event_id in asked}
        refused = {one.event_id: one.error or "without a reason" for one in here.values() if one.status == "refused"}
        acknowledged = [event_id for event_id in here if event_id not in refused]
        self.outbox.settle(acknowledged, refused)
        self.pushed.acknowledged += len(acknowledged)
        self.pushed.refused += len(refused)


def push_from(home: Path, line: Metered, dry_run: bool = False) -> Report:
    """Push what waits on this device to the server that it is enrolled with; never raises, so that a pull can follow.

    Args:
        home: where the device keeps its state.
        line: to the server that is synced with; a token goes to no other server than the one that gave it.
        dry_run: say what would leave, send nothing.
    """
    enrolment, pushed = read_enrolment(home), Pushed()
    try:
        if enrolment is None or enrolment.server != line.address or dry_run:
            return _looked(home, line, enrolment)
        with open_outbox(home) as outbox:
            error = _attempt(outbox, Server(line, enrolment.token), enrolment.device_id, pushed)
            return Report(line.address, pushed, outbox.counts().waiting, error=error, notes=outbox.notes)
    except TagletError as e:
        return Report(enrolment.server if enrolment else "", pushed, error=e)


def _attempt(outbox: Outbox, server: Server, device_id: str, pushed: Pushed) -> TagletError | None:
    try:
        push(outbox, server, device_id, pushed)
    except LimitReached:
        return None
    except TagletError as e:
        return e
    return None


def _looked(home: Path, line: Metered, enrolment: Enrolment | None) -> Report:
    """Report what waits, without sending."""
    with look_into_outbox(home) as outbox:
        waiting = outbox.counts().waiting if outbox else 0
        notes = outbox.notes if outbox else ()
        if enrolment is None:
            advice = f"{waiting} events wait in the outbox: `edge enrol SERVER CODE` lets them be sent"
            return Report(waiting=waiting, notes=(*notes, *([advice] if waiting else [])))
        if enrolment.server != line.address:
            advice = f"events go to {enrolment.server}, where this device is enrolled, not to {line.address}"
            return Report(waiting=waiting, notes=(*notes, *([advice] if waiting else [])))
        packed = tuple(batches(outbox, enrolment.device_id)) if outbox else ()
        return Report(enrolment.server, waiting=waiting, batches=packed, notes=notes)


def push(outbox: Outbox, server: Server, device_id: str, pushed: Pushed | None = None) -> Pushed:
    """Send everything that waits.

    Args:
        outbox: open for writing.
        server: with this device's token.
        device_id: that the token was given to.
        pushed: counts, also where the push ends with an error.

    Raises:
        NetworkError: the server cannot be reached, or does not take this device's events; what was acknowledged until
            then is out of the outbox, the rest waits.
        LimitReached: no more bytes may go.
        OutputError: the outbox cannot be written.
    """
    counted = pushed or Pushed()
    _Push(outbox, server, device_id, counted).go()
    return counted


def pack(events: Sequence[Event], device_id: str) -> Batch:
    """Lay events out as they leave: the same events of the same device give the same bytes."""
    value = {"schema": SCHEMA, "device_id": device_id, "events": [event_document(event) for event in events]}
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return Batch(tuple(events), zstandard.ZstdCompressor(LEVEL).compress(text))


def batches(outbox: Outbox, device_id: str) -> list[Batch]:
    """Return what a push would send now, as it would send it."""
    return in_batches([kept.event for kept in outbox.waiting()[0]], device_id)


def in_batches(events: Sequence[Event], device_id: str) -> list[Batch]:
    """Return events in batches, in their order."""
    return [pack(events[start : start + MAX_BATCH], device_id) for start in range(0, len(events), MAX_BATCH)]
