"""Rendered products to learn from: a packshot and two photos of each, look-alikes side by side.

Products come from the training world of `export.render`, never from its demo world. Rendering takes longer than
learning, so families are kept in a pool and only some draws render anew.

    >>> rng = np.random.default_rng(0)
    >>> RenderedFamilies(size=160).draw(8, rng).packshots.shape
    (8, 160, 160, 3)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from export.render.opencv import cv2
from export.render.packshot import render_cutout, render_packshot
from export.render.products import Product, training_family
from export.render.scene import SceneStyle, compose_scene

Pictures = npt.NDArray[np.uint8]
IN_HAND = SceneStyle(size=(0.7, 1.05), hand=0.55, out=0.08, spread=0.35)
SCENE_SHARE = 1.2
GOODS_KEPT = 12
ATTEMPTS = 5
BACKGROUND_CHANCE = 0.6


@dataclass(frozen=True)
class Views:
    """Products as pictures: `packshots` (n, s, s, 3) and `photos` (n, 2, s, s, 3), uint8 RGB."""

    packshots: Pictures
    photos: Pictures

    @classmethod
    def of(cls, pictures: Any) -> Views:
        """Part pictures (n, 3, s, s, 3), an array or a tensor: packshot and two photos of each product."""
        return cls(pictures[:, 0], pictures[:, 1:])

    def __post_init__(self) -> None:
        n = len(self.packshots)
        if self.packshots.ndim != 4 or self.photos.shape[:2] != (n, 2):
            raise ValueError(f"expected (n, s, s, 3) and (n, 2, s, s, 3): {self.packshots.shape}, {self.photos.shape}")


@dataclass
class RenderedFamilies:
    """An endless source of look-alike families.

    Attributes:
        size: side of the pictures in pixels.
        pool_size: products kept at most; each takes 9 * size**2 bytes.
        fresh: chance that a drawn family is rendered anew once the pool is full.
        backgrounds: pictures from life, each at least 200 pixels wide and high, that stand behind six of ten products.
    """

    size: int = 160
    pool_size: int = 16_000
    fresh: float = 0.05
    backgrounds: Sequence[Pictures] = ()
    _families: list[Views] = field(default_factory=list, repr=False)
    _goods: list[Pictures] = field(default_factory=list, repr=False)
    _kept: int = 0

    def draw(self, count: int, rng: np.random.Generator) -> Views:
        """Return `count` products, whole families together where they fit."""
        drawn: list[Views] = []
        while sum(len(views.packshots) for views in drawn) < count:
            drawn.append(self.family(rng))
        packshots, photos = (np.concatenate([getattr(v, name) for v in drawn]) for name in ("packshots", "photos"))
        return Views(packshots[:count], photos[:count])

    def family(self, rng: np.random.Generator) -> Views:
        """Return one family of one to five look-alikes."""
        full = self._kept >= self.pool_size
        if full and rng.random() >= self.fresh:
            return self._families[int(rng.integers(len(self._families)))]
        views = self._render(training_family(rng, int(rng.integers(1, 6))), rng)
        if full:
            self._families[int(rng.integers(len(self._families)))] = views
        else:
            self._families.append(views)
            self._kept += len(views.packshots)
        return views

    def _render(self, family: tuple[Product, ...], rng: np.random.Generator) -> Views:
        shots = [render_packshot(product, rng if rng.random() < 0.5 else 1, self.size) for product in family]
        photos = [np.stack([self._photo(product, rng) for _ in range(2)]) for product in family]
        return Views(np.stack(shots), np.stack(photos))

    def _photo(self, product: Product, rng: np.random.Generator) -> Pictures:
        side = round(self.size * SCENE_SHARE)
        place = None
        if len(self.backgrounds) and rng.random() < BACKGROUND_CHANCE:
            place = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        for _ in range(ATTEMPTS):
            cutout = render_cutout(product, rng, round(self.size * 1.1))
            scene = compose_scene([cutout], place, rng, resolution_wh=(side, side), style=IN_HAND, goods=self._goods)
            if len(scene.xyxy):
                self._goods = [*self._goods, cutout][-GOODS_KEPT:]
                return cut_loosely(scene.image, scene.xyxy[0], self.size, rng)
        return render_packshot(product, rng, self.size)


def cut_loosely(image: Pictures, xyxy: npt.NDArray[np.float32], size: int, rng: np.random.Generator) -> Pictures:
    """Cut an object as a detector would, half of the time, or as a centred square; stretch to (size, size, 3)."""
    if rng.random() < 0.5:
        return stretched(image, crop_box(xyxy, rng.uniform(-0.08, 0.2, 4)), size)
    wh = xyxy[2:] - xyxy[:2]
    side = float(wh.max()) * rng.uniform(0.8, 1.35)
    middle = (xyxy[:2] + xyxy[2:]) / 2 + rng.normal(0, 0.06, 2) * side
    return stretched(image, np.round([*(middle - side / 2), *(middle + side / 2)]).astype(int), size)


def crop_box(xyxy: npt.NDArray[np.float32], margins: npt.NDArray[np.float64]) -> npt.NDArray[np.int_]:
    """Widen a box by shares of its sides (left, top, right, bottom), to whole pixels."""
    wh = xyxy[2:] - xyxy[:2]
    outwards = margins * [-1, -1, 1, 1] * np.tile(wh, 2)
    return np.asarray(np.round(xyxy + outwards).astype(int))


def stretched(image: Pictures, box: npt.NDArray[np.int_], size: int) -> Pictures:
    """Cut a box of whole pixels and stretch it to (size, size, 3); the whole picture where the box is too small."""
    height, width = image.shape[:2]
    left, top, right, bottom = np.clip(box, 0, (width, height, width, height))
    part = image[top:bottom, left:right] if min(right - left, bottom - top) >= size // 8 else image
    way = cv2.INTER_AREA if part.shape[1] > size else cv2.INTER_LINEAR
    resized: Pictures = cv2.resize(part, (size, size), interpolation=way)
    return resized
