"""The commands that documents show: every line of a `sh` block, with its file and line."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class ShownCommand:
    """A command of a document: where it stands and its words, comments taken off."""

    document: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[Path]:
    """Return the Markdown files of the project."""
    return [*sorted(REPOSITORY.glob("*.md")), *sorted((REPOSITORY / "docs").rglob("*.md"))]


def shown_commands(document: Path, text: str | None = None) -> list[ShownCommand]:
    """Return the commands of a document's `sh` blocks; lines that end in a backslash are joined."""
    text = document.read_text() if text is None else text
    name = document.relative_to(REPOSITORY).as_posix()
    found = []
    for block in FENCE.finditer(text):
        first = text.count("\n", 0, block.start(1)) + 1
        for match in re.finditer(r"(?:.*\\\n)*.+", block.group(1)):
            words = shlex.split(match.group().replace("\\\n", " "), comments=True)
            if words:
                line = first + block.group(1).count("\n", 0, match.start())
                found.append(ShownCommand(name, line, tuple(words)))
    return found


def run(words: Sequence[str], folder: Path) -> str:
    """Run a shown `python ...` in a folder, with the checkout's code; return all that it says. It must succeed."""
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, *words[1:]]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr
