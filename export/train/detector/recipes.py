"""The mixtures that the kit's detectors were trained on."""

from __future__ import annotations

from export.train.detector.augment import Variety
from export.train.detector.rendered import RenderedBackgrounds, RenderedCutouts
from export.train.detector.scenes import Scenes
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
