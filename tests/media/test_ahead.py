"""An iterator in a thread: in order, whole, never more than a few items ahead, and gone when its reader goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import MediaError
from edge.media.ahead import Ahead


def counted(n: int, made: list[int]) -> Iterator[int]:
    for number in range(1, n + 1):
        made.append(number)
        yield number


def test_nothing_to_read() -> None:
    with Ahead(iter([])) as items:
        assert list(items) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 40), st.integers(1, 5))
def test_everything_comes_in_its_order(n: int, depth: int) -> None:
    with Ahead(counted(n, []), depth) as items:
        assert list(items) == list(range(1, n + 1))
    assert items.dropped == 0


def test_it_is_only_a_few_items_ahead() -> None:
    made: list[int] = []
    with Ahead(counted(1000, made), depth=3) as items:
        assert next(items) == 1
        time.sleep(0.2)
        assert len(made) <= 5  # read, waiting, and in the hand


def test_an_error_comes_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise MediaError("clip.mp4: broken")

    with Ahead(broken()) as items:
        assert next(items) == 1
        with pytest.raises(MediaError, match="broken"):
            next(items)


def test_leaving_ends_the_thread_whatever_the_reason() -> None:
    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt), Ahead(counted(1000, [])) as items:
        next(items)
        raise KeyboardInterrupt
    assert threading.active_count() == before


def test_newest_only_leaves_out_what_nobody_fetched() -> None:
    made: list[int] = []
    with Ahead(counted(50, made), newest_only=True, due_s=lambda n: n / 500) as items:
        time.sleep(0.3)
        rest = list(items)
    assert rest == [50]
    assert items.dropped == 49


def test_items_do_not_come_before_they_are_due() -> None:
    start = time.perf_counter()
    with Ahead(counted(3, []), due_s=lambda n: n / 20) as items:
        assert list(items) == [1, 2, 3]
    assert time.perf_counter() - start >= 0.15


def test_says_how_late_it_is() -> None:
    def slow() -> Iterator[int]:
        time.sleep(0.1)
        yield 0

    with Ahead(slow(), due_s=lambda n: 0.0) as items:
        assert list(items) == [0]
        assert items.behind_s >= 0.05
        assert items.worked_s >= 0.05
