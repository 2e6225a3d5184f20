"""Real products to learn from: a packshot, a photo cut as a phone would aim, and a scene drawn around the packshot.

The scene lifts the product off its white ground, turns it, and sets it before a picture from life, in a hand or not.
Products with few photos thus still look different in every batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from export.render.opencv import cv2
from export.render.scene import SceneStyle, compose_scene
from export.train.embedder.rendered import IN_HAND, SCENE_SHARE, Pictures, crop_box, stretched

Floats = npt.NDArray[np.float32]
WHITE = 238
FLOOD_STEP = 6
LONG_SIDE = 1.1
QUARTER_TURNS = 0.04
BACKGROUND_CHANCE = 0.8
ATTEMPTS = 6
SCENE_MARGIN = (-0.05, 0.25)
STYLE: SceneStyle = IN_HAND


@dataclass(frozen=True)
class RealProduct:
    """One product as training sees it: a packshot (h, w, 3) on white and its photos, if there are any, uint8 RGB."""

    packshot: Pictures
    photos: Sequence[Pictures]


def real_pictures(
    products: Sequence[RealProduct], backgrounds: Sequence[Pictures], size: int, rng: np.random.Generator
) -> Pictures:
    """Draw each product once: (n, 3, size, size, 3), see `real_views`."""
    drawn = [real_views(product, backgrounds, size, rng) for product in products]
    return np.array(drawn, np.uint8).reshape(-1, 3, size, size, 3)


def real_views(
    product: RealProduct, backgrounds: Sequence[Pictures], size: int, rng: np.random.Generator
) -> tuple[Pictures, Pictures, Pictures]:
    """Return the packshot, a photo and a scene, (size, size, 3) each; two scenes where there is no photo."""
    shot = framed(product.packshot, size, rng)
    if not product.photos:
        return shot, _scene(product, backgrounds, size, rng), _scene(product, backgrounds, size, rng)
    photo = product.photos[int(rng.integers(len(product.photos)))]
    return shot, aimed(photo, size, rng), _scene(product, backgrounds, size, rng)


def _scene(product: RealProduct, backgrounds: Sequence[Pictures], size: int, rng: np.random.Generator) -> Pictures:
    side = round(size * SCENE_SHARE)
    cutout = turned(lift(product.packshot), round(size * LONG_SIDE), rng)
    for _ in range(ATTEMPTS):
        place = None
        if len(backgrounds) and rng.random() < BACKGROUND_CHANCE:
            place = backgrounds[int(rng.integers(len(backgrounds)))]
        scene = compose_scene([cutout], place, rng, resolution_wh=(side, side), style=STYLE)
        if len(scene.xyxy):
            box = crop_box(scene.xyxy[0], rng.uniform(*SCENE_MARGIN, 4))
            return stretched(scene.image, box, size)
    return framed(product.packshot, size, rng)


def framed(packshot: Pictures, size: int, rng: np.random.Generator) -> Pictures:
    """Cut up to 4 % off a packshot and set it into up to 12 % of white."""
    height = len(packshot)
    margin, cut = round(rng.uniform(0, 0.12) * height), round(rng.uniform(0, 0.04) * min(packshot.shape[:2]))
    inner = np.ascontiguousarray(packshot[cut : height - cut, cut : packshot.shape[1] - cut])
    white = cv2.copyMakeBorder(inner, *(margin,) * 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return np.asarray(cv2.resize(white, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def aimed(photo: Pictures, size: int, rng: np.random.Generator) -> Pictures:
    """Cut half to nearly all of a photo near its middle."""
    wh = np.array(photo.shape[1::-1])
    cut = wh * np.minimum(1, rng.uniform(0.5, 0.95) * np.exp(rng.normal(0, 0.08, 2)))
    corner = np.clip((wh - cut) * (0.5 + rng.normal(0, 0.2, 2)), 0, wh - cut)
    return stretched(photo, np.round([*corner, *(corner + cut)]).astype(int), size)


def lift(packshot: Pictures) -> Pictures:
    """Cut a product off its white ground: (h, w, 4) uint8, as tight as the product; all of it where it has none."""
    height, width = packshot.shape[:2]
    ground = np.zeros((height + 2, width + 2), np.uint8)
    image, way = packshot.copy(order="C"), 4 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY
    for x in (0, width // 2, width - 1):
        for y in (0, height // 2, height - 1):
            if (x, y) != (width // 2, height // 2) and image[y, x].min() > WHITE:
                cv2.floodFill(image, ground, (x, y), 0, (FLOOD_STEP,) * 3, (FLOOD_STEP,) * 3, way)
    alpha = cv2.erode(255 - ground[1:-1, 1:-1], np.ones((3, 3), np.uint8))
    alpha = cv2.GaussianBlur(alpha, (3, 3), 0)
    rows, columns = np.nonzero(alpha > 127)
    if not len(rows):
        return np.dstack([image, np.full((height, width), 255, np.uint8)])
    return np.dstack([image, alpha])[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def turned(cutout: Pictures, long_side: int, rng: np.random.Generator) -> Pictures:
    """Look at a flat cut-out from elsewhere: (h, w, 4) uint8, its longer side near `long_side` pixels."""
    scale = long_side / max(cutout.shape[:2])
    cutout = cv2.resize(cutout, None, fx=scale, fy=scale)
    wh = np.array(cutout.shape[1::-1], np.float32)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32) * wh
    moved = (corners + rng.normal(0, 0.07, (4, 2)) * wh - wh / 2) * [rng.uniform(0.75, 1), 1]
    angle = rng.normal(0, 0.15) + (rng.choice([-1, 1]) * np.pi / 2 if rng.random() < QUARTER_TURNS else 0)
    moved = moved @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (moved - moved.min(axis=0)).astype(np.float32)
    return _warped(cutout, cv2.getPerspectiveTransform(corners, moved), np.ceil(moved.max(axis=0)).astype(int) + 1)


def _warped(cutout: Pictures, way: npt.NDArray[np.float64], wh: npt.NDArray[np.int_]) -> Pictures:
    """Warp with the colours weighed by their opacity, so that no white creeps in from the ground."""
    weighed = cutout.astype(np.float32)
    weighed[..., :3] *= weighed[..., 3:] / 255
    warped: Floats = cv2.warpPerspective(weighed, way, (int(wh[0]), int(wh[1])))
    warped[..., :3] *= 255 / np.maximum(warped[..., 3:], 1e-3)
    return np.clip(warped, 0, 255).astype(np.uint8)
