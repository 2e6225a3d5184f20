"""Views beside those of ITEMS.csv: what they are judged against, and what a build adds of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.shard.vectors import Int8s
from export.catalog.scanning import Ints, Views


@dataclass(frozen=True)
class Base:
    """The catalogue's own pictures.

    Attributes:
        product_ids: by row.
        views: vectors, the views of a product in a row.
    """

    product_ids: Sequence[str]
    views: Views

    @classmethod
    def of(cls, product_ids: Sequence[str], vectors: Int8s, product: Ints) -> Base:
        """Lay out vectors whose products may come in any order; `product` (n,) are indices into `product_ids`."""
        order = np.argsort(product, kind="stable")
        offsets = np.concatenate(([0], np.cumsum(np.bincount(product, minlength=len(product_ids))))).astype(np.int64)
        return cls(product_ids, Views(vectors[order], offsets, product[order]))


@dataclass(frozen=True)
class ExtraViews:
    """Views to add.

    Attributes:
        keys: uint64 (n,).
        vectors: int8 (n, ndim).
        product: int64 (n,), index into the catalogue's products.
    """

    keys: npt.NDArray[np.uint64]
    vectors: Int8s
    product: Ints

    def __len__(self) -> int:
        return len(self.keys)
