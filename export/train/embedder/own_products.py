"""A user's products, dealt by product: what is learnt from, what tells when to stop, what is compared on.

Some products are kept aside as a whole, so that the comparison also tells how products are found that the embedder
never saw, as those of next month's catalogue will be. Of the others some photos are kept aside. Without photos, scenes
drawn around the packshots take their place; the comparison then says so.

Invariants: pictures with the same pixels are on one side; a product that is kept aside is learnt from in no way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.errors import InputError
from export.train.contents import part
from export.train.embedder.network import SIZE
from export.train.embedder.own_files import OwnFiles, Shot
from export.train.embedder.real import RealProduct, real_pictures, real_views
from export.train.embedder.rendered import Pictures, Views

FEWEST_PHOTOS = 6
STOPPING_SHARE = 0.15
TO_KEEP_ONE, TO_KEEP_ANOTHER = 4, 10
SCENES, FEWEST_SCENES, MOST_SCENES = 300, 2, 12


@dataclass(frozen=True)
class Question:
    """A picture (h, w, 3) as a device would cut it, the row of its product, and whether that was learnt."""

    picture: Pictures
    product: int
    learnt: bool


@dataclass(frozen=True)
class OwnProducts:
    """A user's catalogue as training uses it.

    Attributes:
        packshots: of each product its packshots; all products stand in the index.
        learning: row of each product that is learnt -> its photos, of which there may be none.
        stopping: what says when to stop, and which thresholds are best.
        comparing: what the new embedder is compared with the former one on.
        drawn: the questions are scenes drawn around packshots, not photos.
        notes: one sentence for each thing worth knowing.
    """

    packshots: tuple[tuple[Pictures, ...], ...]
    learning: Mapping[int, tuple[Pictures, ...]]
    stopping: tuple[Question, ...]
    comparing: tuple[Question, ...]
    drawn: bool
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.packshots)


@dataclass(frozen=True)
class OwnSource:
    """A source of the products that are learnt, none twice in a draw; each by one of its packshots."""

    products: OwnProducts
    size: int = SIZE

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return at most `count` products, fewer where there are fewer."""
        chosen = []
        for row in rng.permutation(sorted(self.products.learning))[:count]:
            shots = self.products.packshots[row]
            chosen.append(RealProduct(shots[int(rng.integers(len(shots)))], self.products.learning[int(row)]))
        return Views.of(real_pictures(chosen, (), self.size, rng))


def deal(files: OwnFiles, share: float, seed: int) -> OwnProducts:
    """Deal a user's pictures.

    Args:
        files: as they were read.
        share: of the products, and of the photos of the others, kept aside for comparing, 0..1.
        seed: of the draw.

    Raises:
        InputError: there are too few photos to learn from some and keep others aside.
    """
    packshots = tuple(
        tuple(shot.picture for shot in files.packshots if shot.product == row) for row in range(len(files.product_ids))
    )
    drawn = not files.photos
    rows = list(range(len(packshots))) if drawn else sorted({photo.product for photo in files.photos})
    learnt, to_stop, to_compare = _deal_products(rows, share, seed)
    aside, learning = {*to_stop, *to_compare}, dict[int, tuple[Pictures, ...]]()
    if drawn:
        rng = np.random.default_rng([seed, len(packshots)])
        stopping, comparing = (_scenes(packshots, [*learnt, *more], aside, rng) for more in (to_stop, to_compare))
        photos = list[Shot]()
    else:
        photos, *sides = _deal_photos(files, share, seed, to_stop, to_compare)
        stopping, comparing = (tuple(_question(photo, aside) for photo in side) for side in sides)
    for row in set(range(len(packshots))) - aside:
        learning[row] = tuple(photo.picture for photo in photos if photo.product == row)
    return OwnProducts(packshots, learning, stopping, comparing, drawn, _notes(rows, to_compare, drawn))


def _notes(rows: Sequence[int], to_compare: Sequence[int], drawn: bool) -> tuple[str, ...]:
    if to_compare:
        return ()
    which = f"only {len(rows)} products{'' if drawn else ' have photos'}"
    return (f"{which}: none is kept aside, so how products are found that were never learnt is not measured",)


def _deal_products(rows: Sequence[int], share: float, seed: int) -> tuple[list[int], list[int], list[int]]:
    """Deal products: those that are learnt, those that help to tell when to stop, those that are compared on."""
    n = len(rows)
    compared = max(1, round(share * n)) if n >= TO_KEEP_ONE else 0
    stopping = max(1, round(share * n / 2)) if n >= TO_KEEP_ANOTHER else 0
    order = [rows[i] for i in np.random.default_rng([seed, n]).permutation(n)]
    return order[compared + stopping :], order[compared : compared + stopping], order[:compared]


def _deal_photos(
    files: OwnFiles, share: float, seed: int, to_stop: Sequence[int], to_compare: Sequence[int]
) -> tuple[list[Shot], list[Shot], list[Shot]]:
    """Deal photos: those that are learnt from, those that tell when to stop, those that are compared on."""
    of_learnt = [photo for photo in files.photos if photo.product not in {*to_stop, *to_compare}]
    comparing = list(files.test)
    if not comparing:
        of_learnt, comparing = part(of_learnt, share, seed)
        comparing += [photo for photo in files.photos if photo.product in to_compare]
    learning, stopping = part(of_learnt, STOPPING_SHARE, seed + 1)
    stopping += [photo for photo in files.photos if photo.product in to_stop]
    if len(files.photos) < FEWEST_PHOTOS or not (learning and stopping and comparing):
        raise InputError(
            f"{len(files.photos)} photos can be used, too few to learn from some, tell by others when to stop, and "
            f"compare on others again (at least {FEWEST_PHOTOS}, of several products): give more, or no --photos, to "
            "learn from scenes drawn around the packshots"
        )
    return learning, stopping, comparing


def _question(photo: Shot, aside: set[int]) -> Question:
    return Question(photo.centre, photo.product, photo.product not in aside)


def _scenes(
    packshots: Sequence[Sequence[Pictures]], rows: Sequence[int], aside: set[int], rng: np.random.Generator
) -> tuple[Question, ...]:
    """Draw scenes around the packshots of some products, so many that they are some hundred together."""
    pairs = int(np.clip(SCENES // (2 * len(rows)), FEWEST_SCENES // 2, MOST_SCENES // 2))
    questions = []
    for row in rows:
        for _ in range(pairs):
            shot = packshots[row][int(rng.integers(len(packshots[row])))]
            _, *both = real_views(RealProduct(shot, ()), (), SIZE, rng)
            questions += [Question(scene, row, row not in aside) for scene in both]
    return tuple(questions)
