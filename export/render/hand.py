"""A hand that holds a product: a layer behind it and fingers in front of it.

Fingers are capsules shaded from a dark rim to a lit ridge; good enough to
teach a model that skin-coloured things cover products, no likeness intended.

Example:
    >>> import numpy as np
    >>> behind, front = holding_hand((40.0, 20.0, 110.0, 140.0), (160, 160), np.random.default_rng(0))
    >>> behind.shape == front.shape == (160, 160, 4)
    True
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.palette import NEAR_BLACK, WHITE, Colour, hsv, mix

RGBA = NDArray[np.uint8]
Points = NDArray[np.float64]


def skin_colour(rng: np.random.Generator) -> Colour:
    """Draw a skin colour, from very light to very dark, or now and then a glove."""
    if rng.random() < 0.07:
        return hsv(float(rng.random()), 0.5 * float(rng.random()), float(rng.uniform(0.3, 0.95)))
    depth = float(rng.random())
    return mix((246, 208, 180), (88, 54, 38), depth**1.4)


def _capsule(layer: RGBA, path: Points, width: float, skin: Colour) -> None:
    """Draw a limb along a path (n, 2) in pixels, darker at its rim."""
    points = np.round(path * 8).astype(np.int32)[None]
    # dark rim, body, lit ridge
    for share, tone in ((1.0, mix(skin, NEAR_BLACK, 0.38)), (0.86, mix(skin, NEAR_BLACK, 0.12)), (0.45, mix(skin, WHITE, 0.1))):
        thick = max(1, round(width * share))
        offset = np.array([-width, -width]) * (1 - share) * 0.22
        moved = points + np.round(offset * 8).astype(np.int32)
        cv2.polylines(layer, moved, False, (*tone, 255), thick, cv2.LINE_AA, 3)


def _nail(layer: RGBA, tip: Points, direction: Points, width: float, skin: Colour) -> None:
    angle = float(np.degrees(np.arctan2(direction[1], direction[0])))
    centre = tip - direction * width * 0.05
    axes = (max(1, round(width * 0.3)), max(1, round(width * 0.24)))
    tone = mix(mix(skin, (255, 190, 190), 0.35), WHITE, 0.25)
    cv2.ellipse(layer, (round(float(centre[0])), round(float(centre[1]))), axes, angle, 0, 360, (*tone, 255), -1, cv2.LINE_AA)


def _finger(layer: RGBA, root: Points, tip: Points, width: float, skin: Colour, rng: np.random.Generator, nail: bool) -> None:
    along = tip - root
    length = max(float(np.hypot(*along)), 1.0)
    bend = np.array([-along[1], along[0]]) * float(rng.uniform(-0.12, 0.12))
    t = np.linspace(0, 1, 8)[:, None]
    path = root + t * along + 4 * t * (1 - t) * bend
    _capsule(layer, path, width, skin)
    if nail and width > 7:
        _nail(layer, tip, along / length, width, skin)


def _soften(layer: RGBA, width: float) -> RGBA:
    """Blur the shading of a layer without letting its edge go transparent-dark."""
    sigma = max(0.5, width / 14)
    blurred = cv2.GaussianBlur(layer, (0, 0), sigma).astype(np.float32)
    alpha = np.maximum(blurred[..., 3:4], 1.0)
    colour = np.minimum(blurred[..., :3] * 255.0 / alpha, 255)
    return np.concatenate([colour, blurred[..., 3:4]], axis=2).astype(np.uint8)


def holding_hand(
    xyxy: tuple[float, float, float, float], resolution_wh: tuple[int, int], rng: np.random.Generator
) -> tuple[RGBA, RGBA]:
    """Draw a hand that holds whatever fills a box.

    Args:
        xyxy: Box of the held thing in pixels.
        resolution_wh: Size of the picture.
        rng: Grip (from a side or from below), skin and size are drawn from it.

    Returns:
        Layer behind the thing (palm and arm) and layer in front of it (fingers), both (H, W, 4) uint8 RGBA.
    """
    width, height = resolution_wh
    behind, front = (np.zeros((height, width, 4), np.uint8) for _ in range(2))
    x0, y0, x1, y1 = xyxy
    skin = skin_colour(rng)
    finger = float(np.clip(rng.uniform(0.13, 0.22) * (x1 - x0 + y1 - y0) / 2, 3, 0.25 * width))
    side = -1.0 if rng.random() < 0.5 else 1.0
    edge, inward = (x0, 1.0) if side < 0 else (x1, -1.0)
    grip_y = float(rng.uniform(y0 + 0.35 * (y1 - y0), y1 - 0.1 * (y1 - y0)))
    if rng.random() < 0.3:
        edge, grip_y = (x0 + x1) / 2, y1
        _grip_from_below(front, (x0, y0, x1, y1), finger, skin, rng)
    else:
        _grip_from_side(front, (edge, inward), (grip_y, x1 - x0), finger, skin, rng)
    reach = np.array([edge - inward * finger * (0.0 if grip_y == y1 else 1.0), grip_y + finger])
    elbow = np.array([edge + side * width * float(rng.uniform(0.0, 0.6)), height * 1.2])
    _capsule(behind, np.stack([reach, elbow]), finger * 3.2, skin)
    if rng.random() < 0.5:
        sleeve = hsv(float(rng.random()), float(rng.uniform(0, 0.7)), float(rng.uniform(0.1, 0.9)))
        start = reach + (elbow - reach) * float(rng.uniform(0.35, 0.7))
        _capsule(behind, np.stack([start, elbow]), finger * 4.2, sleeve)
    return _soften(behind, finger), _soften(front, finger)


def passing_arm(resolution_wh: tuple[int, int], tip: tuple[float, float], width: float, skin: Colour) -> RGBA:
    """Draw an arm that reaches up into the picture from below.

    Args:
        resolution_wh: Size of the picture.
        tip: Where the knuckles are, in pixels; may lie outside.
        width: Thickness of the arm in pixels.
        skin: Its colour.

    Returns:
        (H, W, 4) uint8 RGBA layer.
    """
    layer = np.zeros((resolution_wh[1], resolution_wh[0], 4), np.uint8)
    knuckles = np.array(tip, dtype=np.float64)
    elbow = np.array([tip[0] + 0.8 * width, resolution_wh[1] + 2 * width])
    _capsule(layer, np.stack([knuckles + (elbow - knuckles) * 0.25, elbow]), width * 1.15, (64, 78, 112))
    _capsule(layer, np.stack([knuckles + (elbow - knuckles) * 0.22, knuckles]), width, skin)
    for number in range(4):
        root = knuckles + np.array([(number - 1.5) * width * 0.24, 0.0])
        _capsule(layer, np.stack([root, root + [-0.1 * width, -0.6 * width]]), width * 0.27, skin)
    return _soften(layer, width / 2)


def _grip_from_side(
    front: RGBA, edge: tuple[float, float], place: tuple[float, float], finger: float, skin: Colour, rng: np.random.Generator
) -> None:
    """Fingers or a thumb reach over an upright edge: ``edge`` is (x, inward sign), ``place`` is (y, width held)."""
    (x, inward), (y, span) = edge, place
    if rng.random() < 0.5:  # the thumb is in front, the fingers are hidden
        root = np.array([x - inward * finger * 1.2, y + finger * 1.2])
        tip = np.array([x + inward * span * float(rng.uniform(0.2, 0.5)), y - finger * float(rng.uniform(0.0, 1.5))])
        _finger(front, root, tip, finger * 1.2, skin, rng, nail=True)
        return
    for number in range(4):
        row = y + (number - 1.5) * finger * 0.95
        reach = span * float(rng.uniform(0.12, 0.28)) * (1 - 0.12 * abs(number - 1.2))
        root = np.array([x - inward * finger * 1.5, row + finger * 0.6])
        _finger(front, root, np.array([x + inward * reach, row]), finger, skin, rng, nail=bool(rng.random() < 0.5))


def _grip_from_below(
    front: RGBA, xyxy: tuple[float, float, float, float], finger: float, skin: Colour, rng: np.random.Generator
) -> None:
    """Fingers come up over the lower edge."""
    x0, y0, x1, y1 = xyxy
    centre, up = (x0 + x1) / 2, float(rng.uniform(0.1, 0.3)) * (y1 - y0)
    for number in range(int(rng.integers(1, 5))):
        x = centre + (number - 1.5) * finger
        root = np.array([x + finger * 0.3, y1 + finger * 2.0])
        _finger(front, root, np.array([x, y1 - up * float(rng.uniform(0.7, 1.0))]), finger, skin, rng, nail=True)
