"""When to look: slowly where nothing moves, faster where something does, and not at all at what shows nothing new.

Between looks a source is glanced at: a small grey picture, `GLANCE_S` apart. What it shows against the one of the last
look, and against the glance before, decides.

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
CALM_S = 0.5
STILL_S = 4.0
"""Seconds from one look to the next where something moves, where little does, and where nothing does."""
STEP = 12
"""Levels of grey, of 255, by which a cell of the small picture must change to count."""
CHANGED = 0.002
MOVING = 0.01
"""Shares of the cells: from here on something is new since the last look, or moves since the last glance."""

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


def decide(since_s: float, new: float, moving: bool) -> Decision:
    """Return what to do at a glance.

    Args:
        since_s: seconds since the last look.
        new: share of the cells, 0..1, that have changed since.
        moving: whether something moves, or an object came or was missed.

    Returns:
        "look"; "still", nothing is new since the last look; "wait", it is not yet time.
    """
    still = new < CHANGED
    due_s = STILL_S if still else QUICK_S if moving else CALM_S
    if since_s + CLOCK_TOLERANCE_S >= due_s:
        return "look"
    return "still" if still else "wait"


class Pace(Protocol):
    """Decides for each glance in turn.

    Attributes:
        glance_s: seconds between glances.
        whole: whether every frame has to be decoded, so that the first one at or after each step is not left out.
    """

    glance_s: float
    whole: bool

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

    def decide(self, timestamp_s: float, grey: Grey) -> Decision:
        """Look."""
        return "look"

    def learn(self, timestamp_s: float, grey: Grey, restless: bool) -> None:
        """Change nothing."""


class Adaptive:
    """Looks where something changes."""

    glance_s, whole = GLANCE_S, False

    def __init__(self) -> None:
        """Start before the first glance."""
        self._looked_s: float | None = None
        self._looked_at: Grey | None = None
        self._glanced_at: Grey | None = None
        self._restless = False

    def decide(self, timestamp_s: float, grey: Grey) -> Decision:
        """Compare with the last look and the last glance; see the head of this module."""
        before, self._glanced_at = self._glanced_at, grey
        if self._looked_s is None or self._looked_at is None or before is None:
            return "look"
        moving = self._restless or changed(grey, before) >= MOVING
        return decide(timestamp_s - self._looked_s, changed(grey, self._looked_at), moving)

    def learn(self, timestamp_s: float, grey: Grey, restless: bool) -> None:
        """Compare with this look from now on; look quickly again where an object came or was missed."""
        self._looked_s, self._looked_at, self._restless = timestamp_s, grey, restless


def pace_for(every_s: float | None) -> Pace:
    """Return the pace that the user asked for: None looks where something changes."""
    return Adaptive() if every_s is None else Steady(every_s)
