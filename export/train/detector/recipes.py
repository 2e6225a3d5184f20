"""The mixtures that the kit's detectors were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from export.train.detector.augment import Variety
from export.train.detector.cutting import off_white, out_of_box
from export.train.detector.mixing import MixedCutouts, MixedSource
from export.train.detector.photos import LABELLED, Photos, as_background
from export.train.detector.rendered import RenderedBackgrounds, RenderedCutouts
from export.train.detector.samples import Album, Sample, read_image
from export.train.detector.scenes import Cutout, CutoutAlbum, Scenes
from export.train.detector.training import Ingredient

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
        Ingredient(scenes, 0.6, AS_COMPOSED),
        Ingredient(near, 0.3, AS_COMPOSED),
        Ingredient(places, 0.1, AS_COMPOSED),
    ]


def photos_and_rendered(
    photos: Photos, cartons: Sequence[Sample], bottles: Sequence[Sample], size: int
) -> list[Ingredient]:
    """The recipe of the detector that ships: labelled photos, found labels, composed scenes, backgrounds.

    Args:
        photos: what is learnt from.
        cartons: photos of hand-held cartons with found boxes.
        bottles: frames of a clip with found boxes.
        size: side of the square input in pixels.

    Returns:
        Ingredients for `Training`.
    """
    cards, cups, tools = (photos.learnt[name] for name in LABELLED)
    people = [Sample(image) for image in photos.people]
    groceries = as_background(photos.groceries)
    rendered = RenderedCutouts()
    cutouts = MixedCutouts(
        [
            (0.5, rendered),
            (0.1, CutoutAlbum(_packshots(photos))),
            (0.2, CutoutAlbum(_cut_all(cups))),
            (0.17, CutoutAlbum(_cut_all(cards))),
            (0.03, CutoutAlbum(_cut_all(tools))),
        ]
    )
    places = MixedSource(
        [
            (0.5, Album(photos.clothes)),
            (0.2, RenderedBackgrounds(size, rendered)),
            (0.15, Album(groceries)),
            (0.1, Album(people)),
            (0.05, Album(photos.shelves)),
        ]
    )
    scenes = Scenes(cutouts, places, size)
    near = Scenes(cutouts, places, size, most=1, scale=(0.4, 1.1), upright=0.8, hand=0.6)
    return [
        Ingredient(Album(cards), 0.15, Variety(quarter_turn=0.5)),
        Ingredient(Album(cups), 0.18, Variety(quarter_turn=0.15)),
        Ingredient(Album(tools), 0.01, Variety(quarter_turn=0.5)),
        Ingredient(Album(cartons), 0.13, Variety(zoom=(0.7, 1.6))),
        Ingredient(Album(bottles), 0.04, Variety(zoom=(0.8, 2.0))),
        Ingredient(scenes, 0.27, AS_COMPOSED),
        Ingredient(near, 0.1, AS_COMPOSED),
        Ingredient(Album(people), 0.04, Variety(zoom=(0.8, 2.0))),
        Ingredient(Album(photos.clothes), 0.05, Variety(zoom=(0.8, 1.8))),
        Ingredient(Album(groceries), 0.03),
    ]


def with_rendered(ingredients: Sequence[Ingredient], share: float, size: int) -> list[Ingredient]:
    """Add pictures in which everything is rendered, so that they make up a share of all, 0 to below 1."""
    before = sum(item.weight for item in ingredients)
    added = [replace(item, weight=item.weight * before * share / (1 - share)) for item in rendered_only(size)]
    return [*ingredients, *added]


def _packshots(photos: Photos) -> list[Cutout]:
    shots = (off_white(read_image(photo.path)) for photo in photos.groceries if photo.packshot)
    return [cut for cut in shots if cut is not None]


def _cut_all(samples: Sequence[Sample]) -> list[Cutout]:
    cuts = (out_of_box(sample, row) for sample in samples for row in range(len(sample.xyxy)))
    return [cut for cut in cuts if cut is not None]
