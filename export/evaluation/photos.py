"""From photos to answers: what is cut out of each photo, and what the gallery says to it.

`--crop` chooses what is embedded: every detection, as in `edge tag`; the centre of the photo, as someone would aim a
phone; or the whole photo. The last two leave the detector out, so that its misses and the embedder's can be told
apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from edge.crops import cut_crops
from edge.detections import Float32s
from edge.errors import MediaError
from edge.media.sources import open_source
from edge.pipeline import CANDIDATES, Kit
from edge.preprocessing import ImageArray
from export.evaluation.queries import Query
from export.evaluation.retrieval import NOTHING, Answers

Crop = Literal["detector", "centre", "whole"]
CROPS: tuple[Crop, ...] = get_args(Crop)
CENTRE_SHARE = 0.7


@dataclass(frozen=True)
class Answered:
    """The queries that could be asked, the answers to them, and a sentence for each one that could not."""

    queries: tuple[Query, ...]
    answers: Answers
    problems: tuple[str, ...]


def ask(kit: Kit, queries: Iterable[Query], images: Path, crop: Crop) -> Answered:
    """Ask the kit about every photo.

    Args:
        kit: models and one shard.
        queries: photos with what they show.
        images: folder that their paths start from.
        crop: what is embedded.
    """
    shard = kit.gallery.shards[0]
    asked: list[Query] = []
    expected, vectors, problems = [], [], []
    for query in queries:
        row = shard.find(query.product_id) if query.product_id else NOTHING
        if row is None:
            problems.append(f"line {query.line}: product {query.product_id!r} is not in the shard {shard.root}")
            continue
        try:
            vectors.append(kit.embedder.embed(crops_of(kit, open_photo(images / query.path).image, crop)))
        except MediaError as e:
            problems.append(f"line {query.line}: {e}")
            continue
        asked.append(query)
        expected.append(row)
    return Answered(tuple(asked), _answers(kit, expected, vectors), tuple(problems))


def _answers(kit: Kit, expected: list[int], vectors: list[Float32s]) -> Answers:
    """Search with the crops of all photos at once."""
    photo = np.repeat(np.arange(len(vectors), dtype=np.int32), [len(v) for v in vectors])
    embeddings = np.concatenate([np.zeros((0, kit.embedder.ndim), np.float32), *vectors])
    return Answers(np.array(expected, np.int32), photo, kit.gallery.search(embeddings, CANDIDATES))


def crops_of(kit: Kit, image: ImageArray, crop: Crop) -> list[ImageArray]:
    """Cut out of a photo what is to be embedded: one crop, or one for each detection."""
    if crop == "detector":
        return cut_crops(image, kit.detector.detect(image).xyxy, kit.bundle.embedder.crop_margin)
    return cut_crops(image, central_box(image, CENTRE_SHARE if crop == "centre" else 1.0))


def central_box(image: ImageArray, share: float) -> Float32s:
    """Return float32 (1, 4): the box of this share of each side in the middle of the picture."""
    height, width = image.shape[:2]
    low, high = (1 - share) / 2, (1 + share) / 2
    return np.array([[low * width, low * height, high * width, high * height]], np.float32)


@dataclass(frozen=True)
class Photo:
    """A picture as it is shown.

    Attributes:
        image: (H, W, 3) uint8 RGB; a very large picture may have been read at a smaller size.
        scale: pixels of the file for one pixel of the image, at least 1.
    """

    image: ImageArray
    scale: float


def open_photo(path: Path) -> Photo:
    """Read a picture.

    Raises:
        MediaError: it cannot be read.
    """
    with open_source(str(path)) as source:
        for frame in source.frames(0):
            return Photo(frame.image, source.resolution_wh[0] / frame.image.shape[1])
        raise MediaError(source.error or f"{path}: holds no picture")
