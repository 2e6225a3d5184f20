"""`make bench`: the search tables, in a process of their own so that numpy has one thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.bench
def test_search_tables(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.bench.bench_search"]
    printed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=600).stdout
    assert printed.count("| Gallery") == 2 and "recall@1" in printed
    with capsys.disabled():
        print(printed)
