"""When to look: slowly where nothing moves, faster where something does, and not at all at what shows nothing new.

Between looks a source is glanced at: a small grey picture, `GLANCE_S` apart. What it shows against the one of the last
look, and against the glance before, decides. Where suddenly much of it differs from the glance before, the video was
cut: what is seen from there on is not what was seen until then, also at the same place.

    >>> pace = pace_for(None)
    >>> pace.decide(0.0, grey)
    'look'
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from edge.media.sampling import CLOCK_TOLERANCE_S

GLANCE_S = 0.1
QUICK_S = 0.2
BRISK_S = 0.3
CALM_S = 0.5
STILL_S = 4.0
"""Seconds from a look to the next: where an object came or was missed, something moves, little does, nothing does."""
STEP = 12
"""Levels of grey, of 255, by which a cell of the small picture must change to count."""
CHANGED = 0.002
MOVING = 0.01
"""Shares of the cells: from here on something is new since the last look, or moves since the last glance."""

CUT = 0.2
CUT_RISE = 8.0
"""A cut: so large a share of the cells has changed since the last glance, and so many times that of the last glance.

A camera that pans and a hand that comes near change as much, but not all of a sudden.
"""

Grey = npt.NDArray[np.uint8]
Decision = Literal["look", "still", "wait"]


def changed(a: Grey, b: Grey) -> float:
    """Return the share of cells, 0..1, by which two small pictures differ; 1 where they have not the same size.

    What all of the picture has in common, the median of the differences (of two middle ones the upper), is taken out:
    a camera that sets its exposure shows nothing new.
    """
    if a.shape != b.shape:
        return 1.0
    step = a.astype(np.int16).reshape(-1) - b.reshape(-1)
    common = np.partition(step, len(step) // 2)[len(step) // 2]
    return float(np.count_nonzero(np.abs(step - common) >= STEP)) / len(step)


def decide(since_s: float, new: float, moving: float, restless: bool) -> Decision:
    """Return what to do at a glance.

    Args:
        since_s: seconds since the last look.
        new: share of the cells, 0..1, that have changed since.
        moving: share of the cells that have changed since the last glance.
        restless: whether an object came or was missed at the last look, or the video was cut since.

    Returns:
        "look"; "still", nothing is new since the last look; "wait", it is not yet time.
    """
    still = new < CHANGED
    due_s = STILL_S if still else QUICK_S if restless else BRISK_S if moving >= MOVING else CALM_S
    if since_s + CLOCK_TOLERANCE_S >= due_s:
        return "look"
    return "still" if still else "wait"


class Moves:
    """What differs from glance to glance, and where that is a cut."""

    def __init__(self) -> None:
        """Start before the first glance."""
        self._before: Grey | None = None
        self._share = 1.0

    def take(self, grey: Grey) -> tuple[float, bool]:
        """Take in a glance; return the share of cells, 0..1, that differ from the one before, and whether it is a cut.

        Of the first glance nothing differs, and the second one is no cut: nothing says how much differs here anyway.
        """
        before, self._before = self._before, grey
        if before is None:
            return 0.0, False
        share, usual = changed(grey, before), self._share
        self._share = share
        return share, share >= CUT and share >= CUT_RISE * usual


class Pace(Protocol):
    """Decides for each glance in turn.

    Attributes:
        glance_s: seconds between glances.
        whole: whether every frame has to be decoded, so that the first one at or after each step is not left out.
        cut: whether the video was cut since the last look that was learned of.
    """

    glance_s: float
    whole: bool
    cut: bool

    def decide(self, timestamp_s: float, grey: Grey) -> Decision:
        """Say what to do at a glance, later than those before it.

        Args:
            timestamp_s: of the glance.
            grey: small grey picture, uint8 (h, w), of the same size each time.

        Returns:
            "look", and the caller looks; "still", nothing is new since the last look; "wait", it is not yet time.
        """

    def learn(self, timestamp_s: float, grey: Grey, restless: bool) -> None:
        """Take in that the caller has looked, and whether an object came or was missed."""


class Steady:
    """Looks at every glance: the user has fixed the rate."""

    whole = True

    def __init__(self, every_s: float) -> None:
        """Look every so many seconds; 0 looks at every frame."""
        self.glance_s = every_s
        self.cut = False
        self._moves = Moves()

    def decide(self, timestamp_s: float, grey: Grey) -> Decision:
        """Look, and note a cut."""
        if self.glance_s <= CALM_S:  # frames further apart differ much anyway
            self.cut = self._moves.take(grey)[1] or self.cut
        return "look"

    def learn(self, timestamp_s: float, grey: Grey, restless: bool) -> None:
        """Wait for the next cut."""
        self.cut = False


class Adaptive:
    """Looks where something changes."""

    glance_s, whole = GLANCE_S, False

    def __init__(self) -> None:
        """Start before the first glance."""
        self._looked_s: float | None = None
        self._looked_at: Grey | None = None
        self._moves = Moves()
        self._restless = False
        self.cut = False

    def decide(self, timestamp_s: float, grey: Grey) -> Decision:
        """Compare with the last look and the last glance; see the head of this module."""
        moving, cut = self._moves.take(grey)
        if self._looked_s is None or self._looked_at is None:
            return "look"
        new = changed(grey, self._looked_at)
        self.cut = (cut or self.cut) and new >= CHANGED
        return decide(timestamp_s - self._looked_s, new, moving, self._restless or self.cut)

    def learn(self, timestamp_s: float, grey: Grey, restless: bool) -> None:
        """Compare with this look from now on; look quickly again where an object came or was missed."""
        self._looked_s, self._looked_at, self._restless = timestamp_s, grey, restless
        self.cut = False


def pace_for(every_s: float | None) -> Pace:
    """Return the pace that the user asked for: None looks where something changes."""
    return Adaptive() if every_s is None else Steady(every_s)
