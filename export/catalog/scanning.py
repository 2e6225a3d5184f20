"""Every query against every view, in blocks: the nearest view of another product, and the nearest of its own.

Memory is that of a block, whatever the catalogue's size; the vectors stay mapped. Similarities are float32 (the exact
ones differ by less than 1e-6); on a tie the earlier view counts, as in `edge.gallery`.

    >>> views = Views.of(shard)
    >>> scan(of_the_catalogue(views), views).other[0]
    0.83
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from edge.shard import Shard
from edge.shard.vectors import Int8s

Ints = npt.NDArray[np.int64]
Watch = Callable[[Iterable[int], str, int], Iterable[int]]
ROWS, COLUMNS = 1024, 8192
MOST_PAIRS = 100_000
NONE = -2.0


@dataclass(frozen=True)
class Views:
    """The views of a catalogue, product by product.

    Attributes:
        vectors: int8 (views, ndim).
        offsets: int64 (products + 1,), first view of each product.
        product: int64 (views,), row of each view's product, ascending.
    """

    vectors: Int8s
    offsets: Ints
    product: Ints

    @classmethod
    def of(cls, shard: Shard) -> Views:
        """Return those of a shard."""
        offsets = shard.view_offsets.astype(np.int64)
        return cls(shard.vectors, offsets, np.repeat(np.arange(shard.products), np.diff(offsets)))

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def products(self) -> int:
        """Number of products."""
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Queries:
    """What is asked.

    Attributes:
        rows: returns float32 (stop - start, ndim) of length 1 for a start and a stop.
        product: int64 (n,), row of the product that each is of.
        itself: int64 (n,), the view that must not answer, because it is the query; -1 where all may.
    """

    rows: Callable[[int, int], Float32s]
    product: Ints
    itself: Ints

    def __len__(self) -> int:
        return len(self.product)


Pairs = dict[tuple[int, int], tuple[float, int, int]]
"""By the rows of two products, the lower first: the greatest similarity of their views, and a view of each."""


@dataclass(frozen=True)
class Scanned:
    """What was found, one entry for each query; `NONE` and -1 where there is nothing.

    Attributes:
        own: float32, similarity of the nearest view of its own product.
        other: float32, likewise of another product.
        other_view: int64, that view.
        pairs: see there; only above the limit that was asked for.
        pairs_left_off: whether there were more than `MOST_PAIRS`.
    """

    own: Float32s
    other: Float32s
    other_view: Ints
    pairs: Pairs = field(default_factory=dict)
    pairs_left_off: bool = False


def unit(vectors: npt.NDArray[np.generic]) -> Float32s:
    """Return float32 (n, ndim): rows scaled to length 1; a row of zeros stays zero."""
    values = vectors.astype(np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(np.divide(values, length, out=np.zeros_like(values), where=length > 0), np.float32)


def of_the_catalogue(views: Views) -> Queries:
    """Return every view as a query that it may not answer itself."""
    return Queries(lambda start, stop: unit(views.vectors[start:stop]), views.product, np.arange(len(views)))


def scan(
    queries: Queries, views: Views, limit: float | None = None, watch: Watch | None = None, doing: str = ""
) -> Scanned:
    """Compare every query with every view.

    Args:
        queries: what is asked.
        views: the catalogue.
        limit: pairs of products at least this similar are gathered; None gathers none.
        watch: shows how far the blocks of queries are (the second argument says what is done, the third how many).
        doing: what is said to be done.
    """
    n = len(queries)
    own, other = np.full(n, NONE, np.float32), np.full(n, NONE, np.float32)
    found = Scanned(own, other, np.full(n, -1, np.int64))
    left_off = False
    starts = range(0, n, ROWS)
    for start in watch(starts, doing, len(starts)) if watch else starts:
        asked = slice(start, min(n, start + ROWS))
        rows = queries.rows(asked.start, asked.stop)
        for first in range(0, len(views), COLUMNS):
            block = rows @ unit(views.vectors[first : first + COLUMNS]).T
            _set_own_apart(block, queries, asked, views, first, found)
            near = _take_nearest(block, asked, first, found)
            if limit is not None:
                left_off |= _gather(block, near, asked, first, views, limit, found.pairs)
    return Scanned(own, other, found.other_view, found.pairs, left_off)


def _set_own_apart(block: Float32s, queries: Queries, asked: slice, views: Views, first: int, found: Scanned) -> None:
    """Note the nearest view of the query's own product, and take these views out of the block."""
    product = queries.product[asked]
    begin = np.maximum(views.offsets[product] - first, 0)
    end = np.minimum(views.offsets[product + 1] - first, block.shape[1])
    for row in np.flatnonzero(begin < end):
        mine = block[row, begin[row] : end[row]]
        itself = queries.itself[asked.start + row] - first - begin[row]
        if 0 <= itself < len(mine):
            mine[itself] = NONE
        found.own[asked.start + row] = max(found.own[asked.start + row], mine.max())
        mine[:] = NONE


def _take_nearest(block: Float32s, asked: slice, first: int, found: Scanned) -> Float32s:
    column = block.argmax(axis=1)
    near = block[np.arange(len(block)), column]
    better = near > found.other[asked]
    found.other[asked][better] = near[better]
    found.other_view[asked][better] = column[better] + first
    return np.asarray(near, np.float32)


def _gather(
    block: Float32s, near: Float32s, asked: slice, first: int, views: Views, limit: float, pairs: Pairs
) -> bool:
    """Gather pairs of products; return whether some were left off."""
    left_off = False
    for row, column in _above(block, near, limit):
        a, b, similarity = asked.start + row, first + column, float(block[row, column])
        if a > b:
            continue  # every pair is seen from both sides
        key = int(views.product[a]), int(views.product[b])
        if key not in pairs and len(pairs) >= MOST_PAIRS:
            left_off = True
        elif key not in pairs or similarity > pairs[key][0]:
            pairs[key] = similarity, a, b
    return left_off


def _above(block: Float32s, near: Float32s, limit: float) -> Iterator[tuple[int, int]]:
    for row in np.flatnonzero(near >= limit):
        for column in np.flatnonzero(block[row] >= limit):
            yield int(row), int(column)
