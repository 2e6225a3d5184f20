"""What is not on this machine skips a test visibly, or fails it where it is required."""

from __future__ import annotations

import pytest

from tests.conftest import absent

FAILS, SKIPS = pytest.fail.Exception, pytest.skip.Exception


@pytest.mark.parametrize(
    ("name", "environment", "outcome"),
    [
        ("shared", {}, SKIPS),
        ("shared", {"CI": "true"}, FAILS),
        ("shared", {"CI": "false"}, SKIPS),
        ("shared", {"TAGLET_REQUIRE": "torch,shared"}, FAILS),
        ("tflite", {}, SKIPS),
        ("tflite", {"CI": "true"}, FAILS),
        ("postgres", {}, SKIPS),
        ("postgres", {"CI": "true"}, FAILS),
        ("torch", {"CI": "true"}, SKIPS),
        ("torch", {"TAGLET_REQUIRE": "torch"}, FAILS),
    ],
)
def test_absence_skips_or_fails(
    monkeypatch: pytest.MonkeyPatch, name: str, environment: dict[str, str], outcome: type[BaseException]
) -> None:
    for variable in ("CI", "TAGLET_REQUIRE"):
        monkeypatch.delenv(variable, raising=False)
        if variable in environment:
            monkeypatch.setenv(variable, environment[variable])
    with pytest.raises(outcome, match="not on this machine"):
        absent(name, "not on this machine")
