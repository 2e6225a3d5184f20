"""Under load nothing is lost, doubled or answered with an error; `make bench` prints the figures of docs/server.md."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, absent
from tests.service.postgres import programs


@pytest.mark.bench
def test_two_hundred_devices_at_once_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if programs() is None:
        absent("postgres", "PostgreSQL is not on this machine: `make postgres` installs it where it may")
    command = [sys.executable, "-m", "tests.bench.bench_service", str(tmp_path / "load.png"), "3"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 doubled" in done.stdout and (tmp_path / "load.png").stat().st_size > 5_000
    with capsys.disabled():
        print(done.stdout)
