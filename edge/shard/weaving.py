"""Weaving: one array out of rows of several, copied run by run.

The rows of a new state of a catalogue are nearly all rows of the old one, in long runs; a run is copied at once, out of
a file that is only mapped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.shard.columns import Array
from edge.shard.strings import Strings

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Order:
    """Rows of several sources in the order that they shall have.

    Attributes:
        index: int64 (n,): `start of the source + row`. Between two sources one number is left out, so that a run of
            consecutive numbers never crosses from one into the next.
        starts: index of the first row of each source.
    """

    index: Rows
    starts: tuple[int, ...]

    def runs(self) -> list[tuple[int, int, int]]:
        """Return (source, first row, row after the last) for every run of consecutive rows."""
        if not len(self.index):
            return []
        breaks = np.flatnonzero(np.diff(self.index) != 1) + 1
        first = self.index[np.concatenate(([0], breaks))]
        length = np.diff(np.concatenate(([0], breaks, [len(self.index)])))
        source = np.searchsorted(self.starts, first, side="right") - 1
        begin = first - np.asarray(self.starts)[source]
        return list(zip(source.tolist(), begin.tolist(), (begin + length).tolist(), strict=True))


@dataclass(frozen=True)
class Weave:
    """The products of a new state: rows of the base that stay, and added ones, in the order of their ids.

    Attributes:
        order: over the sources base and added.
        rank: int64, place in the new state by index of the source; -1 for what goes.
    """

    order: Order
    rank: Rows

    @classmethod
    def merging(cls, kept: Rows, ids: Strings, added: Sequence[bytes]) -> Weave:
        """Merge added products into the kept rows of a base.

        Args:
            kept: rows of the base that stay, ascending.
            ids: ids of the base's products, sorted.
            added: ids of the added products, sorted.
        """
        products = len(ids)
        raw = _Raw(ids)
        before = np.array([bisect_left(raw, wanted) for wanted in added], np.int64)
        at = np.searchsorted(kept, before)
        index = np.insert(kept, at, products + 1 + np.arange(len(added)))
        rank = np.full(products + 1 + len(added), -1, np.int64)
        rank[index] = np.arange(len(index))
        return cls(Order(index, (0, products + 1)), rank)

    @staticmethod
    def plain(index: Rows, lengths: Sequence[int]) -> Order:
        """Return an order over sources that are numbered through without a gap.

        Args:
            index: int64 (n,) row in all sources laid end to end.
            lengths: of every source but the last.
        """
        ends = np.cumsum(lengths, dtype=np.int64)
        source = np.searchsorted(ends, index, side="right")
        return Order(index + source, tuple(int(start) for start in (0, *(ends + 1 + np.arange(len(ends))))))

    def with_replaced(self, rows: Rows) -> Order:
        """Return the order in which rows of the base come from a third source instead, its rows in their order.

        Raises:
            ValueError: one of the rows goes.
        """
        ranks = self.rank_of_base(rows)
        if (ranks < 0).any():
            raise ValueError("a field changes of a product that goes")
        index = self.order.index.copy()
        third = len(self.rank) + 1
        index[ranks] = third + np.arange(len(rows))
        return Order(index, (*self.order.starts, third))

    def rank_of_base(self, rows: Rows) -> Rows:
        """Return the place of rows of the base in the new state, -1 for those that go."""
        if len(rows) and int(rows.max()) >= self.order.starts[1] - 1:
            raise ValueError(f"row {int(rows.max())} of a base of {self.order.starts[1] - 1}")
        return self.rank[rows]

    def rank_of_added(self, rows: Rows) -> Rows:
        """Return the place of rows of the added products in the new state."""
        return self.rank[rows + self.order.starts[1]]


def gathered_rows(sources: Sequence[Array], order: Order) -> Array:
    """Return the rows of several arrays of one dtype in an order."""
    runs = [sources[source][begin:end] for source, begin, end in order.runs()]
    return np.concatenate([sources[0][:0], *runs])


def gathered_strings(sources: Sequence[Strings], order: Order) -> Strings:
    """Return strings of several columns in an order; nothing is decoded.

    Raises:
        ValueError: together they are longer than 4 GiB.
    """
    lengths, blobs = [np.zeros(1, np.int64)], [sources[0].blob[:0]]
    for source, begin, end in order.runs():
        strings = sources[source]
        offsets = strings.offsets[begin : end + 1].astype(np.int64)
        lengths.append(np.diff(offsets))
        blobs.append(strings.blob[offsets[0] : offsets[-1]])
    ends = np.cumsum(np.concatenate(lengths))
    if ends[-1] >= 2**32:
        raise ValueError(f"strings of {int(ends[-1])} bytes do not fit one column")
    return Strings(np.concatenate(blobs), ends.astype(np.uint32))


class _Raw(Sequence[bytes]):
    """Strings as bytes, read where bisection asks."""

    def __init__(self, strings: Strings) -> None:
        self._strings = strings

    def __len__(self) -> int:
        return len(self._strings)

    def __getitem__(self, row: int) -> bytes:  # type: ignore[override]
        return self._strings.raw(row)
