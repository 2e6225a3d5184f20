"""What the operator asked for in the address: a catalogue, a stretch of days, a page of a long table.

    /admin?catalog=shop&since=2026-11-01&until=2026-11-27&page=2

Without `since` it is the last 30 days, with an empty one everything from the beginning. `until` is the last day shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from server.app.problems import Problem
from server.database.decisions import DAY_S, Window

DAYS = 30
LARGEST_PAGE = 100_000
LONGEST = 1_000


@dataclass(frozen=True)
class Asked:
    """The filters as they stand in the form.

    Attributes:
        catalog: name of a catalogue, empty: all.
        since: first day that is shown, YYYY-MM-DD in UTC; empty: from the beginning.
        until: last day that is shown; empty: to the present.
        product: a product id, empty: all.
        page: of a long table, from 1.
    """

    catalog: str
    since: str
    until: str
    product: str
    page: int

    @property
    def kept(self) -> dict[str, str]:
        """The filters for the addresses of links; `since` is named even where it is empty."""
        named = {"catalog": self.catalog, "until": self.until}
        return {"since": self.since, **{name: value for name, value in named.items() if value}}

    def window(self) -> Window:
        """Return which decisions are meant."""
        since_s = _day(self.since, "since") if self.since else None
        until_s = _day(self.until, "until") + DAY_S if self.until else None
        return Window(since_s, until_s, self.catalog or None, self.product or None)


def asked(values: Mapping[str, str], now_s: float) -> Asked:
    """Read the filters.

    Raises:
        Problem: 400, one of them is none.
    """
    today = datetime.fromtimestamp(now_s - (DAYS - 1) * DAY_S, UTC).date().isoformat()
    texts = {name: values.get(name, "").strip() for name in ("catalog", "until", "product")}
    for name, value in texts.items():
        if len(value) > LONGEST or not _is_text(value):
            raise Problem(400, f"{name}: expected up to {LONGEST:,} characters of text")
    found = Asked(since=values.get("since", today).strip(), page=_page(values.get("page", "1")), **texts)
    window = found.window()
    if window.since_s is not None and window.until_s is not None and window.since_s >= window.until_s:
        raise Problem(400, "the first day is after the last day: exchange them")
    return found


def _day(text: str, name: str) -> float:
    try:
        day = date.fromisoformat(text)
        if len(text) != len("2026-11-27") or not 1970 <= day.year <= 9000:
            raise ValueError
    except ValueError:
        raise Problem(400, f"{name}: expected a day like 2026-11-27") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _page(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6 and 1 <= int(text) <= LARGEST_PAGE):
        raise Problem(400, f"page: expected a number from 1 to {LARGEST_PAGE:,}")
    return int(text)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
