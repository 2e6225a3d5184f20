"""What gives way where time is short: first how often is looked, then the size of the detector's input, then decoding.

A budget is milliseconds of work for each second of video: decoding, detecting, embedding and searching together. It
counts numbers alone; whoever works measures. Without a limit nothing gives way.

    >>> budget = Budget(Limits(budget_ms=50))
    >>> budget.allows(2.0, Spent(work_ms=400.0, decoding_ms=40.0))
    False
"""

from __future__ import annotations

from dataclasses import dataclass

from edge.media.frame import Hurry

ADVANCE_S = 1.0
"""So many seconds of the budget may be spent before their time has come, so that a video can begin."""
SPARSE_S = 1.0
"""Where looks that were put off lie further apart, the detector's input becomes smaller."""
CALM_AFTER_S = 10.0
"""Without a look put off for so long, it becomes larger again."""
SHARES = (1.0, 0.75, 0.5)
"""Sides of the detector's input at each level, as shares of the whole ones."""
DECODING_SHARE = 0.5
"""Where decoding alone takes more of the budget, only key frames are decoded."""
REALTIME_MS = 900.0
"""Work that fits into a second of a video that is played at its own speed; the rest is for the device's other tasks."""
BEHIND_S = 0.5
"""Where decoding is later than that, only key frames are decoded until it has caught up."""


@dataclass(frozen=True)
class Limits:
    """What the user allows.

    Attributes:
        realtime: the video is taken at its own speed, as from a camera, and what comes too late is left out.
        budget_ms: milliseconds of work for each second of video; None sets no limit.
    """

    realtime: bool = False
    budget_ms: float | None = None

    @property
    def per_second_ms(self) -> float | None:
        """Milliseconds of work that a second of video may take; None for any."""
        if not self.realtime:
            return self.budget_ms
        return min(REALTIME_MS, self.budget_ms or REALTIME_MS)


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Spent:
    """What a video has taken so far.

    Attributes:
        work_ms: all work: decoding, detecting, embedding, searching.
        decoding_ms: that part of it which was decoding.
        behind_s: by how much decoding is later than the video's own speed.
        dropped: glances that came too late to be used.
    """

    work_ms: float = 0.0
    decoding_ms: float = 0.0
    behind_s: float = 0.0
    dropped: int = 0


class Budget:
    """Keeps to the limits of one video.

    Attributes:
        looks: how many were taken.
        put_off: looks that were wanted and did not fit.
        sparse_s: longest time between two looks of which the second was wanted earlier.
        least_share: smallest share of the detector's input that was asked for.
        key_frames_only: whether decoding had to leave out all but key frames at some time.
    """

    def __init__(self, limits: Limits, at_ease: Hurry = "unreferenced") -> None:
        """Start with nothing spent; `at_ease` is what decoding leaves out anyway."""
        self._limits, self._at_ease = limits, at_ease
        self.looks = self.put_off = 0
        self.sparse_s, self.least_share, self.key_frames_only = 0.0, 1.0, False
        self._level = 0
        self._pressed = False
        self._looked_s = self._pressed_s = 0.0
        self._dropped = 0
        self._hurry = at_ease

    def allows(self, timestamp_s: float, spent: Spent) -> bool:
        """Return whether a look wanted at a time, in seconds from the start, may be taken; the first one always."""
        per_second_ms = self._limits.per_second_ms
        if per_second_ms is not None:
            earned_ms = per_second_ms * (timestamp_s + ADVANCE_S)
            self._set_hurry(spent.decoding_ms > DECODING_SHARE * earned_ms or spent.behind_s > BEHIND_S)
            if self.looks and spent.work_ms > earned_ms:
                self._pressed, self._pressed_s = True, timestamp_s
                self.put_off += 1
                return False
        self.looks += 1
        self._set_level(timestamp_s, self._pressed or spent.dropped > self._dropped)
        self._pressed, self._looked_s, self._dropped = False, timestamp_s, spent.dropped
        return True

    @property
    def share(self) -> float:
        """The sides that the detector's input should have, as a share of the whole ones."""
        return SHARES[self._level]

    def hurry(self) -> Hurry:
        """Say what decoding may leave out."""
        return self._hurry

    def _set_level(self, timestamp_s: float, pressed: bool) -> None:
        since_s = timestamp_s - self._looked_s
        if pressed:
            self._pressed_s, self.sparse_s = timestamp_s, max(self.sparse_s, since_s)
        if pressed and since_s > SPARSE_S:
            self._level = min(self._level + 1, len(SHARES) - 1)
            self.least_share = min(self.least_share, self.share)
        elif self._level and timestamp_s - self._pressed_s > CALM_AFTER_S:
            self._level, self._pressed_s = self._level - 1, timestamp_s

    def _set_hurry(self, needed: bool) -> None:
        self._hurry = "most" if needed else self._at_ease
        self.key_frames_only = self.key_frames_only or needed


def remarks(budget: Budget, limits: Limits, dropped: int, input_fixed: bool) -> tuple[str, ...]:
    """Say what gave way, a sentence each.

    Args:
        budget: after the video.
        limits: what the user allowed.
        dropped: glances that came too late to be used.
        input_fixed: whether the detector's model takes one size of input only.
    """
    said = []
    if dropped:
        said.append(f"taken at its own speed: {dropped} glances at frames came too late and were left out")
    if budget.put_off:
        allowed = f"{limits.per_second_ms:g} ms of work a second"
        said.append(f"{allowed}: {budget.put_off} times a look was put off, {budget.looks} looks were taken")
    if budget.least_share < 1 and input_fixed:
        said.append("the detector's model takes one size of input only, so that could not be reduced")
    elif budget.least_share < 1:
        said.append(f"for a while the detector's input had {budget.least_share:g} of its sides")
    if budget.key_frames_only:
        said.append("decoding took too long: for a while only key frames were decoded")
    return tuple(said)
