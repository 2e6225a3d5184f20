"""The commands of docs/outbox.md and docs/privacy.md, in their order, against a server on a real socket."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edge.cli import main
from edge.golden import golden_folder
from edge.outbox.drafts import newest
from tests.docs.code_blocks import REPOSITORY, ShownCommand, shown_commands
from tests.outbox.device import waiting
from tests.outbox.server import EventServer, listening
from tests.outbox.test_commands import published

__all__ = ["published"]

GUIDE = [*shown_commands(REPOSITORY / "docs/outbox.md"), *shown_commands(REPOSITORY / "docs/privacy.md")]


def as_here(command: ShownCommand, address: str, home: Path) -> list[str]:
    """Return a command's words with the addresses and tag_ids of this test in place of those that are shown."""
    here = {"https://shop.example/catalogs": address, "clip.mp4": "two.png"}
    tags = [draft.tag_id for draft, _ in newest(home, 3)] if home.exists() else []
    here |= dict(zip(("280f", "9a56", "d3da"), tags, strict=False))
    return [*(here.get(word, word) for word in command.words[3:]), "--home", str(home)]


def test_the_guide_runs_from_top_to_bottom(
    tmp_path: Path, published: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    home, events = tmp_path / "home", EventServer()
    shutil.copy(golden_folder() / "two.png", tmp_path)
    assert main(["tag", str(golden_folder() / "one.png"), "--home", str(home)]) == 0, "a third tag to correct"
    with listening(events, published) as address:
        for command in GUIDE:
            words = as_here(command, address, home)
            capsys.readouterr()
            assert main(words) == 0, f"{command}: {capsys.readouterr().err}"
            if words[0] == "sync" and "--dry-run" not in words:
                assert [event["kind"] for event in events.stored.values()] == ["accepted", "rejected", "corrected"]
    assert waiting(home) == [] and events.stored == {} and events.tokens == {}
