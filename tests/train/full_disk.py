"""A disk that is really full: a file system of a few pages in memory, in a namespace of its own, without root."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

NAMESPACE = ("unshare", "--mount", "--user", "--map-root-user", "sh", "-c")


def run_on_small_disk(folder: Path, size: str, call: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a call while `folder` is a file system of so many bytes ("600k"); skip where that cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = f"mount -t tmpfs -o size={size} tmpfs {shlex.quote(str(folder))}"
    try:
        probe = subprocess.run([*NAMESPACE, mount], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is not installed: a small disk cannot be had")
    if probe.returncode:
        pytest.skip(f"a small disk cannot be had here: {probe.stderr.strip()}")
    script = f"{mount} && {shlex.join(call)}; code=$?; ls -A {shlex.quote(str(folder))} >&2; exit $code"
    return subprocess.run([*NAMESPACE, script], capture_output=True, text=True, check=False)
