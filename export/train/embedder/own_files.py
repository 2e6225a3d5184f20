"""A user's files: which pictures show which product, read once, with a sentence for each that cannot be used.

Invariants: a picture that cannot be read is named and left out; the same pixels never stand for two products.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.command_line import progress
from edge.crops import cut_crops
from edge.errors import InputError, MediaError
from edge.media.pictures import read_picture
from export.catalog.items import read_items
from export.evaluation.photos import CENTRE_SHARE, central_box
from export.evaluation.queries import Query, read_queries
from export.fingerprint import fingerprint
from export.render.opencv import cv2
from export.train.embedder.rendered import Pictures

PACKSHOT_SIDE, PHOTO_SIDE = 256, 400
FEWEST_PRODUCTS = 2


@dataclass(frozen=True)
class Given:
    """What the user named.

    Attributes:
        items: ITEMS.csv.
        images: folder that its pictures lie in.
        photos: CSV file `path,product_id` of photos; None: there are packshots alone.
        test: the same, of photos to compare on; None keeps some aside for it.
        photo_images: folder that the paths of both start from; None: the folder of the file.
    """

    items: Path
    images: Path
    photos: Path | None = None
    test: Path | None = None
    photo_images: Path | None = None


@dataclass(frozen=True)
class Shot:
    """A picture that was read.

    Attributes:
        path: its file.
        product: row of the product that it shows.
        picture: (h, w, 3) uint8 RGB, reduced to what training needs.
        centre: the middle 0.7 of each side, as someone aims a phone; reduced likewise.
        sha256: of the pixels before.
    """

    path: Path
    product: int
    picture: Pictures
    centre: Pictures
    sha256: str


@dataclass(frozen=True)
class OwnFiles:
    """Products with their packshots and photos.

    Attributes:
        product_ids: one a product; everything else counts rows of this.
        packshots: at least one a product.
        photos: pictures from life to learn from, or to keep aside.
        test: photos to compare on, where the user named some.
        problems: one sentence for each row or picture left out.
        notes: one sentence for each thing worth knowing.
    """

    product_ids: tuple[str, ...]
    packshots: tuple[Shot, ...]
    photos: tuple[Shot, ...]
    test: tuple[Shot, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def read_own_files(given: Given) -> OwnFiles:
    """Read everything that the user named.

    Raises:
        InputError: fewer than two products have a picture, a file names no photo that can be used, or a picture to
            compare on is also learnt from.
    """
    return _Reading(given).files()


class _Reading:
    def __init__(self, given: Given) -> None:
        self.given = given
        self.problems: list[str] = []
        self.notes: list[str] = []

    def files(self) -> OwnFiles:
        packshots = list(self._packshots())
        ids = tuple(dict.fromkeys(name for name, _ in packshots))
        if len(ids) < FEWEST_PRODUCTS:
            raise self._too_few(len(ids))
        rows = {name: row for row, name in enumerate(ids)}
        shots = [_shot(path, rows[name], image, PACKSHOT_SIDE) for name, (path, image) in packshots]
        self._note_twins(shots, ids)
        known = {shot.sha256: shot for shot in shots}
        photos = self._photos(self.given.photos, rows, known)
        test = self._photos(self.given.test, rows, {})
        if self.given.test is not None:
            _require_apart(self.given.test, test, [*shots, *photos])
        return OwnFiles(ids, tuple(shots), tuple(photos), tuple(test), tuple(self.problems), tuple(self.notes))

    def _packshots(self) -> Iterator[tuple[str, tuple[Path, Pictures]]]:
        items = read_items(self.given.items)
        self.problems += [f"{self.given.items}, line {p.line}: {p.message}" for p in items.problems]
        for view in progress(items.views, "reading packshots", unit="picture"):
            if (image := self._read(self.given.images / view.image)) is not None:
                yield view.product_id, (self.given.images / view.image, image)

    def _too_few(self, found: int) -> InputError:
        why = f" ({len(self.problems)} rows or pictures could not be used: {self.problems[0]})" if self.problems else ""
        return InputError(
            f"{self.given.items}: {found or 'no'} product{'s' * (found != 1)} with a picture that can be used{why}: "
            f"telling products apart needs at least {FEWEST_PRODUCTS}, add more"
        )

    def _note_twins(self, shots: list[Shot], ids: tuple[str, ...]) -> None:
        first: dict[str, Shot] = {}
        for shot in shots:
            twin = first.setdefault(shot.sha256, shot)
            if twin.product != shot.product:
                self.notes.append(
                    f"{shot.path}: {ids[shot.product]!r} has the same picture as {ids[twin.product]!r}: nothing can "
                    "tell the two apart by it"
                )

    def _photos(self, file: Path | None, rows: Mapping[str, int], packshots: Mapping[str, Shot]) -> list[Shot]:
        if file is None:
            return []
        queries = read_queries(file)
        self.problems += queries.problems
        folder, found = self.given.photo_images or file.parent, list[Shot]()
        self._say_what_is_not_used(file, [query for query in queries.queries if query.product_id not in rows])
        wanted = [query for query in queries.queries if query.product_id in rows]
        for query in progress(wanted, "reading photos", unit="picture"):
            if (image := self._read(folder / query.path)) is not None:
                found.append(_shot(folder / query.path, rows[query.product_id], image, PHOTO_SIDE))
        if not (used := self._usable(found, packshots)):
            why = f" ({self.problems[-1]})" if self.problems else ""
            raise InputError(f"{file}: names no photo that can be used{why}: correct it, or leave it out")
        return used

    def _say_what_is_not_used(self, file: Path, unknown: list[Query]) -> None:
        """Say it once a product: a packshot that cannot be read may have hundreds of photos."""
        for name in dict.fromkeys(query.product_id for query in unknown):
            lines = [query.line for query in unknown if query.product_id == name]
            where = (
                f"{file}, line {lines[0]}: {'one photo' if len(lines) == 1 else f'{len(lines)} photos from here on'}"
            )
            if name:
                self.problems.append(
                    f"{where} of product {name!r}, which has no usable picture in {self.given.items}: left out"
                )
            else:
                self.notes.append(f"{where} that show no product: nothing is learnt from them")

    def _usable(self, photos: list[Shot], packshots: Mapping[str, Shot]) -> list[Shot]:
        """Leave out pictures that are packshots, and those that are said to show two products."""
        shown: dict[str, dict[int, Path]] = {}
        for photo in photos:
            shown.setdefault(photo.sha256, {}).setdefault(photo.product, photo.path)
        used = []
        for photo in photos:
            other = next((path for row, path in shown[photo.sha256].items() if row != photo.product), None)
            if (packshot := packshots.get(photo.sha256)) is not None:
                self.notes.append(f"{photo.path}: is the same picture as {packshot.path}: not used as a photo")
            elif other is not None:
                self.problems.append(f"{photo.path}: shows the same pixels as {other}, said to be another product")
            else:
                used.append(photo)
        return used

    def _read(self, path: Path) -> Pictures | None:
        try:
            return read_picture(str(path))
        except MediaError as e:
            self.problems.append(str(e))
            return None


def reduced(image: Pictures, side: int) -> Pictures:
    """Return a picture whose longer side is at most `side` pixels, as a copy."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image.copy()
    wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    smaller: Pictures = cv2.resize(image, wh, interpolation=cv2.INTER_AREA)
    return smaller


def _shot(path: Path, product: int, image: Pictures, side: int) -> Shot:
    centre = cut_crops(image, central_box(image, CENTRE_SHARE))[0]
    return Shot(path, product, reduced(image, side), reduced(centre, PACKSHOT_SIDE), fingerprint(image))


def _require_apart(file: Path, test: list[Shot], learnt: list[Shot]) -> None:
    known = {shot.sha256: shot.path for shot in learnt}
    shared = [photo for photo in test if photo.sha256 in known]
    if shared:
        raise InputError(
            f"{file}: {len(shared)} of its pictures are also learnt from (first: {shared[0].path} is "
            f"{known[shared[0].sha256]}): a comparison on pictures that were learnt says nothing, remove them from one "
            "of the two"
        )
