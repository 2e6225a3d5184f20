"""From photos to answers: what is cut out of each photo, and what the gallery says to it.

`--crop` chooses what is embedded: every detection, the main object first, as in `edge tag`; the centre of the photo, as
someone would aim a phone; or the whole photo. The last two leave the detector out, so that its misses and those of the
embedder can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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
        left_out: to those that show a product, as if the catalogue lacked it, so that every one shows nothing from it;
            without a photo unless that was asked for.
        left_out_alone: likewise, without a second look.
    """

    queries: tuple[Query, ...]
    answers: Answers
    embedder_alone: Answers
    problems: tuple[str, ...]
    left_out: Answers
    left_out_alone: Answers


@dataclass
class _Gathered:
    """Answers as they come, photo by photo: what each shows, its crops' rankings and boxes."""

    expected: list[int] = field(default_factory=list)
    found: list[list[Ranking]] = field(default_factory=list)
    boxes: list[Float32s] = field(default_factory=lambda: [np.zeros((0, 4), np.float32)])

    def add(self, expected: int, found: list[Ranking], xyxy: Float32s) -> None:
        self.expected.append(expected)
        self.found.append(found)
        self.boxes.append(xyxy)

    def answers(self, way: int) -> Answers:
        """Lay out the rankings by one of the two ways."""
        return _answers(self.expected, self.found, np.concatenate(self.boxes), way)


def ask(kit: Kit, queries: Iterable[Query], images: Path, crop: Crop, leave_out: bool = False) -> Answered:
    """Ask the kit about every photo.

    Args:
        kit: models and one shard.
        queries: photos with what they show.
        images: folder that their paths start from.
        crop: what is embedded.
        leave_out: whether photos of a product are also asked as if the catalogue lacked it.
    """
    shard = kit.gallery.shards[0]
    asked: list[Query] = []
    whole, without = _Gathered(), _Gathered()
    problems = []
    for query in queries:
        row = shard.find(query.product_id) if query.product_id else NOTHING
        if row is None:
            problems.append(f"{query.place}product {query.product_id!r} is not in the shard {shard.root}")
            continue
        try:
            objects = objects_of(kit, open_photo(images / query.path).image, crop)
        except MediaError as e:
            problems.append(f"{query.place}{e}")
            continue
        named, xyxy = _search(kit, objects, one_more=leave_out), objects.detections.xyxy
        asked.append(query)
        whole.add(row, _ranked(kit, objects, named), xyxy)
        if leave_out and row != NOTHING:
            others = [tuple(c for c in found if c.product_id != query.product_id) for found in named]
            without.add(NOTHING, _ranked(kit, objects, others), xyxy)
    return Answered(
        tuple(asked), whole.answers(0), whole.answers(1), tuple(problems), without.answers(0), without.answers(1)
    )


def _search(kit: Kit, objects: Objects, one_more: bool) -> list[tuple[Candidate, ...]]:
    return candidates_of(kit.gallery.search(objects.embeddings, kit.looked_up + one_more), kit.gallery)


def _ranked(kit: Kit, objects: Objects, named: Sequence[tuple[Candidate, ...]]) -> list[Ranking]:
    first = [candidates[: kit.looked_up] for candidates in named]
    return [_rank(kit, *one) for one in zip(objects.looked_at, first, strict=True)]


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
