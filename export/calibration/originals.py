"""Photos that must not be calibrated with: the catalogue's own pictures, and the same photo twice.

A catalogue picture is recognised by its content: its SHA-256 and the product's id make the key of a view.

    >>> usable_queries(queries, images, shard).problems
    ('line 3: oat.jpg is the catalogue picture of oat-milk-1l: it would only find itself',)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge.files import sha256_of_file
from edge.shard import Shard
from edge.shard.vectors import view_key
from export.evaluation.queries import Query


@dataclass(frozen=True)
class UsableQueries:
    """The queries that say something new, and one sentence for each that does not."""

    queries: tuple[Query, ...]
    problems: tuple[str, ...]


def usable_queries(queries: Iterable[Query], images: Path, shard: Shard) -> UsableQueries:
    """Leave out pictures of the catalogue itself and photos that were there before.

    Args:
        queries: photos with what they show.
        images: folder that their paths start from; a file that cannot be read is left to whoever opens it.
        shard: the catalogue.
    """
    ids, keys = list(shard.texts("product_id")), set(shard.keys.tolist())
    first: dict[str, Query] = {}
    usable, problems = [], []
    for query in queries:
        try:
            picture = sha256_of_file(images / query.path)
        except OSError:
            usable.append(query)
            continue
        before = first.setdefault(picture, query)
        if before is not query:
            problems.append(f"{query.place}{query.path} is the same picture as {before.path}: it counts once")
        elif (own := _product_of(bytes.fromhex(picture), ids, keys)) is not None:
            problems.append(f"{query.place}{query.path} is the catalogue picture of {own}: it would only find itself")
        else:
            usable.append(query)
    return UsableQueries(tuple(usable), tuple(problems))


def _product_of(picture: bytes, ids: list[str], keys: set[int]) -> str | None:
    """Return which product a picture is a view of, or None."""
    return next((product_id for product_id in ids if view_key(product_id, picture) in keys), None)
