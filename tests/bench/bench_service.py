"""A service under load: gunicorn with two workers, PostgreSQL, and devices in a loop of sync and push, on one machine.

python -m tests.bench.bench_service PLOT.png [SECONDS]

A device asks whether the timestamp has changed (304), pushes five new events, and waits a fifth of a second. The
generator shares the cores with what it measures: the shape of growth counts, not the figures.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import urllib3
import zstandard
from sqlalchemy import Engine, func, select

from server.database.connection import open_engine
from server.database.enrolment import enrol, new_code
from server.database.tables import events
from server.database.upgrading import upgrade
from tests.server.shop import Shop
from tests.service.fleet import an_event
from tests.service.postgres import running_cluster
from tests.service.running import running

DEVICES = (1, 10, 50, 200)
EVENTS = 5
PAUSE_S = 0.2
SECONDS = 8.0
FIELD = {"push": "pushes_s", "check": "checks_s"}


@dataclass
class Load:
    """What was seen at one number of devices.

    Attributes:
        devices: how many.
        pushes_s: how long each push took.
        checks_s: how long each look at the timestamp took.
        wrong: answers that were not what they must be.
        events: that were acknowledged as stored.
        seconds: that it took.
        sent_bytes: of bodies.
    """

    devices: int
    pushes_s: list[float] = field(default_factory=list)
    checks_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    events: int = 0
    seconds: float = 0.0
    sent_bytes: int = 0

    def line(self) -> str:
        """Return a row of the table."""
        push, check = np.array(self.pushes_s) * 1000, np.array(self.checks_s) * 1000
        rate = self.events / self.seconds
        return (
            f"| {self.devices} | {rate:.0f} | {np.percentile(push, 50):.0f} | {np.percentile(push, 99):.0f} "
            f"| {np.percentile(check, 50):.0f} | {np.percentile(check, 99):.0f} | {len(self.wrong)} |"
        )


def drive(address: str, tokens: Sequence[tuple[str, str]], seconds: float) -> Load:
    """Let devices loop, each in a thread with a connection of its own."""
    load, end = Load(len(tokens)), time.monotonic() + seconds
    threads = [threading.Thread(target=_device, args=(address, *token, load, end)) for token in tokens]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.monotonic() - began
    return load


def _device(address: str, device_id: str, token: str, load: Load, end: float) -> None:
    time.sleep(np.random.default_rng(int(device_id[:8], 16)).uniform(0, PAUSE_S))
    with urllib3.PoolManager() as pool:
        etag = pool.request("GET", f"{address}/metadata/timestamp.json", retries=False, timeout=60).headers["ETag"]
        while time.monotonic() < end:
            try:
                _round(pool, address, device_id, token, etag, load)
            except urllib3.exceptions.HTTPError as e:
                load.wrong.append(type(e).__name__)
            time.sleep(PAUSE_S)


def _round(pool: Any, address: str, device_id: str, token: str, etag: str, load: Load) -> None:
    started = time.monotonic()
    condition = {"If-None-Match": etag}
    answer = pool.request("GET", f"{address}/metadata/timestamp.json", headers=condition, retries=False, timeout=60)
    load.checks_s.append(time.monotonic() - started)
    if answer.status != 304:
        load.wrong.append(f"timestamp {answer.status}")
    sent = [an_event(number, event_id=uuid.uuid4().hex) for number in range(EVENTS)]
    batch = {"schema": 1, "device_id": device_id, "events": sent}
    body = zstandard.compress(json.dumps(batch, separators=(",", ":")).encode())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Content-Encoding": "zstd"}
    started = time.monotonic()
    answer = pool.request("POST", f"{address}/api/v1/events", body=body, headers=headers, retries=False, timeout=60)
    load.pushes_s.append(time.monotonic() - started)
    load.sent_bytes += len(body)
    results = answer.json().get("results", []) if answer.status == 200 else []
    load.events += len(results)
    if [result["status"] for result in results] != ["stored"] * EVENTS:
        load.wrong.append(f"events {answer.status}")


def _tokens(engine: Engine, count: int) -> list[tuple[str, str]]:
    ids = [uuid.uuid4().hex for _ in range(count)]
    return [(name, enrol(engine, new_code(engine, name, time.time()).text, name, time.time())) for name in ids]


def plot(loads: Sequence[Load], path: Path) -> None:
    """Draw latencies and events per second over the number of devices."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    devices = [load.devices for load in loads]
    for percent, style in ((50, "o-"), (99, "s--")):
        for name, color in (("push", "tab:blue"), ("check", "tab:orange")):
            taken = [np.percentile(getattr(load, FIELD[name]), percent) * 1000 for load in loads]
            left.plot(devices, taken, style, color=color, label=f"{name}, p{percent}")
    left.set(xscale="log", yscale="log", xlabel="devices", ylabel="milliseconds", title="how long an answer takes")
    left.legend(frameon=False, fontsize=8)
    right.plot(devices, [load.events / load.seconds for load in loads], "o-")
    right.set(xscale="log", xlabel="devices", ylabel="events per second", title="what comes in", ylim=(0, None))
    for axes in (left, right):
        axes.set_xticks(devices, [str(count) for count in devices])
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main(picture: Path, seconds: float) -> int:
    """Measure, print a table, draw the plot; return 1 if an event is missing, doubled, or an answer was wrong."""
    os.fsync = lambda handle: None  # type: ignore[assignment]  # of the making of the repository only
    with tempfile.TemporaryDirectory() as folder, running_cluster(patient=True) as cluster:
        shop = Shop.open(Path(folder))
        shop.publish(1)
        database = cluster.database("load")
        engine = open_engine(database)
        upgrade(engine)
        tokens = _tokens(engine, max(DEVICES))
        with running(shop.repository.root, database, "--refresh-hours", "0") as server:
            drive(server.address, tokens[:2], 1)
            loads = [drive(server.address, tokens[:count], seconds) for count in DEVICES]
            print("| devices | events/s | push p50 ms | push p99 ms | check p50 ms | check p99 ms | wrong answers |")
            print("|---|---|---|---|---|---|---|", *(load.line() for load in loads), sep="\n")
        pushes = sum(len(load.pushes_s) for load in loads)
        print(f"{pushes} pushes, {sum(load.sent_bytes for load in loads) / pushes:.0f} bytes of body each")
        with engine.connect() as connection:
            stored = connection.execute(select(func.count(), func.count(events.c.event_id.distinct()))).one()
        engine.dispose()
    plot(loads, picture)
    acknowledged = sum(load.events for load in loads)
    print(f"{acknowledged} acknowledged, {stored[0]} stored with the warm-up, {stored[0] - stored[1]} doubled")
    for load in loads:
        if load.wrong:
            print(load.devices, sorted(set(load.wrong)))
    return int(any(load.wrong for load in loads) or stored[0] != stored[1] or stored[0] < acknowledged)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS))
