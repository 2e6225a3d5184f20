"""What training minimises: varifocal loss of the scores, generalised IoU of the boxes, imitation of a teacher.

Sources: Zhang et al. 2021, VarifocalNet, arXiv 2008.13367; Rezatofighi et al. 2019, GIoU, arXiv 1902.09630.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from export.train.detector.assignment import assign, iou
from export.train.detector.network import Raw

BACKGROUND_ALPHA, BACKGROUND_GAMMA, BOX_WEIGHT = 0.75, 2.0, 2.5


class Labels(NamedTuple):
    """Labels of a batch: `xyxy` (B, G, 4) padded, `present` (B, G), `background` (B, N) weight of false alarms."""

    xyxy: Tensor
    present: Tensor
    background: Tensor


class Losses(NamedTuple):
    """Two parts of the loss, each a scalar."""

    score: Tensor
    box: Tensor


def to_xyxy(distances: Tensor, cells: Tensor) -> Tensor:
    """Turn (B, N, 4) distances in strides into boxes in pixels; `cells` (N, 3) as `network.cells` gives them."""
    sides = distances * cells[:, 2:]
    return torch.cat([cells[:, :2] - sides[..., :2], cells[:, :2] + sides[..., 2:]], -1)


def detection_loss(raw: Raw, cells: Tensor, labels: Labels) -> Losses:
    """Compare the raw outputs of a batch with its labels.

    Args:
        raw: outputs of the network.
        cells: (N, 3) centre x, centre y and stride of every cell.
        labels: boxes in pixels of the input, and how much a false alarm weighs in every cell.

    Returns:
        Score and box loss, both divided by the sum of the target scores.
    """
    predicted = to_xyxy(raw.distances, cells)
    assigned = assign(raw.logits.sigmoid(), predicted, cells[:, :2], labels.xyxy, labels.present)
    total = assigned.target.sum().clamp_min(1.0)
    score = _varifocal(raw.logits, assigned.target, labels.background).sum() / total
    box = (1 - _giou(predicted, assigned.xyxy)) * assigned.target  # all cells: to choose some, a GPU has to wait
    return Losses(score, BOX_WEIGHT * box.sum() / total)


def imitation_loss(features: list[Tensor], taught: list[Tensor]) -> Tensor:
    """Mean squared distance to the teacher's feature maps (already standardised), averaged over the levels."""
    parts = [functional.mse_loss(f.float(), t) for f, t in zip(features, taught, strict=True)]
    return torch.stack(parts).mean()


def _varifocal(logits: Tensor, target: Tensor, background: Tensor) -> Tensor:
    focus = BACKGROUND_ALPHA * logits.detach().sigmoid().pow(BACKGROUND_GAMMA) * background
    weight = torch.where(target > 0, target, focus)
    return functional.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight


def _giou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised IoU of boxes (..., 4), in -1..1."""
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull_area = _product(hull).clamp_min(1e-6)
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    union = _product(a[..., 2:] - a[..., :2]) + _product(b[..., 2:] - b[..., :2]) - _product(size)
    return iou(a, b) - (hull_area - union) / hull_area


def _product(sides: Tensor) -> Tensor:
    """Multiply (..., 2); the gradient of `prod` would make a GPU wait."""
    return sides[..., 0] * sides[..., 1]
