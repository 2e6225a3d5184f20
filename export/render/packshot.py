"""Pictures of one product: cut-outs in any pose, and catalogue pictures on white.

Example:
    >>> import numpy as np
    >>> from export.render.products import training_product
    >>> rng = np.random.default_rng(0)
    >>> render_packshot(training_product(rng), rng, size=96).shape
    (96, 96, 3)
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.bodies import body, turns_in_space
from export.render.camera import RGBA, Pose, photograph
from export.render.products import Product

VIEWS: tuple[Pose, ...] = (
    Pose(yaw=-0.42, pitch=0.16, distance=4.0),
    Pose(yaw=0.0, pitch=0.05, distance=5.0),
    Pose(yaw=0.55, pitch=0.24, distance=3.6),
)


def render_pose(product: Product, pose: Pose, long_side: int) -> RGBA:
    """Render a product in a pose as a tight cut-out.

    Args:
        product: What to render.
        pose: How it is turned; a relief body (can, bottle, jar, bag, tube, card) takes a part of the yaw only.
        long_side: Pixels of the longer side.

    Returns:
        (H, W, 4) uint8 RGBA, straight alpha.
    """
    height = 640 if long_side > 260 else 320 if long_side > 150 else 224
    facets = body(product, pose.yaw, pose.pitch, height)
    if not turns_in_space(product):
        share = 0.9 if product.packaging in ("card", "bag") else 0.35
        pose = Pose(pose.yaw * share, pose.pitch * 0.8, pose.roll, pose.distance)
    return photograph(facets, pose, long_side)


def random_pose(rng: np.random.Generator, *, calm: bool = False) -> Pose:
    """Draw a pose as a hand or a shelf would show it; ``calm`` keeps it nearly upright."""
    spread = 0.35 if calm else 1.0
    yaw = float(np.clip(rng.normal(0, 0.38), -0.9, 0.9))
    pitch = float(np.clip(rng.normal(0.08, 0.22 * spread), -0.45, 0.6))
    roll = float(rng.normal(0, 0.18 * spread))
    if not calm and rng.random() < 0.06:
        roll += float(rng.choice([np.pi / 2, -np.pi / 2, np.pi]))
    return Pose(yaw, pitch, roll, float(rng.uniform(2.4, 6.0)))


def render_cutout(product: Product, rng: np.random.Generator, long_side: int = 128, *, calm: bool = False) -> RGBA:
    """Render a product in a random pose as (H, W, 4) uint8 RGBA with straight alpha."""
    return render_pose(product, random_pose(rng, calm=calm), long_side)


def render_packshot(product: Product, rng: np.random.Generator | int = 0, size: int = 256) -> NDArray[np.uint8]:
    """Render a catalogue picture on white with a soft shadow.

    Args:
        product: What to render.
        rng: Where the view is drawn from, or the number of a standard view (see ``VIEWS``).
        size: Pixels of the square picture.

    Returns:
        (size, size, 3) uint8 RGB.
    """
    if isinstance(rng, np.random.Generator):
        pose = Pose(float(rng.normal(0, 0.3)), float(rng.uniform(0, 0.22)), 0.0, float(rng.uniform(3.2, 7)))
        share = float(rng.uniform(0.78, 0.95))
    else:
        pose, share = VIEWS[rng % len(VIEWS)], 0.86
    return on_white(render_pose(product, pose, round(size * share)), size)


def on_white(cutout: RGBA, size: int) -> NDArray[np.uint8]:
    """Set a cut-out in the middle of a white square with a contact shadow below it; (size, size, 3) uint8."""
    height, width = cutout.shape[:2]
    top, left = (size - height) // 2, (size - width) // 2
    picture = np.full((size, size), 255, np.float32)
    floor = min(top + height, size - 2)
    half = max(2, round(width * 0.5))
    cv2.ellipse(picture, (size // 2, floor - height // 60), (half, max(2, size // 34)), 0, 0, 360, 120.0, -1)
    soft = cv2.GaussianBlur(picture, (0, 0), size / 48)
    canvas = np.repeat(soft[..., None], 3, axis=2)
    share = cutout[..., 3:4].astype(np.float32) / 255
    window = canvas[top : top + height, left : left + width]
    window[:] = cutout[..., :3] * share + window * (1 - share)
    return canvas.astype(np.uint8)
