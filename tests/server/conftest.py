"""Tests here write hundreds of small files and do not wait for the disk: a killed process loses nothing by that."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let fsync do nothing."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
