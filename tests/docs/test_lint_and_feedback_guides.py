"""The commands of docs/lint.md and docs/feedback.md run as they are shown, in a small stand-in for the demo."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.verdict import read_verdict
from server.cli import main as server
from tests.docs.code_blocks import REPOSITORY
from tests.lint.conftest import drawn
from tests.lint.shop import Shop

__all__ = ["drawn"]


def script(document: str) -> str:
    text = (REPOSITORY / "docs" / document).read_text()
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


def run(document: str, folder: Path) -> str:
    (folder / "bin").mkdir()
    python = folder / "bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", f"set -eu\n{script(document)}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def demo(drawn: Shop, tmp_path: Path) -> Path:
    """A folder like that of `make demo`: its table, pictures, shard, and two photos with their answers."""
    folder = tmp_path / "build/demo"
    shutil.copytree(drawn.folder, folder)
    (folder / "items.csv").rename(folder / "ITEMS.csv")
    (folder / "photos").mkdir()
    lines = ["path,product_id,group"]
    for number in (0, 2):
        name = f"clear-{number + 2:02d}.jpg"
        shutil.copy(folder / f"images/photo-{number}.jpg", folder / "photos" / name)
        lines.append(f"{name},{drawn.products[number].product_id},clear")
    (folder / "photos/queries.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_the_guide_to_lint_runs_from_top_to_bottom(demo: Path) -> None:
    said = run("lint.md", demo)
    assert "Canaries: none" in said and read_verdict(demo / "verdict.json").passed
    assert "<html" in (demo / "lint.html").read_text() and (demo / "canaries.csv").read_text().count("\n") == 3


def test_the_guide_to_feedback_runs_from_top_to_bottom(drawn: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    shutil.copytree(drawn.folder, folder)
    (folder / "items.csv").rename(folder / "ITEMS.csv")
    (folder / "canaries.csv").write_text(f"photo,product_id\nphoto-0.jpg,{drawn.products[0].product_id}\n")
    assert server(["init", str(folder / "shop"), "--no-passphrase", "--single-key"]) == 0
    said = run("feedback.md", folder)
    assert "0 vectors of 0 devices" in said and read_verdict(folder / "verdict.json").passed
