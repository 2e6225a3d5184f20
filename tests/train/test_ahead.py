"""Batches drawn ahead: their order, their end, and what becomes of errors and of the processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from itertools import islice

import numpy as np
import pytest

from edge.errors import InputError
from export.train.ahead import drawn_ahead


def _heavy(step: int) -> np.ndarray:
    time.sleep(0.01 * (step % 3 == 0))
    return np.full(500_000, step, np.int32)


def _refusing(step: int) -> int:
    if step == 3:
        raise InputError("photo.jpg: cannot be read")
    return step


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_no_step_gives_no_batch(workers: int) -> None:
    with drawn_ahead(_heavy, range(4, 4), workers) as batches:
        assert list(batches) == []


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_batches_come_in_the_order_of_the_steps(workers: int) -> None:
    with drawn_ahead(_heavy, range(5, 16), workers) as batches:
        assert [int(batch[-1]) for batch in batches] == list(range(5, 16))


@pytest.mark.parametrize("workers", [0, 2])
def test_error_is_raised_where_its_batch_would_have_come(workers: int) -> None:
    with drawn_ahead(_refusing, range(8), workers) as batches:
        assert list(islice(batches, 3)) == [0, 1, 2]
        with pytest.raises(InputError, match=r"photo\.jpg"):
            next(batches)
    assert not multiprocessing.active_children()


def test_error_that_is_not_ours_says_what_it_was() -> None:
    with drawn_ahead(lambda step: 1 // step, range(2), 1) as batches, pytest.raises(RuntimeError, match="ZeroDivision"):
        next(batches)


def test_killed_process_is_told_of_and_does_not_hang() -> None:
    def die(_: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    ended = pytest.raises(InputError, match=r"ended from outside \(exit code -9\)")
    with drawn_ahead(die, range(4), 2) as batches, ended:
        next(batches)
    assert not multiprocessing.active_children()


def test_leaving_early_leaves_no_process_behind() -> None:
    with pytest.raises(KeyboardInterrupt), drawn_ahead(_heavy, range(10_000), 2) as batches:
        next(batches)
        assert len(multiprocessing.active_children()) == 2
        raise KeyboardInterrupt
    assert not multiprocessing.active_children()


def test_what_is_drawn_ahead_is_bounded() -> None:
    drawn = multiprocessing.get_context("fork").Value("i", 0)

    def count(step: int) -> np.ndarray:
        with drawn.get_lock():
            drawn.value += 1
        return _heavy(step)

    with drawn_ahead(count, range(10_000), 2, waiting=3) as batches:
        next(batches)
        time.sleep(0.5)
        assert drawn.value <= 1 + 3 + 1 + 2 * 2
