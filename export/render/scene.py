"""A product in real life: cut-outs set into a place, held by hands, lit and photographed, with their true boxes.

Example:
    >>> import numpy as np
    >>> from export.render.packshot import render_cutout
    >>> from export.render.products import training_product
    >>> rng = np.random.default_rng(0)
    >>> scene = compose_scene([render_cutout(training_product(rng), rng)], None, rng)
    >>> scene.image.shape, scene.xyxy.shape
    ((160, 160, 3), (1, 4))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.background import crop_background, paste, random_background
from export.render.hand import holding_hand
from export.render.photo import spoil

RGB = NDArray[np.uint8]
RGBA = NDArray[np.uint8]


@dataclass(frozen=True)
class SceneStyle:
    """Chances and sizes of a scene.

    ``size`` is the range of a product's longer side in shares of the picture's shorter side, ``overlap`` the
    largest share of a product that an earlier one may cover, ``least_visible`` the share under which a product
    is not counted as shown. ``hand`` is the chance of a hand per product, ``spoil`` the strength of the
    photographic effects, ``out`` how far a product may leave the picture, in shares of its size.
    """

    size: tuple[float, float] = (0.55, 1.0)
    overlap: float = 0.3
    least_visible: float = 0.35
    hand: float = 0.45
    spoil: float = 1.0
    out: float = 0.12


SINGLE = SceneStyle()
CROWD = SceneStyle(size=(0.18, 0.6), hand=0.2)


@dataclass(frozen=True)
class Scene:
    """A photographed scene and its truth.

    ``image`` (H, W, 3) uint8 RGB; ``xyxy`` (n, 4) float32 boxes in pixels, of all that lies inside the picture,
    covered or not; ``product_index`` (n,) int64 into the cut-outs; ``masks`` (n, H, W) uint8 0..255, the part
    that is seen; ``visibility`` (n,) float32, the share of the whole product that is seen.
    """

    image: RGB
    xyxy: NDArray[np.float32]
    product_index: NDArray[np.int64]
    masks: NDArray[np.uint8]
    visibility: NDArray[np.float32]


@dataclass(frozen=True)
class _Placed:
    index: int
    cutout: RGBA
    left: int
    top: int

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        height, width = self.cutout.shape[:2]
        return float(self.left), float(self.top), float(self.left + width), float(self.top + height)


def compose_scene(
    cutouts: Sequence[RGBA],
    background: RGB | None,
    rng: np.random.Generator,
    *,
    resolution_wh: tuple[int, int] = (160, 160),
    style: SceneStyle | None = None,
    goods: Sequence[RGBA] = (),
) -> Scene:
    """Compose and photograph a scene.

    Args:
        cutouts: Products, (h, w, 4) uint8 RGBA with straight alpha; none gives an empty scene.
        background: A photograph to take a window of, or None for a drawn place.
        rng: Source of chance; the same state gives the same pixels.
        resolution_wh: Size of the picture.
        style: Chances and sizes; by default ``SINGLE`` for one product and ``CROWD`` for more.
        goods: Cut-outs for drawn shelves; they are background and have no boxes.

    Returns:
        The scene with what is visible in it; products that are nearly covered are left out.
    """
    style = style or (SINGLE if len(cutouts) < 2 else CROWD)
    if background is None:
        picture = random_background(resolution_wh, rng, goods)
    else:
        picture = crop_background(background, resolution_wh, rng)
    placed: list[_Placed] = []
    masks: list[NDArray[np.uint8]] = []
    whole: list[float] = []
    for index, cutout in enumerate(cutouts):
        thing = _place(index, cutout, placed, resolution_wh, style, rng)
        if thing is None:
            continue
        _insert(picture, thing, masks, style.hand, rng)
        placed.append(thing)
        whole.append(float(np.count_nonzero(thing.cutout[..., 3] > 127)))
    return _photographed(spoil(picture, rng, style.spoil), placed, masks, whole, style.least_visible)


def _place(
    index: int,
    cutout: RGBA,
    placed: list[_Placed],
    resolution_wh: tuple[int, int],
    style: SceneStyle,
    rng: np.random.Generator,
) -> _Placed | None:
    """Scale a cut-out and find room for it; None where twelve tries found none."""
    width, height = resolution_wh
    for _ in range(12):
        target = float(rng.uniform(*style.size)) * min(width, height)
        scale = target / max(cutout.shape[:2])
        size = (max(3, round(cutout.shape[1] * scale)), max(3, round(cutout.shape[0] * scale)))
        slack = style.out * target
        left = int(rng.uniform(-slack, max(width - size[0] + slack, 1 - slack)))
        top = int(rng.uniform(-slack, max(height - size[1] + slack, 1 - slack)))
        trial = (left, top, left + size[0], top + size[1])
        if all(_covered(other.xyxy, trial) <= style.overlap for other in placed):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            return _Placed(index, cv2.resize(cutout, size, interpolation=method), left, top)
    return None


def _covered(below: tuple[float, ...], above: tuple[float, ...]) -> float:
    """Return the share of the smaller of two boxes that they have in common."""
    wide = min(below[2], above[2]) - max(below[0], above[0])
    tall = min(below[3], above[3]) - max(below[1], above[1])
    if wide <= 0 or tall <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (below, above)]
    return wide * tall / min(areas)


def _insert(
    picture: RGB, thing: _Placed, masks: list[NDArray[np.uint8]], hand_chance: float, rng: np.random.Generator
) -> None:
    """Paste a thing with its shadow and perhaps a hand, and cut what it covers from the masks below."""
    height, width = picture.shape[:2]
    held = rng.random() < hand_chance
    over = []
    if held:
        behind, front = holding_hand(thing.xyxy, (width, height), rng)
        over.append(paste(picture, behind, 0, 0))
    elif rng.random() < 0.8:
        _drop_shadow(picture, thing, rng)
    own = paste(picture, thing.cutout, thing.left, thing.top)
    over.append(own)
    if held:
        fingers = paste(picture, front, 0, 0)
        over.append(fingers)
        own = cv2.subtract(own, fingers)
    for mask in masks:
        for cover in over:
            cv2.subtract(mask, cover, mask)
    masks.append(own)


def _drop_shadow(picture: RGB, thing: _Placed, rng: np.random.Generator) -> None:
    """Darken beside and below a thing."""
    tall = thing.cutout.shape[0]
    pad = max(2, tall // 6)
    alpha = cv2.copyMakeBorder(np.ascontiguousarray(thing.cutout[..., 3]), pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    soft = cv2.blur(cv2.blur(alpha, (pad, pad)), (pad, pad))
    layer = np.zeros((*soft.shape, 4), np.uint8)
    layer[..., 3] = soft
    shift = (rng.uniform(-0.08, 0.08) * tall, rng.uniform(0.0, 0.08) * tall)
    paste(picture, layer, int(thing.left - pad + shift[0]), int(thing.top - pad + shift[1]), float(rng.uniform(0.25, 0.6)))


def _photographed(
    image: RGB, placed: list[_Placed], masks: list[NDArray[np.uint8]], whole: list[float], least: float
) -> Scene:
    """Keep what is visible enough, with boxes cut at the picture's border."""
    height, width = image.shape[:2]
    seen = [np.count_nonzero(mask > 127) / max(area, 1.0) for mask, area in zip(masks, whole, strict=True)]
    kept = [row for row, share in enumerate(seen) if share >= least]
    boxes = [np.clip(placed[row].xyxy, 0, (width, height, width, height)) for row in kept]
    return Scene(
        image=image,
        xyxy=np.asarray(boxes, np.float32).reshape(-1, 4),
        product_index=np.asarray([placed[row].index for row in kept], np.int64),
        masks=np.asarray([masks[row] for row in kept], np.uint8).reshape(-1, height, width),
        visibility=np.asarray([seen[row] for row in kept], np.float32),
    )
