"""Where the time of a run goes: seconds added up by name, cheap enough to leave on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TypeVar

T = TypeVar("T")


class Stopwatch:
    """Adds up the wall time of named laps."""

    def __init__(self) -> None:
        self._started = perf_counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        """Add the time of the block to `name`."""
        start = perf_counter()
        try:
            yield
        finally:
            self._seconds[name] += perf_counter() - start

    def over(self, name: str, items: Iterable[T]) -> Iterator[T]:
        """Yield the items; the time spent waiting for each is added to `name`."""
        iterator = iter(items)
        while True:
            with self.lap(name):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item

    def timing_ms(self, names: Iterable[str]) -> dict[str, float]:
        """Return milliseconds for each name (0 where it never ran) and `total` since the stopwatch was made."""
        laps = {name: round(self._seconds[name] * 1000, 3) for name in names}
        return {**laps, "total": round((perf_counter() - self._started) * 1000, 3)}
