"""The README's commands, run one after the other as a reader would, in a folder of their own."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.code_blocks import REPOSITORY, shown_commands


def runnable() -> list[tuple[str, ...]]:
    """Return the README's `python -m` calls, and before them what `make demo` runs."""
    demo = re.search(r"^demo:.*\n\t@\$\(PY\) (-m .*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert demo is not None
    shown = [command.words for command in shown_commands(REPOSITORY / "README.md")]
    return [("python", *shlex.split(demo[1])), *(words for words in shown if words[0] == "python")]


def test_readme_shows_calls_to_run() -> None:
    assert [words[3] for words in runnable()][:3] == ["demo", "catalog", "tag"]


@pytest.mark.full
def test_readme_runs_from_top_to_bottom(tmp_path: Path) -> None:
    for words in runnable():
        command = [sys.executable, *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    named = re.findall(r"\bbuild/[a-z/]*\.(?:html|mp4|json)\b", (REPOSITORY / "README.md").read_text())
    assert {"build/demo/report.html", "build/report.html", "build/annotated.mp4", "build/tags.json"} <= set(named)
    assert [name for name in named if not (tmp_path / name).is_file()] == []
    sources = json.loads((tmp_path / "build/tags.json").read_text())["sources"]
    assert sources and all(source["error"] is None for source in sources)
