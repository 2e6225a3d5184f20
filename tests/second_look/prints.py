"""Invented prints, and keypoints that need no OpenCV."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from edge.keypoints import Keypoints


def draw_print(seed: int, side: int = 200) -> npt.NDArray[np.uint8]:
    """Draw coloured shapes, others for each seed."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y, w, h = (int(v) for v in rng.integers(0, side * 3 // 4, 4))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + 4 + w // 4, y + 4 + h // 4), fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    return np.array(picture)


def scatter(n: int, seed: int = 0) -> Keypoints:
    """Return n keypoints at random places with random descriptors."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.05, 0.95, (n, 2)).astype(np.float32)
    size, angle = rng.uniform(0.01, 0.1, n), rng.uniform(0, 6.28, n)
    sift = np.floor(rng.uniform(0, 60, (n, 128)) ** 1.2).astype(np.float32)
    return Keypoints.from_descriptors(place, size.astype(np.float32), angle.astype(np.float32), sift)


def moved(keypoints: Keypoints, scale: float, turn: float, shift: tuple[float, float]) -> Keypoints:
    """Return the same keypoints in a picture that is scaled, turned by radians, and shifted."""
    z = (keypoints.place[:, 0] + 1j * keypoints.place[:, 1]) * scale * np.exp(1j * turn) + complex(*shift)
    place = np.stack([z.real, z.imag], axis=1).astype(np.float32)
    angle = (keypoints.angle + np.float32(turn)) % np.float32(2 * np.pi)
    return Keypoints(place, keypoints.size * np.float32(scale), angle, keypoints.descriptors)
