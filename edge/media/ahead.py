"""Decode beside inference: an iterator that runs in a thread of its own, a few items ahead.

    >>> with Ahead(source.glances(0.1)) as glances:
    ...     for glance in glances: ...

The items come in their order and none is left out, so that what is made of them does not depend on how fast either
side is; with `newest_only` one that was not fetched in time gives way to the next. An error of the iterator is raised
where its item would have come. Leaving the block ends the thread, whatever the reason.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from threading import Condition, Thread
from time import perf_counter
from types import TracebackType
from typing import Generic, TypeVar

AHEAD = 4
INTERRUPTIBLE_S = 0.5
"""Some platforms do not interrupt a wait that has no end."""
T = TypeVar("T")


class Ahead(Generic[T]):
    """Runs an iterator ahead of whoever reads it.

    Attributes:
        dropped: items that gave way to newer ones.
        worked_s: seconds that the iterator took.
        behind_s: seconds by which the last item came later than it was due; 0 where nothing is due.
    """

    def __init__(
        self,
        items: Iterator[T],
        depth: int = AHEAD,
        newest_only: bool = False,
        due_s: Callable[[T], float] | None = None,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        """Start nothing yet; entering the block does.

        Args:
            items: run in the thread alone.
            depth: how many items wait at most.
            newest_only: whether an item gives way to a newer one instead of making the thread wait.
            due_s: seconds from the start before which an item does not come; None lets it come at once.
            clock: measures what the iterator takes, in seconds; called in the thread.
        """
        self.dropped, self.worked_s, self.behind_s = 0, 0.0, 0.0
        self._clock = clock
        self._items, self._depth, self._newest_only, self._due_s = items, depth, newest_only, due_s
        self._waiting: deque[T] = deque()
        self._changed = Condition()
        self._ended = self._stopped = False
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, name="decoding", daemon=True)
        self._started = 0.0

    def __enter__(self) -> Ahead[T]:
        self._started = perf_counter()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            while not self._waiting and not self._ended:
                self._changed.wait(INTERRUPTIBLE_S)
            if self._waiting:
                item = self._waiting.popleft()
                self._changed.notify_all()
                return item
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            raise StopIteration

    def _run(self) -> None:
        """Be the thread."""
        try:
            while not self._stopped:
                start = self._clock()
                item = next(self._items, None)
                self.worked_s += self._clock() - start
                if item is None or not self._hand_over(item):
                    break
        except BaseException as e:
            self._error = e
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _hand_over(self, item: T) -> bool:
        """Put an item where the reader finds it; return False where nobody reads any more."""
        with self._changed:
            if self._due_s is not None:
                early_s = self._started + self._due_s(item) - perf_counter()
                self.behind_s = max(0.0, -early_s)
                self._changed.wait_for(lambda: self._stopped, timeout=max(0.0, early_s))
            if self._newest_only:
                self.dropped += len(self._waiting)
                self._waiting.clear()
            while len(self._waiting) >= self._depth and not self._stopped:
                self._changed.wait()
            self._waiting.append(item)
            self._changed.notify_all()
            return not self._stopped
