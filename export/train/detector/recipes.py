"""The mixtures that the kit's detectors were trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from export.train.detector.augment import Variety
from export.train.detector.cutting import off_white
from export.train.detector.groups import Groups
from export.train.detector.mixing import Kept, MixedCutouts, MixedSource
from export.train.detector.outlines import Outlines, cutouts
from export.train.detector.photos import LABELLED, Photos
from export.train.detector.rendered import RenderedBackgrounds, RenderedCutouts
from export.train.detector.samples import Album, Sample, Source, read_image
from export.train.detector.scenes import Cutout, CutoutAlbum, CutoutSource, Scenes
from export.train.detector.training import Ingredient
from export.train.detector.turning import TurnedPhotos, turnable

AS_COMPOSED = Variety(zoom=(0.75, 1.2), stretch=1.05)


def rendered_only(size: int) -> list[Ingredient]:
    """Rendered products on drawn places, and drawn places without any; no photo.

    Args:
        size: side of the square input in pixels.

    Returns:
        Ingredients for `Training`.
    """
    cutouts = RenderedCutouts()
    places = RenderedBackgrounds(size, cutouts)
    scenes = Scenes(cutouts, places, size)
    near = Scenes(cutouts, places, size, most=1, scale=(0.5, 1.1), upright=0.85, hand=0.7)
    return [
        Ingredient(Kept(scenes), 0.6, AS_COMPOSED),
        Ingredient(Kept(near), 0.3, AS_COMPOSED),
        Ingredient(Kept(places), 0.1, AS_COMPOSED),
    ]


@dataclass(frozen=True)
class Found:
    """What is known of the photos beyond their labels.

    Attributes:
        cartons: photos of hand-held cartons with found boxes.
        bottles: frames of a clip with found boxes.
        shops: grocery photos as backgrounds.
        outlines: of the boxes of every labelled set.
    """

    cartons: Sequence[Sample]
    bottles: Sequence[Sample]
    shops: Sequence[Sample]
    outlines: Mapping[str, Outlines]


def photos_and_rendered(photos: Photos, found: Found, size: int) -> list[Ingredient]:
    """Mix labelled photos, found labels, composed scenes and backgrounds.

    Args:
        photos: what is learnt from.
        found: what is known beyond the labels.
        size: side of the square input in pixels.

    Returns:
        Ingredients for `Training`.
    """
    cards, cups, tools = (photos.learnt[name] for name in LABELLED)
    people = _people(photos)
    rendered = RenderedCutouts()
    mixed = MixedCutouts([(0.5, rendered), (0.1, CutoutAlbum(_packshots(photos))), *_cut_albums(photos, found)])
    places = MixedSource(_places(photos, found, rendered, size))
    scenes = Scenes(mixed, places, size)
    near = Scenes(mixed, places, size, most=1, scale=(0.4, 1.1), upright=0.8, hand=0.6)
    return [
        Ingredient(Album(cards), 0.15, Variety(quarter_turn=0.5)),
        Ingredient(Album(cups), 0.18, Variety(quarter_turn=0.15)),
        Ingredient(Album(tools), 0.01, Variety(quarter_turn=0.5)),
        Ingredient(Album(found.cartons), 0.13, Variety(zoom=(0.7, 1.6))),
        Ingredient(Album(found.bottles), 0.04, Variety(zoom=(0.8, 2.0))),
        Ingredient(Kept(scenes), 0.27, AS_COMPOSED),
        Ingredient(Kept(near), 0.1, AS_COMPOSED),
        Ingredient(people, 0.04, Variety(zoom=(0.8, 2.0))),
        Ingredient(Album(photos.clothes), 0.05, Variety(zoom=(0.8, 1.8))),
        Ingredient(Album(found.shops), 0.03),
    ]


def groups(photos: Photos, found: Found, size: int) -> list[Ingredient]:
    """Groups of products that touch, bottles and cups before all, to be learnt beside `photos_and_rendered`."""
    cards, cups, tools = _cut_albums(photos, found)
    upright = RenderedCutouts(pool_size=120, packagings=("bottle", "can", "jar", "tube"))
    mixed = MixedCutouts(
        [(0.46, cups[1]), (0.3, upright), (0.1, RenderedCutouts(80)), (0.1, cards[1]), (0.04, tools[1])]
    )
    empty = _places(photos, found, upright, size)
    places = MixedSource([*empty, (0.15, Album(photos.learnt["bottles_cups_det"]))])
    return [Ingredient(Kept(Groups(mixed, places, size)), 0.2, AS_COMPOSED)]


def turned(photos: Photos, found: Found) -> list[Ingredient]:
    """Whole labelled photos turned by any angle, to be learnt beside `photos_and_rendered`."""
    weights = {"bottles_cups_det": 0.1, "cards_det": 0.04}
    sets = {name: turnable(photos.learnt[name], found.outlines[name]) for name in weights}
    variety = Variety(zoom=(0.8, 1.9))
    return [Ingredient(TurnedPhotos(sets[name]), weight, variety) for name, weight in weights.items() if sets[name]]


def with_rendered(ingredients: Sequence[Ingredient], share: float, size: int) -> list[Ingredient]:
    """Add pictures in which everything is rendered, so that they make up a share of all, 0 to below 1."""
    before = sum(item.weight for item in ingredients)
    added = [replace(item, weight=item.weight * before * share / (1 - share)) for item in rendered_only(size)]
    return [*ingredients, *added]


def _packshots(photos: Photos) -> list[Cutout]:
    shots = (off_white(read_image(photo.path)) for photo in photos.groceries if photo.packshot)
    return [cut for cut in shots if cut is not None]


def _cut_albums(photos: Photos, found: Found) -> list[tuple[float, CutoutSource]]:
    """Return the cut-outs of every labelled set with their weight in a scene."""
    weights = dict(zip(LABELLED, (0.17, 0.2, 0.03), strict=True))
    return [
        (weight, CutoutAlbum(cutouts(photos.learnt[name], found.outlines[name]))) for name, weight in weights.items()
    ]


def _people(photos: Photos) -> Album:
    return Album([Sample(image) for image in photos.people])


def _places(photos: Photos, found: Found, goods: RenderedCutouts, size: int) -> list[tuple[float, Source]]:
    return [
        (0.5, Album(photos.clothes)),
        (0.2, RenderedBackgrounds(size, goods)),
        (0.15, Album(found.shops)),
        (0.1, _people(photos)),
        (0.05, Album(photos.shelves)),
    ]
