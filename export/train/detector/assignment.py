"""Which cell answers for which labelled box: task-aligned assignment.

Every box takes the cells inside it that already predict it best by ``score^alpha * iou^beta``; a cell wanted by two
boxes goes to the one it overlaps more. The target of a chosen cell is its alignment, scaled so that the best cell of
a box has the box's best overlap (Feng et al. 2021, TOOD, arXiv 2108.07755).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

ALPHA, BETA, CELLS_PER_BOX = 0.5, 4.0, 9


class Assignment(NamedTuple):
    """Per cell: `target` (B, N) score to learn, 0 for background; `xyxy` (B, N, 4) of its box."""

    target: Tensor
    xyxy: Tensor


@torch.no_grad()
def assign(scores: Tensor, predicted_xyxy: Tensor, centres_xy: Tensor, xyxy: Tensor, present: Tensor) -> Assignment:
    """Choose the cells of each box.

    Args:
        scores: (B, N) predicted, 0..1.
        predicted_xyxy: (B, N, 4) predicted boxes in pixels of the input.
        centres_xy: (N, 2) centres of the cells in pixels of the input.
        xyxy: (B, G, 4) labelled boxes, padded.
        present: (B, G) bool, false where the row is padding; G may be 0.

    Returns:
        Target scores and boxes of all cells.
    """
    if xyxy.shape[1] == 0:
        return Assignment(torch.zeros_like(scores), torch.zeros_like(predicted_xyxy))
    inside = _inside(centres_xy, xyxy) & present[:, :, None]
    overlap = iou(xyxy[:, :, None], predicted_xyxy[:, None]) * inside
    alignment = scores[:, None].pow(ALPHA) * overlap.pow(BETA)
    chosen = _best_cells(alignment, inside)
    owner = (overlap + 1e-6).mul(chosen).argmax(1)
    mine = chosen & (torch.arange(xyxy.shape[1], device=owner.device)[None, :, None] == owner[:, None])
    alignment, overlap = alignment * mine, overlap * mine
    scale = overlap.amax(2, keepdim=True) / alignment.amax(2, keepdim=True).clamp_min(1e-9)
    target = (alignment * scale).sum(1).clamp(0, 1)
    boxes = torch.gather(xyxy, 1, owner[:, :, None].expand(-1, -1, 4))
    return Assignment(target, boxes)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the intersection over union of boxes whose leading dimensions broadcast, 0..1."""
    size = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    shared = size[..., 0] * size[..., 1]
    return shared / (_area(a) + _area(b) - shared).clamp_min(1e-6)


def _area(xyxy: Tensor) -> Tensor:
    return (xyxy[..., 2] - xyxy[..., 0]).clamp_min(0) * (xyxy[..., 3] - xyxy[..., 1]).clamp_min(0)


def _inside(centres_xy: Tensor, xyxy: Tensor) -> Tensor:
    """Tell which cell centres (N) lie in which boxes; a box too small to hold one borrows its nearest cell."""
    low, high = xyxy[..., None, :2], xyxy[..., None, 2:]
    margin = torch.minimum(centres_xy - low, high - centres_xy).amin(-1)
    nearest = margin == margin.amax(-1, keepdim=True)
    return (margin > 0) | nearest


def _best_cells(alignment: Tensor, inside: Tensor) -> Tensor:
    count = min(CELLS_PER_BOX, alignment.shape[2])
    best = alignment.topk(count, dim=2).indices
    return torch.zeros_like(inside).scatter_(2, best, True) & inside
