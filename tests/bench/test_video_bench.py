"""`make bench`: the set to develop with by the kit and by the naive pipeline, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.bench.bench_videos import FOLDER, REPOSITORY


@pytest.mark.bench
def test_the_kit_is_ahead_of_the_naive_pipeline(capsys: pytest.CaptureFixture[str]) -> None:
    """Renders the clips first, which takes minutes."""
    command = [sys.executable, "-m", "tests.bench.bench_videos", "dev"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=900)
    with capsys.disabled():
        print(done.stdout)
    columns = json.loads((FOLDER / "dev-table.json").read_text())
    naive, kit = columns["naive"], columns["kit"]
    assert kit["f1"] >= naive["f1"]
    assert kit["seconds"] * 4 < naive["seconds"]
