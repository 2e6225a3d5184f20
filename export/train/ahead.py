"""Batches drawn ahead of the training by other processes, in order.

Each process is a copy (fork) of this one, made when the first batch is asked for. Process k of n draws the steps k,
k + n, k + 2n, and so on. So which process draws a step is no matter of chance, and a source that keeps something from
draw to draw (a pool of rendered pictures) gives the same batches again with the same number of processes.

Invariants: batches come in the order of the steps; at most `waiting` of them wait here and one more in each process.
Whatever ends the drawing (the last step, an error, Ctrl-C, `close`), no process stays behind.

    >>> with drawn_ahead(draw, range(5000), workers=4) as batches:
    ...     for batch in batches: ...
"""

from __future__ import annotations

import fcntl
import multiprocessing
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from queue import Full, Queue
from typing import Any, Generic, NamedTuple, TypeVar

from edge.errors import InputError, TagletError

T = TypeVar("T")
PIPE_BYTES, PATIENCE_S = 1 << 20, 5.0
GROW_PIPE = getattr(fcntl, "F_SETPIPE_SZ", None)
"""Linux only: a batch is some megabytes, and a pipe takes 64 KiB at a time where it is not told otherwise."""


class _Failure(NamedTuple):
    """What a process says instead of a batch when it cannot draw it."""

    error: BaseException


class _Ended(NamedTuple):
    """What the reader hands on in the end: an error, or None after the last batch."""

    error: BaseException | None


@contextmanager
def drawn_ahead(
    draw: Callable[[int], T], steps: Sequence[int], workers: int, waiting: int = 4
) -> Iterator[Iterator[T]]:
    """Draw one batch a step, in order.

    Args:
        draw: makes the batch of a step; in another process where `workers` is not 0, so what it returns is pickled.
        steps: the steps, in the order in which they are asked for.
        workers: processes; 0 draws here, when a batch is asked for.
        waiting: batches that wait here at most.

    Yields:
        An iterator of the batches. It raises what `draw` raised in a process.

    Raises:
        InputError: a process was ended from outside (out of memory, say).
    """
    if workers == 0:
        yield (draw(step) for step in steps)
        return
    crew = _Crew(draw, steps, workers, waiting)
    try:
        yield iter(crew)
    finally:
        crew.dismiss()


class _Crew(Generic[T]):
    """The processes, and a thread that takes their batches in turn."""

    def __init__(self, draw: Callable[[int], T], steps: Sequence[int], workers: int, waiting: int) -> None:
        self._ready: Queue[T | _Ended] = Queue(waiting)
        self._over = threading.Event()
        self._ends: list[Connection] = []
        self._processes: list[ForkProcess] = []
        for index in range(workers):
            self._start(draw, steps[index::workers])
        self._reader = threading.Thread(target=self._read, args=(len(steps),), daemon=True)
        self._reader.start()

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := self._ready.get(), _Ended):
            yield item
        if item.error is not None:
            raise item.error

    def dismiss(self) -> None:
        """End the reader and the processes."""
        self._over.set()
        for process in self._processes:
            process.terminate()
        self._reader.join(PATIENCE_S)
        for process, end in zip(self._processes, self._ends, strict=True):
            process.join(PATIENCE_S)
            end.close()

    def _start(self, draw: Callable[[int], T], steps: Sequence[int]) -> None:
        receiving, sending = multiprocessing.Pipe(duplex=False)
        if GROW_PIPE is not None:
            fcntl.fcntl(sending.fileno(), GROW_PIPE, PIPE_BYTES)
        self._ends.append(receiving)
        process = multiprocessing.get_context("fork").Process(
            target=_work, args=(draw, steps, sending, list(self._ends)), daemon=True
        )
        with warnings.catch_warnings():  # Python 3.12 on warns of threads: these hold no lock that a copy needs
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        sending.close()
        self._processes.append(process)

    def _read(self, count: int) -> None:
        """Take the batches from the processes in turn, until the last, an error or the end of the whole."""
        try:
            for turn in range(count):
                item = self._take(turn % len(self._processes))
                if isinstance(item, _Failure):
                    raise item.error
                if not self._hand_on(item):
                    return
            self._hand_on(_Ended(None))
        except BaseException as e:  # whatever it is, it is raised where the batch is missing
            self._hand_on(_Ended(e))

    def _take(self, index: int) -> Any:
        try:
            return self._ends[index].recv()
        except (EOFError, OSError) as e:
            self._processes[index].join(PATIENCE_S)
            raise InputError(
                f"a process that draws batches was ended from outside (exit code {self._processes[index].exitcode}): "
                "take fewer --workers, they may need more memory than there is"
            ) from e

    def _hand_on(self, item: T | _Ended) -> bool:
        while not self._over.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False


def _work(draw: Callable[[int], Any], steps: Sequence[int], sending: Connection, inherited: list[Connection]) -> None:
    """Draw the steps of one process and send them; this runs in that process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all of them: the training decides what becomes of it
    for end in inherited:
        end.close()
    try:
        for step in steps:
            sending.send(draw(step))
    except BrokenPipeError:
        return
    except BaseException as e:  # the training raises it in its place
        sending.send(_Failure(_portable(e)))


def _portable(error: BaseException) -> BaseException:
    """Return an error that survives the way to another process: itself where it is one of ours."""
    if isinstance(error, TagletError | MemoryError):
        return error
    return RuntimeError(f"drawing a batch failed: {type(error).__name__}: {error}")
