"""How numbers, sizes and times look on the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from server.database.decisions import DAY_S


def percent(share: float) -> str:
    """Return a share: "37 %"; what is neither none nor all never looks so."""
    whole = round(share * 100)
    if whole == 0 and share > 0:
        return "under 1 %"
    return "over 99 %" if whole == 100 and share < 1 else f"{whole} %"


def when(seconds: float) -> str:
    """Return a time: "2026-11-27 22:30 UTC"."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def day(seconds: float) -> str:
    """Return a day: "2026-11-27"."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def whole(count: float) -> str:
    """Return a number with its thousands apart: "12,345"."""
    return f"{int(count):,}"


def bytes_of(count: float) -> str:
    """Return a number of bytes: "812 B", "36.9 kB", "2.85 MB"."""
    for unit, scale, digits in (("GB", 1e9, 2), ("MB", 1e6, 2), ("kB", 1e3, 1)):
        if count >= scale:
            return f"{count / scale:.{digits}f} {unit}"
    return f"{int(count)} B"


def stretch(seconds: float) -> str:
    """Return how long a step of a plot is: "day", "week", "28 days"."""
    days = round(seconds / DAY_S)
    return {1: "day", 7: "week"}.get(days, f"{days} days")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "percent": percent,
    "when": when,
    "day": day,
    "whole": whole,
    "bytes_of": bytes_of,
    "stretch": stretch,
}
