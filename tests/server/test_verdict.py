"""The verdict on a shard: read as it was written, or refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ArtefactRefused
from edge.verdict import Verdict, read_verdict, verdict_bytes

SHARD = "a" * 64
CHECKS = st.lists(st.fixed_dictionaries({"name": st.text(max_size=5), "passed": st.booleans()}), max_size=4)


def test_no_check_is_no_pass() -> None:
    assert not Verdict.of(SHARD, ()).passed


@given(CHECKS)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, checks: list[dict[str, Any]]) -> None:
    path = tmp_path_factory.getbasetemp() / "verdict.json"
    verdict = Verdict.of(SHARD, tuple(checks))
    path.write_bytes(verdict_bytes(verdict))
    assert read_verdict(path) == verdict
    assert verdict.passed == (bool(checks) and not verdict.failed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"schema": 2}, "verdict schema 2, this version reads 1"),
        ({"schema": True}, "verdict schema True"),
        ({"shard": "../up"}, "is not the identity of a shard"),
        ({"passed": 1}, "exactly the keys"),
        ({"more": 1}, "exactly the keys"),
        ({"passed": True}, "contradicts itself"),
        ({"checks": [{"name": "a"}]}, "every check needs a name"),
        ({"checks": None}, "every check needs a name"),
        ({"checks": [], "passed": True}, "contradicts itself"),
    ],
)
def test_what_is_malformed_or_contradicts_itself_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    value = json.loads(verdict_bytes(Verdict.of(SHARD, ({"name": "a", "passed": False},))))
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps({**value, **changed}))
    with pytest.raises(ArtefactRefused, match=said):
        read_verdict(path)
