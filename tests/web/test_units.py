"""The page's units, by vitest in node; deltas among them, which lead where Python's lead or are refused as there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.delta_cases import write_cases
from tests.web.node import run_tool


def test_every_unit_of_the_page_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cases(tmp_path / "deltas.json")
    monkeypatch.setenv("TAGLET_DELTA_CASES", str(tmp_path / "deltas.json"))
    said = run_tool("vitest/vitest.mjs", "run")
    assert "skipped" not in said, said
