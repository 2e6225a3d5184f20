"""The golden pictures, drawn by the kit: one product, two, a tall picture, and one without a product.

>>> sorted(golden_pictures(seed=0))
['none', 'one', 'tall', 'two']
"""

from __future__ import annotations

import numpy as np

from edge.preprocessing import ImageArray
from export.render.packshot import render_cutout
from export.render.products import demo_products
from export.render.scene import SceneStyle, compose_scene

LAYOUTS: dict[str, tuple[int, tuple[int, int]]] = {
    "one": (1, (288, 216)),
    "two": (2, (320, 200)),
    "tall": (1, (180, 300)),
    "none": (0, (240, 180)),
}
"""Name -> how many products, and the width and height of the picture."""
SEED = 30
"""Of the pictures that travel with the package: on all of them the products are found by a wide margin."""
STYLE = SceneStyle(size=(0.55, 0.75), hand=0.0, spoil=0.0, out=0.0, spread=0.8, least_visible=0.9)


def golden_pictures(seed: int = SEED) -> dict[str, ImageArray]:
    """Draw the golden pictures.

    Args:
        seed: decides products, places and backgrounds; equal seeds give equal pictures.

    Returns:
        Pictures by name, (H, W, 3) uint8 RGB.
    """
    products = demo_products(40, 0)
    pictures: dict[str, ImageArray] = {}
    for number, (name, (count, resolution_wh)) in enumerate(LAYOUTS.items()):
        rng = np.random.default_rng([seed, 91, number])
        cutouts = [render_cutout(products[int(i)], rng, 150, calm=True) for i in rng.permutation(40)[:count]]
        pictures[name] = compose_scene(cutouts, None, rng, resolution_wh=resolution_wh, style=STYLE).image
    return pictures
