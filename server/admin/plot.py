"""The course of decisions as a picture: shares above, numbers below; drawn by the template `plot.html` as SVG.

Everything here is numbers and dates that the server made; no text of a device comes into a plot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from server.database.decisions import Step

KINDS = ("accepted", "corrected", "rejected")
LEFT, RIGHT, TOP = 44.0, 4.0, 8.0
SHARES, GAP, NUMBERS, BELOW = 150.0, 22.0, 54.0, 24.0
DATE_WIDTH, DATE_GAP = 72.0, 22.0
GAP_SHARE = 0.18


@dataclass(frozen=True)
class Bar:
    """A rectangle, in the plot's units."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Label:
    """A text at a place, in the plot's units."""

    x: float
    y: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class Plot:
    """A drawing.

    Attributes:
        width: of the whole, in its own units, which are pixels where there is room.
        height: of the whole.
        bars: rectangles, of which every kind has its colour.
        lines: y of the horizontal lines.
        labels: texts.
        name: "wide" or "narrow".
    """

    width: float
    height: float
    bars: tuple[Bar, ...]
    lines: tuple[float, ...]
    labels: tuple[Label, ...]
    name: str

    @property
    def inner(self) -> tuple[float, float]:
        """Where horizontal lines begin and end."""
        return LEFT, self.width - RIGHT


def plots_of(steps: Sequence[Step]) -> tuple[Plot, Plot]:
    """Return a plot for a wide and one for a narrow page."""
    return plot_of(steps, 860.0, "wide"), plot_of(steps, 340.0, "narrow")


def plot_of(steps: Sequence[Step], width: float, name: str) -> Plot:
    """Lay a course out: of every step the shares of the three kinds, and beneath it how many decisions there were."""
    pitch = (width - LEFT - RIGHT) / max(len(steps), 1)
    most = max((step.counts.all for step in steps), default=0)
    base = TOP + SHARES + GAP + NUMBERS
    bars: list[Bar] = []
    for number, step in enumerate(steps):
        x, bar = LEFT + (number + GAP_SHARE / 2) * pitch, pitch * (1 - GAP_SHARE)
        bars += _stack(step, x, bar)
        high = NUMBERS * step.counts.all / most if most else 0.0
        if step.counts.all:
            bars.append(Bar(x, base - high, bar, high, "number"))
    lines = (TOP, TOP + SHARES / 2, TOP + SHARES, base - NUMBERS, base)
    at = LEFT - 6
    labels = [Label(at, y + 4, text) for y, text in zip(lines[:3], ("100 %", "50 %", "0 %"), strict=True)]
    labels += [Label(at, base - NUMBERS + 4, _short(most)), Label(at, base + 4, "0")]
    return Plot(width, base + BELOW, tuple(bars), lines, (*labels, *_dates(steps, pitch, base + 18, width)), name)


def _stack(step: Step, x: float, width: float) -> list[Bar]:
    """Return the parts of one bar, accepted at the foot."""
    parts, foot = [], TOP + SHARES
    for kind in KINDS:
        high = SHARES * step.counts.share(kind)
        if high > 0:
            foot -= high
            parts.append(Bar(x, foot, width, high, kind))
    return parts


def _dates(steps: Sequence[Step], pitch: float, y: float, width: float) -> list[Label]:
    """Return as many dates as have room, from the last backwards."""
    labels: list[Label] = []
    free = width
    for number in range(len(steps) - 1, -1, -1):
        x = min(LEFT + (number + 0.5) * pitch, width - RIGHT - DATE_WIDTH / 2)
        if x + DATE_WIDTH / 2 <= free and x >= DATE_WIDTH / 2:
            labels.append(Label(x, y, f"{datetime.fromtimestamp(steps[number].start_s, UTC):%Y-%m-%d}", "middle"))
            free = x - DATE_WIDTH / 2 - DATE_GAP
    return labels


def _short(count: int) -> str:
    for scale, letter in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= 10 * scale:
            return f"{count / scale:.0f}{letter}"
    return str(count)
