"""A user's labelled photos: read, checked for doubles, parted into learning, stopping and comparing.

Invariants: pictures with the same pixels are on one side of every split; a picture that cannot be read is named and
left out; whoever names a test file of their own gets a refusal where it shares a picture with the training.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.command_line import progress
from edge.errors import InputError, MediaError
from export.fingerprint import fingerprint
from export.train.contents import part
from export.train.detector.samples import Labelled, Sample, read_coco, read_image

FEWEST = 6
STOPPING_SHARE = 0.15


@dataclass(frozen=True)
class Photo:
    """A labelled picture that was read, and the SHA-256 of its pixels."""

    path: Path
    sample: Sample
    sha256: str


@dataclass(frozen=True)
class OwnPhotos:
    """Three parts that share no picture, and a sentence for everything that could not be used.

    Attributes:
        learning: what is learnt from.
        stopping: what says when to stop, and which threshold is best.
        comparing: what the result is compared with the former detector on.
        problems: one sentence for each picture left out.
        notes: one sentence for each thing worth knowing.
    """

    learning: list[Sample]
    stopping: list[Sample]
    comparing: list[Sample]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read_own(labels: Path, test: Path | None, images: Path, share: float, seed: int) -> OwnPhotos:
    """Read a user's labels and pictures.

    Args:
        labels: COCO json to learn from.
        test: COCO json to compare on; None keeps a share of `labels` aside for it.
        images: folder that the file names of both are relative to.
        share: of the pictures kept aside for comparing where `test` is None, 0..1.
        seed: of the draw.

    Raises:
        InputError: too few pictures can be read, or a picture is in both files.
    """
    problems: list[str] = []
    photos = list(_read(read_coco(labels, images), problems))
    if len(photos) < FEWEST:
        raise InputError(
            f"{labels}: {len(photos)} of its pictures can be used, at least {FEWEST} are needed to learn from some "
            "and keep others aside: label more"
        )
    notes = [*empty_classes(labels), *_doubles(photos)]
    if test is None:
        learning, comparing = part(photos, share, seed)
    else:
        learning, comparing = photos, list(_read(read_coco(test, images), problems))
        _require_apart(labels, learning, test, comparing)
    learning, stopping = part(learning, STOPPING_SHARE, seed + 1)
    sides = tuple([photo.sample for photo in side] for side in (learning, stopping, comparing))
    for side, purpose in zip(sides, ("to learn from", "to tell when to stop", "to compare on"), strict=True):
        if not any(len(sample.xyxy) for sample in side):
            raise InputError(f"{test or labels}: no box is left {purpose}: label more pictures or change --keep-aside")
    return OwnPhotos(sides[0], sides[1], sides[2], tuple(problems), tuple(notes))


def empty_classes(labels: Path) -> Iterator[str]:
    """Yield a sentence for each class of a COCO file that has no box."""
    document = json.loads(labels.read_bytes())
    used = {row.get("category_id") for row in document["annotations"]}
    for row in document.get("categories", []):
        if row.get("id") not in used:
            yield f"{labels}: the class {row.get('name', row.get('id'))!r} has no box: nothing is learnt of it"


def _read(rows: Sequence[Labelled], problems: list[str]) -> Iterator[Photo]:
    for row in progress(rows, "reading pictures", unit="picture"):
        try:
            image = read_image(row.path)
        except MediaError as e:
            problems.append(str(e))
            continue
        yield Photo(row.path, Sample(image, row.xyxy), fingerprint(image))


def _doubles(photos: Sequence[Photo]) -> Iterator[str]:
    first: dict[str, Path] = {}
    for photo in photos:
        if photo.sha256 in first:
            yield f"{photo.path}: shows the same pixels as {first[photo.sha256]}: both stay on one side of the split"
        first.setdefault(photo.sha256, photo.path)


def _require_apart(labels: Path, learning: Sequence[Photo], test: Path, comparing: Sequence[Photo]) -> None:
    known = {photo.sha256: photo.path for photo in learning}
    shared = [photo for photo in comparing if photo.sha256 in known]
    if shared:
        raise InputError(
            f"{test}: {len(shared)} of its pictures are also in {labels} (first: {shared[0].path.name} is "
            f"{known[shared[0].sha256].name}): a comparison on pictures that were learnt says nothing, remove them "
            "from one of the two"
        )
