"""Small catalogues with photos, as a user of `export train embedder` has them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, product: int, take: int = 0) -> Path:
    """Write a print of coloured blocks that names the product, on white; `take` is one photo of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blocks = np.random.default_rng(product).integers(0, 200, (4, 3, 3), np.uint8).repeat(12, 0).repeat(12, 1)
    noise = np.random.default_rng([product, take]).integers(0, 30, blocks.shape, np.uint8)
    image = np.full((64, 52, 3), 255 if take == 0 else 90 + take, np.uint8)
    image[8:56, 8:44] = blocks + noise
    Image.fromarray(image).save(path)
    return path


def write_items(folder: Path, products: int, views: int = 1) -> Path:
    """Write ITEMS.csv and the packshots of some products; return the file."""
    rows = []
    for product in range(products):
        for view in range(views):
            name = f"shots/{product}-{view}.png"
            picture(folder / name, product, take=view)
            rows.append([f"p{product}", f"Product {product}", name])
    return write_csv(folder / "ITEMS.csv", ["product_id", "title", "image"], rows)


def write_photos(folder: Path, products: int, each: int, name: str = "photos", first: int = 10) -> Path:
    """Write a file of photos and the photos of some products; return the file."""
    rows = []
    for product in range(products):
        for take in range(first, first + each):
            rows.append([f"{name}/{product}-{take}.png", f"p{product}"])
            picture(folder / rows[-1][0], product, take)
    return write_csv(folder / f"{name}.csv", ["path", "product_id"], rows)


def write_csv(path: Path, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    """Write a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])
    return path


def add_rows(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Add rows to a CSV file."""
    with path.open("a", newline="") as file:
        csv.writer(file).writerows(rows)
    return path
