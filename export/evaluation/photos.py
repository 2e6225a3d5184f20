"""From photos to answers: what is cut out of each photo, and what the gallery says to it.

`--crop` chooses what is embedded: every detection, as in `edge tag`; the centre of the photo, as someone would aim a
phone; or the whole photo. The last two leave the detector out, so that its misses and the embedder's can be told
apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from edge.crops import cut_crops
from edge.detections import Float32s, Int32s
from edge.errors import MediaError
from edge.matches import Matches
from edge.media.sources import open_source
from edge.pipeline import CANDIDATES, Kit, candidates_of
from edge.preprocessing import ImageArray
from edge.tags import Candidate
from export.evaluation.queries import Query
from export.evaluation.retrieval import NOTHING, Answers

Crop = Literal["detector", "centre", "whole"]
CROPS: tuple[Crop, ...] = get_args(Crop)
CENTRE_SHARE = 0.7
Row = tuple[Int32s, Float32s]
Ranking = tuple[Row, Row]


@dataclass(frozen=True)
class Answered:
    """The queries that could be asked, and what was said.

    Attributes:
        queries: those that could be asked.
        answers: to them, as `edge tag` gives them.
        embedder_alone: to them, without a second look; the same where there is none.
        problems: a sentence for each query that could not be asked.
    """

    queries: tuple[Query, ...]
    answers: Answers
    embedder_alone: Answers
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
    expected: list[int] = []
    found: list[list[Ranking]] = []
    problems = []
    for query in queries:
        row = shard.find(query.product_id) if query.product_id else NOTHING
        if row is None:
            problems.append(f"line {query.line}: product {query.product_id!r} is not in the shard {shard.root}")
            continue
        try:
            crops = crops_of(kit, open_photo(images / query.path).image, crop)
            found.append([_rank(kit, *one) for one in zip(crops, _search(kit, crops), strict=True)])
        except MediaError as e:
            problems.append(f"line {query.line}: {e}")
            continue
        asked.append(query)
        expected.append(row)
    return Answered(tuple(asked), _answers(expected, found, 0), _answers(expected, found, 1), tuple(problems))


def _search(kit: Kit, crops: list[ImageArray]) -> list[tuple[Candidate, ...]]:
    return candidates_of(kit.gallery.search(kit.embedder.embed(crops), kit.looked_up), kit.gallery)


def _rank(kit: Kit, crop: ImageArray, candidates: tuple[Candidate, ...]) -> Ranking:
    """Return rows and similarities of the products of a crop: as `edge tag` gives them, and by the embedder alone."""
    return _row(kit, kit.reconsider(crop, candidates)), _row(kit, candidates)


def _row(kit: Kit, candidates: Sequence[Candidate]) -> Row:
    product, similarity = np.full(CANDIDATES, -1, np.int32), np.full(CANDIDATES, -1, np.float32)
    for place, candidate in enumerate(candidates[:CANDIDATES]):
        row = kit.gallery.shards[candidate.shard].find(candidate.product_id)
        product[place], similarity[place] = -1 if row is None else row, candidate.similarity
    return product, similarity


def _answers(expected: list[int], found: list[list[Ranking]], way: int) -> Answers:
    """Lay out the rankings of all crops of all photos, by one of the two ways."""
    photo = np.repeat(np.arange(len(found), dtype=np.int32), [len(rankings) for rankings in found])
    matches = Matches.empty(len(photo), CANDIDATES)
    product, similarity = matches.product.copy(), matches.similarity.copy()
    for at, ranking in enumerate(ranking for rankings in found for ranking in rankings):
        product[at], similarity[at] = ranking[way]
    return Answers(np.array(expected, np.int32), photo, Matches(np.minimum(product, 0), product, similarity))


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
