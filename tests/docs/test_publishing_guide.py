"""The operator's guide, docs/publishing.md, run from top to bottom as its reader would."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.code_blocks import REPOSITORY

GUIDE = REPOSITORY / "docs" / "publishing.md"
OTHER_GUIDES = [GUIDE.with_name(name) for name in ("quickstart-server.md", "deploy.md", "server.md")]


def script() -> str:
    """Return the guide's commands as one shell script."""
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL))


def test_the_guides_show_every_command_of_the_server() -> None:
    from server.cli import COMMANDS

    shown = set(re.findall(r"python -m server ([a-z]+)", script() + "".join(map(Path.read_text, OTHER_GUIDES))))
    assert shown == {command.name for command in COMMANDS}


@pytest.mark.full
def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    """`make demo` comes first, as the guide says; `python` is the one that runs the tests."""
    demo = [sys.executable, "-m", "export", "demo", "--out", "build/demo"]
    subprocess.run(demo, cwd=tmp_path, check=True, capture_output=True, timeout=600)
    whole = f'set -eu\npython() {{ "{sys.executable}" "$@"; }}\n{script()}'
    done = subprocess.run(["sh", "-c", whole], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line)["event"] for line in (tmp_path / "shop/journal.jsonl").read_text().splitlines()]
    assert [event for event in events if event == "rotate"] == ["rotate"] * 3
    assert {"init", "publish", "rollout", "withdraw", "rotate"} <= set(events)
    assert (tmp_path / "shop/public/metadata/4.root.json").is_file()
