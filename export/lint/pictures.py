"""Checks of the pictures themselves: the files where they are at hand, the thumbnails; and vectors that say nothing."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from edge.errors import ArtefactRefused, MediaError
from edge.media.pictures import read_picture
from edge.preprocessing import ImageArray
from edge.shard import Shard
from export.catalog.limits import LEAST_LEVELS
from export.catalog.scanning import Views
from export.lint.findings import Finding, Place
from export.lint.places import Pictures, Places

WatchRows = Callable[[Iterable[int], str, int], Iterable[int]]
_SIDE = 32


def is_blank(image: ImageArray) -> bool:
    """Return whether a picture, (h, w, 3) uint8 RGB, has nothing on it.

    Shrunk to 32 x 32 points, it spans fewer than `LEAST_LEVELS` of 256 levels in each of the three colours.
    """
    small = np.asarray(Image.fromarray(image).resize((_SIDE, _SIDE), Image.Resampling.BOX), np.int16).reshape(-1, 3)
    return bool(np.ptp(small, axis=0).max() < LEAST_LEVELS)


def empty_vectors(views: Views, places: Places) -> Iterator[Finding]:
    """Yield the views whose vector is all zeros: nothing is ever similar to them."""
    for start in range(0, len(views), 65_536):
        for view in (start + np.flatnonzero(~views.vectors[start : start + 65_536].any(axis=1))).tolist():
            place = places.view(int(views.product[view]), view)
            yield Finding("broken_pictures", "has a vector of zeros, which nothing matches", place, exclude=True)


def picture_files(shard: Shard, pictures: Pictures, places: Places, watch: WatchRows) -> Iterator[Finding]:
    """Look at the file of every view that ITEMS.csv has one for."""
    offsets = shard.view_offsets
    for row in watch(range(shard.products), "looking at pictures", shard.products):
        for view in range(int(offsets[row]), int(offsets[row + 1])):
            path = pictures.path(int(shard.keys[view]))
            if path is not None:
                yield from _file(path, places.view(row, view))


def thumbnails(shard: Shard, places: Places, watch: WatchRows) -> Iterator[Finding]:
    """Look at the small picture of every product.

    Raises:
        ArtefactRefused: the pack as a whole is not what it says it is.
    """
    if shard.thumbnails is None:
        return
    for row in watch(range(shard.products), "looking at thumbnails", shard.products):
        yield from _thumbnail(shard, row, places)


def _file(path: Path, place: Place) -> Iterator[Finding]:
    try:
        blank = is_blank(read_picture(str(path)))
    except MediaError as e:
        yield Finding("broken_pictures", f"cannot be read: {e}", place, exclude=True)
        return
    if blank:
        yield Finding("blank_pictures", "has nothing on it", place, exclude=True)


def _thumbnail(shard: Shard, row: int, places: Places) -> Iterator[Finding]:
    for view in range(*shard.views_of(row).indices(shard.views)):
        try:
            content = shard.thumbnails.get(int(shard.keys[view])) if shard.thumbnails else None
            if content is not None and is_blank(_decoded(content)):
                yield Finding("blank_pictures", "has nothing on it", places.view(row, view), exclude=True)
        except ArtefactRefused as e:
            yield Finding("broken_pictures", f"its thumbnail is altered ({e})", places.view(row, view))
        except (OSError, ValueError) as e:
            sentence = f"its thumbnail is no picture ({e}): build the pack again"
            yield Finding("broken_pictures", sentence, places.view(row, view))


def _decoded(content: bytes) -> ImageArray:
    with Image.open(io.BytesIO(content)) as picture:
        return np.asarray(picture.convert("RGB"))
