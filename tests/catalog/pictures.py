"""Small pictures of one colour each, and an embedder that counts what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from edge.detections import Float32s
from edge.embedder import l2_normalize
from edge.preprocessing import ImageArray

NDIM = 3


class CountingEmbedder:
    """Mean colour as a vector; `seen` counts pictures."""

    ndim = NDIM

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, crops: Sequence[ImageArray]) -> Float32s:
        self.seen += len(crops)
        means = [crop.reshape(-1, 3).mean(axis=0) for crop in crops]
        return l2_normalize(np.asarray(means, np.float32).reshape(-1, NDIM))


def paint(folder: Path, name: str, seed: int) -> Path:
    """Save a picture of random colours as PNG, other for each seed."""
    colours = np.random.default_rng(seed).integers(1, 255, (4, 4, 3), np.uint8)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(colours).resize((40, 30)).save(path)
    return path


def write_items(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write ITEMS.csv with product_id,title,image,price."""
    lines = [",".join(("product_id", "title", "image", "price")), *(",".join(row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
