"""`Gallery`: exact search over one or more shards.

Queries are quantized as the catalogue is, so a dot product is a whole number and the similarity, computed in float64
from it, is the same on every machine. The dot products come from numkong, the kernel package of usearch; the ways
that were measured against it stand in docs/search.md.

    >>> gallery = Gallery([open_shard(Path("shard"))], bundle.space_id, bundle.name)
    >>> gallery.search(embeddings, k=5).similarity[0, 0]
    0.93
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numkong
import numpy as np
import numpy.typing as npt

from edge.detections import Float32s, Int32s, require_shape
from edge.errors import ArtefactRefused, SpaceMismatch
from edge.matches import Matches
from edge.shard import Shard
from edge.shard.vectors import Int8s, inverse_lengths, quantize

Float64s = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
DOTS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class _Ranked:
    """A shard as it is searched: its place in the given order, and which products a newer shard does not have."""

    place: int
    shard: Shard
    current: Bools
    inverse_lengths: Float64s


class Gallery:
    """The products of one or more shards of one embedding space.

    Attributes:
        shards: in the order in which they were given, which is what `Matches.shard` counts.
    """

    def __init__(self, shards: Sequence[Shard], space_id: str, bundle_name: str = "bundle") -> None:
        """Lay shards side by side.

        Args:
            shards: checked shards. Where two have the same product, the one of the higher version is believed (the
                earlier one, if they are equal).
            space_id: the embedding space of the vectors that will be searched with.
            bundle_name: whose space that is, for the error message.

        Raises:
            SpaceMismatch: a shard was embedded in another space.
            ArtefactRefused: shards of one space differ in the length of their vectors.
        """
        for shard in shards:
            _require_space(shard, space_id, bundle_name)
        if len({shard.ndim for shard in shards}) > 1:
            lengths = ", ".join(f"{shard.root} has {shard.ndim}" for shard in shards)
            raise ArtefactRefused(f"shards of one embedding space must have vectors of one length: {lengths}")
        self.shards = tuple(shards)
        self._ranked = tuple(_newest_first(self.shards))

    def __len__(self) -> int:
        return sum(int(ranked.current.sum()) for ranked in self._ranked)

    def search(
        self,
        embeddings: Float32s,
        k: int,
        category: str | None = None,
        region: str | None = None,
        in_stock: bool | None = None,
    ) -> Matches:
        """Find the products nearest to each embedding, exactly.

        Args:
            embeddings: (n, ndim) of any length other than 0.
            k: products for each, at least 1.
            category: only products of exactly this category; None takes all.
            region: only products of exactly this region; None takes all.
            in_stock: only products that are (True) or are not (False) in stock; None takes all, also the unknown.

        Returns:
            Distinct products, best first; equal ones in the order of shards (newest first) and rows.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, is {k}")
        require_shape("embeddings", embeddings, (None, self.shards[0].ndim if self.shards else None))
        wanted = [r.current & r.shard.selected(category, region, in_stock) for r in self._ranked]
        place, product = self._columns_of(wanted)
        if not len(product) or not len(embeddings):
            return Matches.empty(len(embeddings), k)
        queries = quantize(embeddings)
        blocks = [self._best(block, wanted, k) for block in _blocks(queries, self._longest())]
        column = np.concatenate([columns for columns, _ in blocks])
        similarity = np.concatenate([similarities for _, similarities in blocks])
        none = column < 0
        return Matches(
            np.where(none, np.int32(-1), place[column]), np.where(none, np.int32(-1), product[column]), similarity
        )

    def _columns_of(self, wanted: Sequence[Bools]) -> tuple[Int32s, Int32s]:
        """Return shard and row of every product that is searched, newest shard first."""
        rows = [np.flatnonzero(mask).astype(np.int32) for mask in wanted]
        places = [np.full(len(r), ranked.place, np.int32) for r, ranked in zip(rows, self._ranked, strict=True)]
        none = np.zeros(0, np.int32)
        return np.concatenate([none, *places]), np.concatenate([none, *rows])

    def _longest(self) -> int:
        return max(shard.views for shard in self.shards)

    def _best(self, queries: Int8s, wanted: Sequence[Bools], k: int) -> tuple[npt.NDArray[np.intp], Float32s]:
        """Return the columns and similarities of the k best products of each query, -1 where there are fewer."""
        parts = [_product_similarity(r, queries)[:, mask] for r, mask in zip(self._ranked, wanted, strict=True)]
        cosine = np.concatenate(parts, axis=1)
        column = np.full((len(queries), k), -1, np.intp)
        similarity = np.full((len(queries), k), -1, np.float32)
        for row, values in enumerate(cosine):
            found = _largest(values, k)
            column[row, : len(found)] = found
            similarity[row, : len(found)] = values[found]
        return column, similarity


def _require_space(shard: Shard, space_id: str, bundle_name: str) -> None:
    if shard.space_id != space_id:
        raise SpaceMismatch(
            f"{shard.root}: shard {shard.catalog!r} version {shard.version} is of embedding space "
            f"{shard.space_id[:12]}, bundle {bundle_name!r} is of {space_id[:12]}: "
            "use the bundle that the shard was built with, or build the shard again with this one"
        )


def _newest_first(shards: Sequence[Shard]) -> Iterator[_Ranked]:
    """Yield shards by falling version, each with the products that no shard before it has."""
    seen: set[str] = set()
    for place in sorted(range(len(shards)), key=lambda i: -shards[i].version):
        shard = shards[place]
        current = np.ones(shard.products, np.bool_)
        if len(shards) > 1:
            ids = list(shard.texts("product_id"))
            current[[row for row, product_id in enumerate(ids) if product_id in seen]] = False
            seen.update(ids)
        yield _Ranked(place, shard, current, inverse_lengths(shard.vectors))


def _blocks(queries: Int8s, views: int) -> Iterator[Int8s]:
    """Cut queries into blocks whose dot products stay within some 2 MB, which a cache may hold."""
    step = max(1, DOTS_AT_ONCE // max(1, views))
    return (queries[start : start + step] for start in range(0, len(queries), step))


def _product_similarity(ranked: _Ranked, queries: Int8s) -> Float64s:
    """Return (n, products): the cosine of each product's best view."""
    shard = ranked.shard
    if not shard.products:
        return np.zeros((len(queries), 0))
    dots = np.asarray(numkong.cdist(queries, shard.vectors, metric="dot")).reshape(len(queries), shard.views)
    cosine = dots * ranked.inverse_lengths
    cosine *= inverse_lengths(queries)[:, None]
    if shard.products == shard.views:
        return cosine
    return np.maximum.reduceat(cosine, shard.view_offsets[:-1].astype(np.intp), axis=1)


def _largest(values: Float64s, k: int) -> npt.NDArray[np.intp]:
    """Return the places of the k largest values (all, if fewer), largest first, equal ones in their order."""
    if len(values) > k:
        kth = np.partition(values, len(values) - k)[len(values) - k]
        places = np.flatnonzero(values >= kth)
    else:
        places = np.arange(len(values))
    return places[np.argsort(-values[places], kind="stable")[:k]]
