"""Albums: real products, each with packshots and photos, parted by product so that nothing leaks.

An album is a CSV file with the columns path, product_id, role ("catalog" or "query"), split and category; other
columns are left alone. Paths are relative to the file. Rows of the split "train" may be learnt from, the photos of all
other splits never are.

    >>> album = read_album(Path("manifest.csv"))
    >>> album.folds(3, apart=("Milk", "Juice"))
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.files import sha256_of_file

COLUMNS = ("path", "product_id", "role", "split", "category")
TRAIN = "train"
FOLD_SEED = 7
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Picture:
    """A file, the row of the product that it shows, and whether training may see it."""

    path: Path
    product: int
    trains: bool


@dataclass(frozen=True)
class Album:
    """Products with their pictures.

    Attributes:
        product_ids: one a product; everything else counts rows of this.
        categories: one a product.
        packshots: pictures for the catalogue, at least one a product.
        photos: pictures from life.
    """

    product_ids: tuple[str, ...]
    categories: tuple[str, ...]
    packshots: tuple[Picture, ...]
    photos: tuple[Picture, ...]

    def __len__(self) -> int:
        return len(self.product_ids)

    def within(self, categories: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Tell for each product whether it is of one of these categories."""
        return np.array([category in categories for category in self.categories], np.bool_)

    def folds(self, count: int, apart: Sequence[str] = (), seed: int = FOLD_SEED) -> Ints:
        """Deal the products into folds, those of the categories `apart` first and by themselves.

        Returns:
            int64 (products,), 0 to count - 1.
        """
        rng, fold = np.random.default_rng(seed), np.zeros(len(self), np.int64)
        chosen = self.within(apart)
        for members in (np.flatnonzero(chosen), np.flatnonzero(~chosen)):
            fold[rng.permutation(members)] = np.arange(len(members)) % count
        return fold


def read_album(path: Path) -> Album:
    """Read an album; no picture is opened yet.

    Raises:
        InputError: a column or a product's packshot is missing, there is no product, or the same file stands under
            the split that trains and under another.
    """
    rows = _rows(path)
    shots = [row for row in rows if row["role"] == "catalog"]
    index = {name: i for i, name in enumerate(dict.fromkeys(row["product_id"] for row in shots))}
    if not index:
        raise InputError(f"{path}: names no picture with the role catalog, so there is no product to learn")
    if orphan := next((row for row in rows if row["product_id"] not in index), None):
        raise InputError(
            f"{path}: {orphan['path']} shows {orphan['product_id']!r}, which has no picture of the catalog"
        )

    def pictures(role: str) -> tuple[Picture, ...]:
        return tuple(
            Picture(path.parent / row["path"], index[row["product_id"]], row["split"] == TRAIN)
            for row in rows
            if row["role"] == role
        )

    category = {row["product_id"]: row["category"] for row in shots}
    return Album(tuple(index), tuple(category[name] for name in index), pictures("catalog"), pictures("query"))


def refuse_duplicates(album: Album) -> None:
    """Compare the photos that train with all others by their bytes.

    Raises:
        InputError: a photo is on both sides, so a figure measured on it would be flattering.
    """
    learnt = {sha256_of_file(photo.path): photo.path for photo in album.photos if photo.trains}
    for photo in album.photos:
        if not photo.trains and (twin := learnt.get(sha256_of_file(photo.path))):
            raise InputError(f"{photo.path}: is the same file as {twin}, which training sees: remove one of them")


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise InputError(f"{path}: cannot be read as a CSV file ({e})") from e
    for name in COLUMNS:
        if any(not row.get(name) for row in rows):
            raise InputError(f"{path}: the column {name!r} is missing or empty in some row")
    return rows
