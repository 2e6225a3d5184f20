"""A small shop of invented products with real pictures: what tests plant faults into."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from export.cli import main
from export.render.demo_media import write_catalogue
from export.render.packshot import render_cutout, render_packshot
from export.render.products import Product, demo_products, unlisted_products
from export.render.scene import SceneStyle, compose_scene

PRODUCTS, PHOTOS = 16, 3
CLEAR = SceneStyle(size=(0.6, 0.8), hand=0.0, spoil=0.2, out=0.0, spread=0.5, least_visible=0.9)


@dataclass(frozen=True)
class Shop:
    """A table, its pictures, and photos of the first products; the pictures of a copy may be changed."""

    folder: Path
    products: tuple[Product, ...]

    @property
    def items(self) -> Path:
        return self.folder / "items.csv"

    @property
    def images(self) -> Path:
        return self.folder / "images"

    @property
    def shard(self) -> Path:
        return self.folder / "shard"

    def rows(self) -> list[dict[str, str]]:
        with self.items.open(newline="") as file:
            return list(csv.DictReader(file))

    def add_view(self, product: int, picture: np.ndarray[Any, Any], name: str) -> None:
        """Give a product one more picture."""
        Image.fromarray(picture).save(self.images / name, quality=95)
        rows = self.rows()
        mine = next(row for row in rows if row["product_id"] == self.products[product].product_id)
        self.write([*rows, {**mine, "image": name}])

    def write(self, rows: Iterable[Mapping[str, str]]) -> None:
        rows = list(rows)
        with self.items.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def build(self, *options: str | Path, code: int = 0, out: Path | None = None) -> Path:
        words = ["catalog", self.items, "--images", self.images, "--out", out or self.shard, *options]
        assert main([str(word) for word in words]) == code
        return out or self.shard

    def lint(self, *options: str | Path, code: int = 0) -> dict[str, Any]:
        """Lint the shard and return the document."""
        document = self.folder / "lint.json"
        assert main([str(word) for word in ("lint", self.shard, "--json", document, *options)]) == code
        return dict(json.loads(document.read_text()))


def open_shop(folder: Path) -> Shop:
    """Draw the shop: two pictures of each product, photos of three of them in a room."""
    products = demo_products(PRODUCTS, seed=11)
    shop = Shop(folder, products)
    shop.images.mkdir(parents=True)
    write_catalogue(shop.items, shop.images, products)
    rng = np.random.default_rng(5)
    goods = [render_cutout(product, rng, 120, calm=True) for product in unlisted_products(2, 11)]
    for number in range(PHOTOS):
        scene = compose_scene(
            [render_cutout(products[number], rng, 340, calm=True)],
            None,
            rng,
            resolution_wh=(640, 480),
            style=replace(CLEAR),
            goods=goods,
        )
        Image.fromarray(scene.image).save(shop.images / f"photo-{number}.jpg", quality=92)
    return shop


def packshot(product: Product, view: int) -> np.ndarray[Any, Any]:
    return np.asarray(render_packshot(product, view, 320))


def found(document: Mapping[str, Any], check: str) -> list[dict[str, Any]]:
    return [finding for finding in document["findings"] if finding["check"] == check]


def state(document: Mapping[str, Any]) -> dict[str, bool]:
    return {check["name"]: check["passed"] for check in document["checks"]}
