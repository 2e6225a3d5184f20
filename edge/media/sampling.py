"""Which frames of a stream are looked at, by their times alone."""

from __future__ import annotations

import math

CLOCK_TOLERANCE_S = 1e-6
"""A frame that is due counts as on time if it is early by no more than this: time bases rarely divide evenly."""


class Sampling:
    """Say for each frame in turn whether it is wanted: the first, then the first at or after each further step.

    The steps lie on a grid from the first frame, so that neither a variable frame rate nor a gap makes them drift, and
    a gap is followed by one frame, not by a burst.

        >>> sampling = Sampling(every_s=0.5)
        >>> [sampling.wants(t) for t in (0.0, 0.3, 0.6, 0.9, 3.0, 3.1)]
        [True, False, True, False, True, False]
    """

    def __init__(self, every_s: float) -> None:
        """Start a new sequence; 0 wants every frame.

        Raises:
            ValueError: `every_s` is negative or not a number.
        """
        if not 0 <= every_s < math.inf:
            raise ValueError(f"every_s must be 0 or more seconds, found {every_s}")
        self._every_s = every_s
        self._first_s: float | None = None
        self._due_s = 0.0

    def wants(self, timestamp_s: float) -> bool:
        """Return True if the frame at this time is to be looked at; times must not run backwards."""
        if self._first_s is None:
            self._first_s = self._due_s = timestamp_s
        if timestamp_s < self._due_s - CLOCK_TOLERANCE_S:
            return False
        if self._every_s > 0:
            steps = math.floor((timestamp_s - self._first_s + CLOCK_TOLERANCE_S) / self._every_s) + 1
            self._due_s = self._first_s + steps * self._every_s
        return True
