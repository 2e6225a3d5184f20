"""The media of the demo, made from nothing: catalogue, packshots, a clip with its truth, photos with their answers.

Example:
    >>> import tempfile
    >>> media = write_demo_media(Path(tempfile.mkdtemp()), seed=0)
    >>> len(media.products)
    40
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.errors import OutputError, UsageError
from edge.files import whole_file, write_whole
from export.render.background import RGBA
from export.render.clip import ClipTruth, write_clip
from export.render.demo_script import demo_script
from export.render.packshot import render_cutout, render_packshot
from export.render.products import Product, demo_products, unlisted_products
from export.render.scene import SceneStyle, compose_scene

LEAST_PRODUCTS = 16
VIEWS_PER_PRODUCT = 2
PACKSHOT_SIZE = 320
PHOTO_WH = (640, 480)
_ITEM_FIELDS = ("product_id", "title", "image", "price", "currency", "url", "brand", "category", "region", "in_stock")

# group of photos: how many, how they are taken
_PHOTO_GROUPS: dict[str, tuple[int, SceneStyle]] = {
    "clear": (12, SceneStyle(size=(0.6, 0.8), hand=0.3, spoil=0.25, out=0.0, spread=0.7)),
    "hard": (8, SceneStyle(size=(0.45, 0.8), hand=0.9, spoil=1.0, out=0.08, spread=0.8)),
    "unlisted": (6, SceneStyle(size=(0.55, 0.8), hand=0.5, spoil=0.4, out=0.0, spread=0.7)),
}


@dataclass(frozen=True)
class DemoMedia:
    """Where the demo's media lie and what they show."""

    folder: Path
    items_csv: Path
    images: Path
    clip: Path
    truth_json: Path
    queries_csv: Path
    photos: Path
    products: tuple[Product, ...]
    clip_truth: ClipTruth


def write_demo_media(out: Path, seed: int = 0, count: int = 40) -> DemoMedia:
    """Write the demo folder.

    Args:
        out: Folder to fill; made when missing, files of the same names are overwritten.
        seed: Decides catalogue, story and photos; equal seeds give equal pictures.
        count: Products in the catalogue, at least 16.

    Returns:
        What was written: ``ITEMS.csv``, ``images/``, ``clip.mp4``, ``truth.json``, ``photos/`` with ``queries.csv``.

    Raises:
        UsageError: ``count`` is too small for the story of the clip.
        OutputError: Something could not be written; files that are there are whole.
    """
    if count < LEAST_PRODUCTS:
        raise UsageError(f"A demo catalogue needs at least {LEAST_PRODUCTS} products for its clip, not {count}.")
    products, unlisted = demo_products(count, seed), unlisted_products(12, seed)
    images, photos = out / "images", out / "photos"
    for folder in (images, photos):
        _make_folder(folder)
    items_csv = write_catalogue(out / "ITEMS.csv", images, products)
    with whole_file(out / "clip.mp4") as temporary:
        truth = replace(write_clip(demo_script(products, unlisted, seed), temporary), path=out / "clip.mp4")
    truth_json = out / "truth.json"
    write_whole(truth_json, json.dumps(truth.document(), indent=1) + "\n")
    queries_csv = _write_photos(photos, products, unlisted, seed)
    return DemoMedia(out, items_csv, images, truth.path, truth_json, queries_csv, photos, products, truth)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder for the demo's media cannot be made ({error.strerror}).") from error


def _save(image: NDArray[np.uint8], path: Path) -> None:
    with whole_file(path) as temporary:
        Image.fromarray(image).save(temporary, "JPEG", quality=92, subsampling=0)


def _write_csv(path: Path, fields: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(rows)
    write_whole(path, text.getvalue())
    return path


def write_catalogue(path: Path, images: Path, products: Sequence[Product]) -> Path:
    """Write the table of a catalogue, and its packshots into the folder `images`, which is there."""
    rows = []
    for product in products:
        for view in range(VIEWS_PER_PRODUCT):
            name = f"{product.product_id}-{view + 1}.jpg"
            _save(render_packshot(product, view, PACKSHOT_SIZE), images / name)
            rows.append(_item(product, name))
    return _write_csv(path, _ITEM_FIELDS, rows)


def _item(product: Product, image: str) -> tuple[object, ...]:
    return (
        product.product_id,
        product.title,
        image,
        f"{product.price:.2f}",
        product.currency,
        f"https://shop.example/{product.product_id}",
        product.brand,
        product.category,
        product.region,
        "yes" if product.in_stock else "no",
    )


def _write_photos(photos: Path, products: Sequence[Product], unlisted: Sequence[Product], seed: int) -> Path:
    """Take the still photos; the goods on the shelves behind are unlisted too."""
    rng = np.random.default_rng([seed, 31])
    goods = [render_cutout(product, rng, 120, calm=True) for product in unlisted]
    rows = []
    for group, (amount, style) in _PHOTO_GROUPS.items():
        pool = unlisted if group == "unlisted" else products
        for number, choice in enumerate(rng.permutation(len(pool))[:amount]):
            product = pool[int(choice)]
            name = f"{group}-{number + 1:02d}.jpg"
            _save(_photo(product, style, goods, rng), photos / name)
            rows.append((name, "" if group == "unlisted" else product.product_id, group))
    return _write_csv(photos / "queries.csv", ("path", "product_id", "group"), rows)


def _photo(product: Product, style: SceneStyle, goods: Sequence[RGBA], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Take one photo; one in which the product is nearly hidden is taken again."""
    while True:
        cutout = render_cutout(product, rng, 340, calm=style.spoil < 0.9)
        scene = compose_scene(
            [cutout], None, rng, resolution_wh=PHOTO_WH, style=replace(style, least_visible=0.5), goods=goods
        )
        if len(scene.xyxy):
            return scene.image
