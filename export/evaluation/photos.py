"""From photos to answers: what is cut out of each photo, and what the gallery says to it.

`--crop` chooses what is embedded: every detection, the main object first, as in `edge tag`; the centre of the photo, as
someone would aim a phone; or the whole photo. The last two leave the detector out, so that its misses and those of the
embedder can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from edge.crops import cut_crops
from edge.detections import Detections, Float32s, Int32s
from edge.errors import MediaError
from edge.matches import Matches
from edge.media.sources import open_source
from edge.pipeline import CANDIDATES, Kit, Objects, candidates_of, find_objects
from edge.preprocessing import ImageArray
from edge.prominence import MIDDLE_SHARE, middle_box
from edge.stopwatch import Stopwatch
from edge.tags import Candidate
from export.evaluation.queries import Query
from export.evaluation.retrieval import NOTHING, Answers

Crop = Literal["detector", "centre", "whole"]
CROPS: tuple[Crop, ...] = get_args(Crop)
CENTRE_SHARE = MIDDLE_SHARE
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
    boxes: list[Float32s] = []
    problems = []
    for query in queries:
        row = shard.find(query.product_id) if query.product_id else NOTHING
        if row is None:
            problems.append(f"line {query.line}: product {query.product_id!r} is not in the shard {shard.root}")
            continue
        try:
            objects = objects_of(kit, open_photo(images / query.path).image, crop)
            found.append([_rank(kit, *one) for one in zip(objects.looked_at, _search(kit, objects), strict=True)])
        except MediaError as e:
            problems.append(f"line {query.line}: {e}")
            continue
        boxes.append(objects.detections.xyxy)
        asked.append(query)
        expected.append(row)
    xyxy = np.concatenate([np.zeros((0, 4), np.float32), *boxes])
    answers, alone = (_answers(expected, found, xyxy, way) for way in (0, 1))
    return Answered(tuple(asked), answers, alone, tuple(problems))


def _search(kit: Kit, objects: Objects) -> list[tuple[Candidate, ...]]:
    return candidates_of(kit.gallery.search(objects.embeddings, kit.looked_up), kit.gallery)


def _rank(kit: Kit, crop: ImageArray, candidates: tuple[Candidate, ...]) -> Ranking:
    """Return rows and similarities of the products of a crop: as `edge tag` gives them, and by the embedder alone."""
    return _row(kit, kit.reconsider(crop, candidates)), _row(kit, candidates)


def _row(kit: Kit, candidates: Sequence[Candidate]) -> Row:
    product, similarity = np.full(CANDIDATES, -1, np.int32), np.full(CANDIDATES, -1, np.float32)
    for place, candidate in enumerate(candidates[:CANDIDATES]):
        row = kit.gallery.shards[candidate.shard].find(candidate.product_id)
        product[place], similarity[place] = -1 if row is None else row, candidate.similarity
    return product, similarity


def _answers(expected: list[int], found: list[list[Ranking]], xyxy: Float32s, way: int) -> Answers:
    """Lay out the rankings of all crops of all photos, by one of the two ways."""
    photo = np.repeat(np.arange(len(found), dtype=np.int32), [len(rankings) for rankings in found])
    matches = Matches.empty(len(photo), CANDIDATES)
    product, similarity = matches.product.copy(), matches.similarity.copy()
    for at, ranking in enumerate(ranking for rankings in found for ranking in rankings):
        product[at], similarity[at] = ranking[way]
    return Answers(np.array(expected, np.int32), photo, xyxy, Matches(np.minimum(product, 0), product, similarity))


def objects_of(kit: Kit, image: ImageArray, crop: Crop) -> Objects:
    """Return what is to be asked of a photo: its objects, the main one first, or one window of it."""
    if crop == "detector":
        return find_objects(kit, image, Stopwatch(), still=True)
    window = Detections.of(central_box(image, CENTRE_SHARE if crop == "centre" else 1.0), [1.0])
    crops = cut_crops(image, window.xyxy)
    return Objects(window, crops, crops, kit.embedder.embed(crops))


def central_box(image: ImageArray, share: float) -> Float32s:
    """Return float32 (1, 4): the box of this share of each side in the middle of the picture."""
    return middle_box((image.shape[1], image.shape[0]), share)


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
