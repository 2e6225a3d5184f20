"""Everything that the project draws itself: invented products, packshots, scenes, clips.

No picture of a third party is involved. Products of two worlds exist, demo and
training, and share neither words nor layouts nor seeds (``products``), so what
is trained on one has never seen the other.

``artwork`` prints a packaging, ``bodies`` folds it, ``camera`` takes its picture,
``packshot`` sets it on white or cuts it out, ``scene`` puts it into a place.

Example:
    >>> import numpy as np
    >>> from export.render import compose_scene, render_cutout, training_product
    >>> rng = np.random.default_rng(7)
    >>> cutouts = [render_cutout(training_product(rng), rng) for _ in range(2)]
    >>> compose_scene(cutouts, None, rng, resolution_wh=(320, 240)).image.shape
    (240, 320, 3)
"""

from export.render.packshot import render_cutout, render_packshot
from export.render.products import Product, demo_products, training_family, training_product
from export.render.scene import CROWD, SINGLE, Scene, SceneStyle, compose_scene

__all__ = [
    "CROWD",
    "SINGLE",
    "Product",
    "Scene",
    "SceneStyle",
    "compose_scene",
    "demo_products",
    "render_cutout",
    "render_packshot",
    "training_family",
    "training_product",
]
