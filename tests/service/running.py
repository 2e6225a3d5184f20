"""`python -m server serve` in a process of its own, and devices that ask it over the loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from tests.conftest import REPOSITORY

START_S = 60.0


@dataclass
class Running:
    """A service that listens.

    Attributes:
        process: gunicorn's first process.
        address: where it listens.
        log: what it wrote to stderr.
    """

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def ask(self, method: str, path: str, token: str = "", **options: Any) -> urllib3.BaseHTTPResponse:
        """Ask once, without a second try."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with urllib3.PoolManager() as pool:
            return pool.request(method, self.address + path, headers=headers, retries=False, timeout=30, **options)

    def send(self, device_id: str, token: str, events: list[Any]) -> list[str]:
        """Send a batch; return what became of each event."""
        batch = {"schema": 1, "device_id": device_id, "events": events}
        answer = self.ask("POST", "/api/v1/events", token, json=batch)
        assert answer.status == 200, answer.data
        return [result["status"] for result in answer.json()["results"]]

    def enrol(self, code: str, device_id: str) -> urllib3.BaseHTTPResponse:
        """Ask for a token."""
        return self.ask("POST", "/api/v1/enrol", json={"code": code, "device_id": device_id})


@contextmanager
def running(folder: Path, database: str, *words: str, module: tuple[str, ...] = ("server",)) -> Iterator[Running]:
    """Yield a service over the repository in `folder`; it is ended afterwards, if it has not ended by itself."""
    told, log = folder.parent / "address.json", folder.parent / "serve.log"
    told.unlink(missing_ok=True)
    command = [sys.executable, "-m", *module, "serve", str(folder), "--database", database, "--port", "0"]
    with log.open("ab") as err:
        process = subprocess.Popen(
            [*command, "--json", str(told), *words], cwd=REPOSITORY, stderr=err, stdout=err, start_new_session=True
        )
    try:
        give_up = time.monotonic() + START_S
        while not told.exists():
            assert process.poll() is None and time.monotonic() < give_up, log.read_text()
            time.sleep(0.05)
        yield Running(process, json.loads(told.read_text())["address"], log)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(30)
        else:
            _end_orphans(process.pid)


def _end_orphans(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
