"""The way from an empty folder to exported tags runs as the document shows it."""

from __future__ import annotations

import csv
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.code_blocks import REPOSITORY

GUIDE = REPOSITORY / "docs/quickstart-server.md"


def script(port: int) -> str:
    """Return the document's commands as one shell script, at a free port instead of the one that is shown."""
    text = "\n".join(re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL))
    assert text.count("8123") == 3
    return text.replace(". .venv/bin/activate\n", "").replace("8123", str(port))


@pytest.mark.full
def test_the_quickstart_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """`make demo` comes first, as the document says; `python` is the one that runs the tests."""
    demo = [sys.executable, "-m", "export", "demo", "--out", "build/demo"]
    subprocess.run(demo, cwd=tmp_path, check=True, capture_output=True, timeout=600)
    python = tmp_path / "bin/python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    whole = f'set -eu\ntrap "kill $(jobs -p) 2>/dev/null || :" EXIT\n{script(port)}'
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    with (tmp_path / "said").open("w+") as said:
        done = subprocess.run(
            ["sh", "-c", whole], cwd=tmp_path, env=environment, stdout=said, stderr=said, timeout=300, check=False
        )
        said.seek(0)
        assert done.returncode == 0, said.read()
    with (tmp_path / "tags.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["device"], row["kind"], row["clock"], row["product_listed"]) for row in rows] == [
        ("till 1", "accepted", "ok", "True")
    ]
    assert "1 events" in (tmp_path / "said").read_text()
