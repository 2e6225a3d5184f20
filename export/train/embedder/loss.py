"""What a batch should look like: each picture nearest to its own product among all that were drawn with it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

TEMPERATURE = 0.07


def matching_loss(packshots: Tensor, first: Tensor, second: Tensor, to_packshot: float = 1.0) -> Tensor:
    """Compare every photo with every packshot of the batch (InfoNCE, van den Oord et al. 2018, arXiv 1807.03748).

    Args:
        packshots: (n, d) unit vectors, one product each.
        first: (n, d) unit vectors of one photo of each product.
        second: (n, d) unit vectors of another photo of each.
        to_packshot: weight of photos to packshots, the question that a device asks.

    Returns:
        The mean cross entropy: photos to packshots by that weight, packshots to photos and photos to photos by half.
    """
    own = torch.arange(len(packshots), device=packshots.device)

    def towards(queries: Tensor, gallery: Tensor) -> Tensor:
        return functional.cross_entropy(queries @ gallery.T / TEMPERATURE, own)

    asked = (towards(first, packshots) + towards(second, packshots)) / 2
    return to_packshot * asked + towards(packshots, first) / 2 + towards(first, second) / 2


def likeness_loss(first: Tensor, second: Tensor) -> Tensor:
    """Find each picture's other variation among those of all pictures (SimCLR, Chen et al. 2020, arXiv 2002.05709).

    Args:
        first: (n, d) unit vectors of one variation of each picture.
        second: (n, d) unit vectors of another.
    """
    own = torch.arange(len(first), device=first.device)
    alike = first @ second.T / TEMPERATURE
    return (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own)) / 2
