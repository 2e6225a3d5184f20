"""Products against each other: what a catalogue says of itself where nobody has labelled a photo.

Every catalogue picture is asked as if its product were not in the catalogue; whatever is named then is a false tag. A
product with several pictures is one trial, which fails if any of them does. Of such a product each picture is also
asked against the other ones: that says how many right tags the thresholds leave.

    >>> products_against_each_other(gallery, second_look=None).false.count
    61
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.command_line import progress
from edge.errors import BudgetNotMet
from edge.gallery import Gallery
from edge.keypoints import Keypoints
from edge.pipeline import candidates_of
from edge.second_look import SecondLook
from edge.shard import Shard
from edge.shard.vectors import inverse_lengths
from edge.tags import Candidate
from export.calibration.trials import RightTags, Trials

AT_ONCE = 256
LEAST_PRODUCTS = 2


@dataclass(frozen=True)
class Against:
    """How the products of a catalogue stand against each other.

    Attributes:
        false: the tag that each picture gets without its product.
        right: the right tags of pictures of products that have others; None where no product has two.
    """

    false: Trials
    right: RightTags | None


@dataclass(frozen=True)
class _Picture:
    """One catalogue picture: the product that it is of, its keypoints, and what is like it, its product left out."""

    view: int
    product: int
    product_id: str
    others: tuple[Candidate, ...]


def products_against_each_other(gallery: Gallery, second_look: SecondLook | None) -> Against:
    """Ask every picture of a catalogue without its product, and against its product's other pictures.

    Args:
        gallery: one shard.
        second_look: how close calls are decided; of a picture, the keypoints that the catalogue keeps are looked at.

    Raises:
        BudgetNotMet: the catalogue has fewer than two products.
    """
    shard = gallery.shards[0]
    if shard.products < LEAST_PRODUCTS:
        raise BudgetNotMet(f"{shard.root}: a catalogue of {shard.products} products cannot be set against itself")
    false: list[tuple[int, float, float]] = []
    right: list[tuple[float, float]] = []
    asked = 0
    for picture in _pictures(gallery, second_look.rule.products if second_look else LEAST_PRODUCTS):
        ranked = _looked_at(second_look, shard, picture.view, picture.others)
        false.append((picture.product, ranked[0].similarity, _margin(ranked)))
        own = _found_by_the_others(shard, picture)
        if own is not None:
            both = sorted([own, *picture.others], key=lambda c: -c.similarity)[: len(picture.others)]
            ranked = _looked_at(second_look, shard, picture.view, both)
            asked += 1
            right += [(ranked[0].similarity, _margin(ranked))] if ranked[0].product_id == own.product_id else []
    product, similarity, margin = (np.array(column) for column in zip(*false, strict=True))
    values = np.array(right, np.float64).reshape(-1, 2)
    return Against(
        Trials("products", shard.products, product.astype(np.int64), similarity, margin),
        RightTags(asked, values[:, 0], values[:, 1]) if asked else None,
    )


def _pictures(gallery: Gallery, products: int) -> Iterator[_Picture]:
    """Yield every picture with the first products that are not its own, best first."""
    shard = gallery.shards[0]
    views_of = np.diff(shard.view_offsets.astype(np.int64)).astype(np.int64)
    product = np.repeat(np.arange(shard.products), views_of)
    ids = shard.texts("product_id")
    for start in progress(range(0, shard.views, AT_ONCE), "asking", -(-shard.views // AT_ONCE), "block"):
        found = gallery.search(shard.vectors[start : start + AT_ONCE].astype(np.float32), products + 1)
        for view, named in enumerate(candidates_of(found, gallery), start):
            own = ids[int(product[view])]
            others = tuple(candidate for candidate in named if candidate.product_id != own)
            yield _Picture(view, int(product[view]), own, others[:products])


def _found_by_the_others(shard: Shard, picture: _Picture) -> Candidate | None:
    """Return how like the other pictures of its product a picture is; None where there is no other."""
    views = shard.views_of(picture.product)
    others = [view for view in range(views.start, views.stop) if view != picture.view]
    if not others:
        return None
    query = shard.vectors[[picture.view]]
    dots = (shard.vectors[others].astype(np.int64) @ query.astype(np.int64).T)[:, 0]
    cosine = dots * inverse_lengths(shard.vectors[others]) * inverse_lengths(query)[0]
    return Candidate(0, picture.product_id, "", float(np.float32(cosine.max())))


def _looked_at(
    second_look: SecondLook | None, shard: Shard, view: int, candidates: Sequence[Candidate]
) -> tuple[Candidate, ...]:
    """Return the candidates after a second look at what the catalogue keeps of a picture."""
    entry = shard.keypoints.get(int(shard.keys[view])) if shard.keypoints else None
    if second_look is None or entry is None or not second_look.is_close(candidates):
        return tuple(candidates)
    return second_look.reorder_seen(Keypoints.from_bytes(entry), candidates)


def _margin(candidates: Sequence[Candidate]) -> float:
    return candidates[0].similarity - candidates[1].similarity if len(candidates) > 1 else 1.0
