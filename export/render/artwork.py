"""Printed packaging art as pixels: the faces that a packshot or a scene folds around a body.

Example:
    >>> import numpy as np
    >>> from export.render.products import training_product
    >>> artwork = draw_artwork(training_product(np.random.default_rng(3)), 320)
    >>> artwork.front.shape[0], artwork.front.dtype
    (320, dtype('uint8'))
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from export.render import demo_layouts, training_layouts
from export.render.layouts import Front, Layout
from export.render.palette import WHITE, Colour, hsv, mix
from export.render.panels import side_panel
from export.render.patterns import random_pattern
from export.render.products import Product, World
from export.render.sheet import Sheet

RGB = NDArray[np.uint8]

_LAYOUTS: dict[World, dict[str, Layout]] = {"demo": demo_layouts.LAYOUTS, "training": training_layouts.LAYOUTS}


@dataclass(frozen=True)
class Artwork:
    """The printed faces of one packaging, each (h, w, 3) uint8 RGB, and the colour of cap or lid.

    ``body`` is what shows where nothing is printed: glass, plastic, metal.
    """

    front: RGB
    side: RGB
    top: RGB
    cap: Colour
    body: Colour


@lru_cache(maxsize=96)
def draw_artwork(product: Product, height: int = 320) -> Artwork:
    """Draw all faces of a product.

    Args:
        product: What to draw; the same product gives the same pixels.
        height: Pixels of the front from top to bottom.

    Returns:
        Its faces, read-only because they are shared by all who ask.
    """
    design = product.design
    width, _, depth = design.proportions
    front = _front(product, max(16, round(height * width)), height)
    side = _side(product, max(12, round(height * max(depth, 0.1))), height)
    top = _top(product, max(16, round(height * width)), max(12, round(height * depth)))
    for face in (front, side, top):
        face.setflags(write=False)
    pick = np.random.default_rng(design.family_seed + 3)
    caps = (WHITE, design.palette.second, design.palette.accent, (196, 160, 70), (60, 60, 66))
    bodies = (design.palette.second, WHITE, hsv(0.08, 0.7, 0.5), hsv(pick.random(), 0.25, 0.9), design.palette.ground)
    return Artwork(front, side, top, caps[int(pick.integers(5))], bodies[int(pick.integers(5))])


def _sheet(product: Product, width: int, height: int, part: int) -> Sheet:
    return Sheet.blank(width, height, product.design.palette, np.random.default_rng(product.design.family_seed + part))


def _front(product: Product, width: int, height: int) -> RGB:
    sheet = _sheet(product, width, height, 0)
    _LAYOUTS[product.world][product.design.layout](Front(sheet, product))
    return sheet.pixels().copy()


def _side(product: Product, width: int, height: int) -> RGB:
    sheet = _sheet(product, width, height, 1)
    side_panel(sheet, product.brand, f"{product.name} {product.flavour.name}")
    return sheet.pixels().copy()


def _top(product: Product, width: int, height: int) -> RGB:
    sheet = _sheet(product, width, height, 2)
    palette = sheet.palette
    random_pattern(sheet.rng, plain=0.6)(sheet, (0, 0, 1, 1), palette.ground, mix(palette.ground, palette.second, 0.5))
    Front(sheet, product).brand((0.15, 0.25, 0.85, 0.75), palette.ink)
    return sheet.pixels().copy()
