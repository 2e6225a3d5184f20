"""Where clips play: rooms and tables made of noise, planks, tiles, shelves and lights; no product in any of them.

>>> place(seed=3, size_wh=(832, 468)).shape
(468, 832, 3)
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from edge.preprocessing import ImageArray

Floats = npt.NDArray[np.float32]
KINDS = ("planks", "tiles", "wall", "lights", "cloth")


@lru_cache(maxsize=6)
def place(seed: int, size_wh: tuple[int, int]) -> ImageArray:
    """Return (H, W, 3) uint8 RGB: a background above a surface on which things can stand."""
    rng = np.random.default_rng([seed, 701])
    wide, tall = size_wh
    back = _KINDS[KINDS[int(rng.integers(len(KINDS)))]](rng, (wide, tall))
    surface = _KINDS["planks" if rng.random() < 0.6 else "cloth"](rng, (wide, tall))
    edge = round(tall * rng.uniform(0.55, 0.72))
    picture = back * np.float32(rng.uniform(0.75, 1.0))
    picture[edge:] = surface[edge:] * np.linspace(0.8, 1.1, tall - edge, dtype=np.float32)[:, None, None]
    picture[edge - 2 : edge + 2] *= 0.7
    far = cv2.GaussianBlur(picture[: edge + 6], (0, 0), float(rng.uniform(2, 5)))
    picture[: edge - 6] = far[: edge - 6]
    light = 1 - 0.35 * _noise(rng, size_wh, 1.5)[..., None]
    return np.clip(picture * light, 0, 255).astype(np.uint8)


def _noise(rng: np.random.Generator, size_wh: tuple[int, int], cells: float) -> Floats:
    """Return smooth noise (H, W), 0..1, of some cells across the height."""
    wide, tall = size_wh
    rows = max(2, round(cells * 2) + 1)
    grid = rng.random((rows, max(2, round(rows * wide / tall)))).astype(np.float32)
    smooth: Floats = cv2.resize(grid, (wide, tall), interpolation=cv2.INTER_CUBIC)
    return np.clip(smooth, 0, 1)


def _tint(rng: np.random.Generator, low: float = 60, high: float = 225, spread: float = 28) -> Floats:
    grey = rng.uniform(low, high)
    return np.clip(grey + rng.uniform(-spread, spread, 3), 0, 255).astype(np.float32)


def _planks(rng: np.random.Generator, size_wh: tuple[int, int]) -> Floats:
    wide, tall = size_wh
    grain = _noise(rng, (wide // 8, tall), 40)
    grain = cv2.resize(grain, (wide, tall))
    brown = np.array([rng.uniform(120, 205), rng.uniform(90, 150), rng.uniform(60, 110)], np.float32)
    picture = brown * (0.75 + 0.4 * grain[..., None])
    for y in np.arange(0, tall, tall / rng.integers(4, 9)).astype(int):
        picture[y : y + 2] *= 0.55
        picture[y:] *= np.float32(rng.uniform(0.93, 1.07))
    return np.asarray(picture, np.float32)


def _tiles(rng: np.random.Generator, size_wh: tuple[int, int]) -> Floats:
    wide, tall = size_wh
    side = int(tall / rng.integers(4, 10))
    rows, columns = tall // side + 1, wide // side + 1
    shade = rng.uniform(0.88, 1.08, (rows, columns)).astype(np.float32)
    picture = np.repeat(np.repeat(shade, side, 0), side, 1)[:tall, :wide, None] * _tint(rng, 110)
    picture[::side] *= 0.7
    picture[:, ::side] *= 0.7
    return np.asarray(picture, np.float32)


def _wall(rng: np.random.Generator, size_wh: tuple[int, int]) -> Floats:
    rough = 0.85 + 0.3 * _noise(rng, size_wh, 3) + 0.12 * _noise(rng, size_wh, 60)
    return np.asarray(rough[..., None] * _tint(rng, 90), np.float32)


def _lights(rng: np.random.Generator, size_wh: tuple[int, int]) -> Floats:
    wide, tall = size_wh
    picture = np.full((tall, wide, 3), _tint(rng, 25, 80), np.float32)
    for _ in range(int(rng.integers(14, 40))):
        centre = int(rng.integers(wide)), int(rng.integers(tall))
        colour = [float(v) for v in _tint(rng, 120, 240, 60)]
        glow = np.zeros_like(picture)
        cv2.circle(glow, centre, int(rng.integers(8, 34)), colour, -1, cv2.LINE_AA)
        picture += glow * np.float32(rng.uniform(0.2, 0.6))
    return picture


def _cloth(rng: np.random.Generator, size_wh: tuple[int, int]) -> Floats:
    wide, tall = size_wh
    picture = np.full((tall, wide, 3), _tint(rng, 70), np.float32)
    step = int(rng.integers(14, 60))
    stripe = (np.arange(wide) // step) % 2 == 0
    picture[:, stripe] *= np.float32(rng.uniform(0.82, 1.0))
    folds = 0.85 + 0.3 * _noise(rng, (wide, tall), 4)
    weave = 1 + 0.03 * rng.standard_normal((tall, wide)).astype(np.float32)
    return np.asarray(picture * (folds * weave)[..., None], np.float32)


_KINDS = {"planks": _planks, "tiles": _tiles, "wall": _wall, "lights": _lights, "cloth": _cloth}
