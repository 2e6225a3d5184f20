"""A batch as it is drawn: plain arrays, so that one process can draw it for another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from edge.detections import Float32s
from export.train.detector.loss import Labels
from export.train.detector.samples import Sample


@dataclass(frozen=True)
class Batch:
    """Pictures of one size with their labels.

    Attributes:
        images: (B, H, W, 3) uint8 RGB.
        xyxy: (B, G, 4) boxes in pixels, padded.
        present: (B, G) bool, false where the row is padding.
        background: (B, N) float32, what a false alarm weighs in every cell.
        maps: the teacher's, (B, channels, h, w) float32 a level; None where they are computed later.
    """

    images: npt.NDArray[np.uint8]
    xyxy: Float32s
    present: npt.NDArray[np.bool_]
    background: Float32s
    maps: list[Float32s] | None = None

    def labels(self, device: torch.device) -> Labels:
        """Return the labels as tensors on a device."""
        return Labels(*(torch.from_numpy(part).to(device) for part in (self.xyxy, self.present, self.background)))


def batch_of(samples: Sequence[Sample], grid: Float32s) -> Batch:
    """Stack samples of one size.

    Args:
        samples: at least one.
        grid: (N, 3) cells as `network.cells` gives them.

    Returns:
        Padded boxes, and no weight for a false alarm inside an ignored region.
    """
    most = max(len(sample.xyxy) for sample in samples)
    xyxy, present = np.zeros((len(samples), most, 4), np.float32), np.zeros((len(samples), most), np.bool_)
    background = np.ones((len(samples), len(grid)), np.float32)
    x, y = grid[:, 0], grid[:, 1]
    for row, sample in enumerate(samples):
        xyxy[row, : len(sample.xyxy)] = sample.xyxy
        present[row, : len(sample.xyxy)] = True
        background[row] *= sample.background_weight
        for x0, y0, x1, y1 in sample.ignored_xyxy:
            background[row, (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)] = 0.0
    return Batch(np.stack([sample.image for sample in samples]), xyxy, present, background)
