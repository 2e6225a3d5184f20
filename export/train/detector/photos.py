"""The photos that the kit's own detector learns from, read from their folders and parted.

Role: everything the default recipe knows about its data. A share of every labelled set is kept aside, so are whole
grocery products with all of their photos (where asked for), and the second half of the clip without products; none of
it is learnt from, pasted, or used as a background.

Layout of the folder: `cards_det`, `bottles_cups_det`, `fork_scissors_det` (each with `annotations.json`, COCO),
`grocery_store` (`manifest.csv`), `clothing/images`, `clothing_extra/images`, `shelf_photos`, `videos`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from edge.errors import InputError
from edge.media.sources import open_source
from export.render.opencv import cv2
from export.train.detector.samples import ImageArray, Labelled, Sample, read_coco, read_image, split

LABELLED = ("cards_det", "bottles_cups_det", "fork_scissors_det")
CARTONS = {"Juice", "Milk", "Oat-Milk", "Sour-Cream", "Sour-Milk", "Soy-Milk", "Soyghurt", "Yoghurt"}
CLOTHES_SIDE = 288
UNLABELLED_GROCERIES, UNLABELLED_CLOTHES, UNLABELLED_SHELVES = 0.12, 0.6, 0.1


@dataclass(frozen=True)
class GroceryPhoto:
    """One picture of the grocery set: `path`, its product, whether that is a carton, whether it is the packshot."""

    path: Path
    product_id: str
    carton: bool
    packshot: bool


@dataclass(frozen=True)
class Photos:
    """What is learnt from and what is kept aside.

    Attributes:
        learnt: labelled samples by set.
        kept: labelled samples by set, never learnt from.
        groceries: grocery photos and packshots to learn from.
        kept_groceries: those of the products kept aside.
        people, kept_people: frames without products.
        clothes, shelves: backgrounds with unlabelled things, which weigh little as false alarms.
    """

    learnt: dict[str, list[Sample]]
    kept: dict[str, list[Sample]]
    groceries: list[GroceryPhoto]
    kept_groceries: list[GroceryPhoto]
    people: list[ImageArray]
    kept_people: list[ImageArray]
    clothes: list[Sample]
    shelves: list[Sample]


def read_photos(data: Path, share: float, product_share: float, seed: int, choosing: bool = False) -> Photos:
    """Read and part all photos.

    Args:
        data: the folder described above.
        share: of every labelled set kept aside, 0..1.
        product_share: of the grocery products kept aside, 0..1.
        seed: of the draws.
        choosing: to choose among recipes: what is kept aside is left out altogether, and as much again of what is
            learnt from otherwise is kept aside in its place.

    Raises:
        InputError: a file is missing or cannot be used.
    """
    learnt, kept = dict[str, list[Sample]](), dict[str, list[Sample]]()
    for name in LABELLED:
        train, aside = split(read_coco(data / name / "annotations.json", data / name), share, seed)
        if choosing:
            train, aside = split(train, share / (1 - share), seed + 1)
        learnt[name], kept[name] = read_samples(train), read_samples(aside)
    groceries, kept_groceries = part_groceries(read_manifest(data / "grocery_store"), product_share, seed)
    people = list(frames(data / "videos" / "one-by-one-person-detection-negative.mp4", 6))
    aisle = frames(data / "videos" / "store-aisle-detection-preview.mp4", 4)
    shelves = [*(read_image(path) for path in sorted((data / "shelf_photos").glob("*.jpg"))), *aisle]
    if choosing:
        people = people[: len(people) // 2]
    middle = len(people) // 2 if share > 0 else len(people)
    return Photos(
        learnt,
        kept,
        groceries,
        kept_groceries,
        people[:middle],
        people[len(people) // 2 :],
        list(_clothes(data)),
        [Sample(image, background_weight=UNLABELLED_SHELVES) for image in shelves],
    )


def read_samples(rows: list[Labelled]) -> list[Sample]:
    """Read the pictures of labelled rows."""
    return [Sample(read_image(row.path), row.xyxy, name=row.path.name) for row in rows]


def read_manifest(folder: Path) -> list[GroceryPhoto]:
    """Read which picture shows which grocery product.

    Raises:
        InputError: the manifest is missing or lacks a column.
    """
    manifest = folder / "manifest.csv"
    try:
        with manifest.open(newline="", encoding="utf-8") as file:
            return [
                GroceryPhoto(folder / r["path"], r["product_id"], r["category"] in CARTONS, r["role"] == "catalog")
                for r in csv.DictReader(file)
            ]
    except (OSError, KeyError, UnicodeDecodeError) as e:
        raise InputError(f"{manifest}: cannot be read as a manifest ({type(e).__name__}: {e})") from e


def part_groceries(
    photos: list[GroceryPhoto], share: float, seed: int
) -> tuple[list[GroceryPhoto], list[GroceryPhoto]]:
    """Part grocery photos by product, the same share of cartons and of the rest, so that no product is in both."""
    rng, kept = np.random.default_rng(seed), set[str]()
    for carton in (True, False):
        products = sorted({photo.product_id for photo in photos if photo.carton is carton})
        kept |= {products[i] for i in rng.permutation(len(products))[: round(share * len(products))]}
    return [p for p in photos if p.product_id not in kept], [p for p in photos if p.product_id in kept]


def as_background(photos: list[GroceryPhoto]) -> list[Sample]:
    """Read grocery photos as backgrounds full of unlabelled products."""
    shown = [photo for photo in photos if not photo.packshot]
    return [Sample(read_image(photo.path), background_weight=UNLABELLED_GROCERIES) for photo in shown]


def frames(video: Path, every: int) -> Iterator[ImageArray]:
    """Yield every so many frames of a clip.

    Args:
        video: the clip. A folder of the same name without the suffix stands for it where there is one: the wanted
            frames as pictures, in the order of their names, for a machine that cannot decode videos.
        every: which of the clip's frames; those in a folder are all yielded.
    """
    if (folder := video.with_suffix("")).is_dir():
        yield from (read_image(path) for path in sorted(folder.iterdir()))
        return
    with open_source(str(video)) as source:
        yield from (frame.image for frame in islice(source.frames(0), 0, None, every))


def _clothes(data: Path) -> Iterator[Sample]:
    for folder in ("clothing", "clothing_extra"):
        for path in sorted((data / folder / "images").glob("**/*.jpg")):
            yield Sample(_small(read_image(path)), background_weight=UNLABELLED_CLOTHES)


def _small(image: ImageArray) -> ImageArray:
    scale = CLOTHES_SIDE / max(image.shape[:2])
    if scale >= 1:
        return image
    return np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
