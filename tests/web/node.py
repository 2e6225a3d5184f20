"""Node.js for the tests: the one that `make web` found or installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.conftest import REPOSITORY, absent

WEB = REPOSITORY / "web_demo"
OWN = REPOSITORY / ".node" / "bin"
"""Where `make web` puts a Node.js if the machine has none that is new enough."""


def node() -> Path:
    """Return node, once the packages of the page are installed, or skip (in CI: fail)."""
    found = OWN / "node" if (OWN / "node").exists() else Path(shutil.which("node") or "")
    if not found.is_file() or not (WEB / "node_modules" / ".installed").exists():
        absent("web", "what builds the page is not installed: `make web` installs it")
    return found


def run_tool(tool: str, *words: str) -> str:
    """Run a tool of the page's packages, such as "vite/bin/vite.js"; return what it says."""
    path = os.pathsep.join([str(node().parent), os.environ["PATH"]])
    done = subprocess.run(
        [node(), f"node_modules/{tool}", *words],
        cwd=WEB,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
