"""A device with drafts to decide on, without models: tags are invented, catalogues are small."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from edge.outbox.deciding import Decision, Done, decide
from edge.outbox.drafts import keep
from edge.outbox.enrolment import Enrolment, write_enrolment
from edge.outbox.store import look_into_outbox
from edge.shard import ProductRecord, Shard
from edge.sync.transport import Metered
from edge.tags import Candidate, Moment, SourceTags, Tag, TagRun
from tests.outbox.server import EventServer, Wire
from tests.small_shards import SPACE, make_shard

NOW_S = 1_800_000_000.0
DEVICE_ID = "d" * 32
CROP = np.zeros((4, 4, 3), np.uint8)
TITLES = {"oat-1l": "Oat drink 1 l", "oat-barista-1l": "Oat drink barista 1 l", "rye-500g": "Rye bread 500 g"}


def catalogue(folder: Path) -> Shard:
    records = [ProductRecord(product_id, title) for product_id, title in TITLES.items()]
    return make_shard(folder, records, [0, 1, 2], np.eye(3, 8))


def tag(number: int, product_id: str = "oat-1l", vector: bool = True) -> Tag:
    moment = Moment(0.0, (0, 0, 9, 9), CROP, np.arange(8, dtype=np.int8) - number % 100 if vector else None)
    found = (Candidate(0, product_id, TITLES[product_id], 0.87654321), Candidate(0, "rye-500g", "Rye", 0.5))
    return Tag(f"{number:016x}", "match", found, 0.37654321, 0.0, 1.5, moment, ((0.0, (0, 0, 9, 9)),))


def run_of(shard: Shard, tags: list[Tag], path: str = "secret-place/clip-of-me.mp4", content: str = "c" * 64) -> TagRun:
    source = SourceTags(path, "video", 2.0, (10, 10), False, 1, 1, 1, None, tuple(tags), (), content)
    return TagRun(cast("Any", SimpleNamespace(space_id=SPACE)), (shard,), (source,), {}, False)


def device(folder: Path, tags: int = 3, enrolled: bool = True) -> Path:
    """Return the home of a device that has tagged one clip, with tags 0, 1, ... of it."""
    home = folder / "home"
    keep(home, run_of(catalogue(folder / "shard"), [tag(number) for number in range(tags)]), NOW_S)
    if enrolled:
        write_enrolment(home, Enrolment("https://shop.example", DEVICE_ID, "token"))
    return home


def server(**faults: Any) -> EventServer:
    return EventServer(tokens={"token": DEVICE_ID}, **faults)


def line_to(events: EventServer, max_bytes: int | None = None) -> Metered:
    return Metered(Wire(events), max_bytes)


def accept(home: Path, *numbers: int, share: bool = False, now_s: float = NOW_S) -> Done:
    return decide(home, Decision("accepted", None, share), [f"{number:016x}" for number in numbers], now_s)


def reject(home: Path, *numbers: int, now_s: float = NOW_S) -> Done:
    return decide(home, Decision("rejected"), [f"{number:016x}" for number in numbers], now_s)


def waiting(home: Path) -> list[str]:
    """Return the event_ids that wait, oldest first."""
    with look_into_outbox(home) as outbox:
        return [kept.event.event_id for kept in outbox.waiting()[0]] if outbox else []


def refused(home: Path) -> dict[str, str]:
    with look_into_outbox(home) as outbox:
        return {kept.event.event_id: kept.reason for kept in outbox.refused()} if outbox else {}
