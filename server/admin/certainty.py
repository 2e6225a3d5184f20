"""Which products are often rejected, so surely that no single device and no handful of events decides it.

Every device has one vote on a product: the share of its decisions that were against it (rejected, or corrected to
another one). The votes are taken as a proportion, whose lower bound by Wilson's score interval must be high.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from server.database.decisions import ProductCounts

LEAST_DEVICES = 3
LEAST_DECISIONS = 10
SURELY_ABOVE = 0.25
Z = 1.959964
"""Two-sided 95 % of the normal distribution."""


def wilson(share: float, count: float) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion (Wilson 1927), 0 to 1; (0, 1) where nothing was counted.

    Args:
        share: that was found, 0 to 1.
        count: of how many.
    """
    if count <= 0:
        return 0.0, 1.0
    spread = Z * Z / count
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def surely_against(product: ProductCounts) -> float:
    """Return the share of devices' votes against a product that is surely exceeded, 0 to 1."""
    return wilson(product.against, product.devices)[0]


def often_rejected(candidates: Iterable[ProductCounts]) -> list[ProductCounts]:
    """Return the products that several devices surely reject, the surest first."""
    found = [product for product in candidates if is_often_rejected(product)]
    return sorted(found, key=surely_against, reverse=True)


def is_often_rejected(product: ProductCounts) -> bool:
    """Return whether enough devices made enough decisions on a product, and surely enough of them are against it."""
    enough = product.devices >= LEAST_DEVICES and product.counts.all >= LEAST_DECISIONS
    return enough and surely_against(product) > SURELY_ABOVE
