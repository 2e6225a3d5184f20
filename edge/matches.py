"""`Matches`: the products nearest to each query, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.detections import Float32s, Int32s, require_shape


@dataclass(frozen=True)
class Matches:
    """Distinct products for each of n queries, best first.

    Attributes:
        shard: int32 (n, k), index of the shard, -1 where there are fewer than k products.
        product: int32 (n, k), row of the product in its shard, -1 likewise.
        similarity: float32 (n, k), cosine of the product's best view, -1..1 (-1 where there is none).
    """

    shard: Int32s
    product: Int32s
    similarity: Float32s

    def __post_init__(self) -> None:
        require_shape("product", self.product, (None, None))
        require_shape("shard", self.shard, self.product.shape)
        require_shape("similarity", self.similarity, self.product.shape)

    def __len__(self) -> int:
        return len(self.product)

    @classmethod
    def empty(cls, n: int, k: int) -> Matches:
        """Return n queries that match nothing."""
        none = np.full((n, k), -1, np.int32)
        return cls(none, none, none.astype(np.float32))
