"""What a camera and a room do to a picture: light, glare, shadow, blur, noise, JPEG.

Every effect takes and returns (H, W, 3) uint8 RGB of the same size, so that boxes stay true.
``spoil`` applies a random choice of them in the order in which they happen in the world.

Example:
    >>> import numpy as np
    >>> spoil(np.full((60, 80, 3), 120, np.uint8), np.random.default_rng(0)).shape
    (60, 80, 3)
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

RGB = NDArray[np.uint8]
Plane = NDArray[np.float32]


def _axes(image: RGB) -> tuple[Plane, Plane]:
    """Return x (1, w) and y (h, 1), both -1..1."""
    height, width = image.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return x, y


def _times(image: RGB, gain: Plane | NDArray[np.float32]) -> RGB:
    return np.minimum(image * gain, 255).astype(np.uint8)


def light(image: RGB, rng: np.random.Generator) -> RGB:
    """Light the scene unevenly, with a colour cast and an exposure."""
    x, y = _axes(image)
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.0, 0.4)
    plane = 1 + np.float32(strength) * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y)
    warm = rng.normal(0, 0.06)
    cast = np.array([1 + warm, 1 + rng.normal(0, 0.02), 1 - warm], np.float32)
    gain = np.float32(np.exp(rng.normal(-0.03, 0.18)))
    return _times(image, np.maximum(plane, 0.05)[..., None] * (cast * gain))


def glare(image: RGB, rng: np.random.Generator, strength: float | None = None) -> RGB:
    """Add the soft streak or spot of a lamp."""
    x, y = _axes(image)
    centre_x, centre_y, angle = rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8), rng.uniform(0, np.pi)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u = (x - np.float32(centre_x)) * cosine + (y - np.float32(centre_y)) * sine
    v = (y - np.float32(centre_y)) * cosine - (x - np.float32(centre_x)) * sine
    long, short = np.float32(rng.uniform(0.2, 0.9)), np.float32(rng.uniform(0.05, 0.22))
    peak = np.float32(rng.uniform(40, 190) if strength is None else strength)
    spot = peak * np.exp(-((u / long) ** 2) - (v / short) ** 2)
    return np.minimum(image + spot[..., None], 255).astype(np.uint8)


def shadow(image: RGB, rng: np.random.Generator) -> RGB:
    """Let a straight-edged shadow fall across the picture."""
    x, y = _axes(image)
    angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    across = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y - np.float32(offset)
    soft = np.clip(across / np.float32(rng.uniform(0.05, 0.6)), 0, 1)
    return _times(image, (1 - np.float32(rng.uniform(0.15, 0.55)) * soft)[..., None])


def motion_blur(image: RGB, rng: np.random.Generator, length: int | None = None) -> RGB:
    """Smear along a line of ``length`` pixels."""
    reach = length or int(rng.integers(3, max(4, image.shape[1] // 24)))
    reach = max(2, reach)
    kernel = np.zeros((reach, reach), np.float32)
    angle, middle = rng.uniform(0, np.pi), (reach - 1) / 2
    step = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = np.round(middle - step).astype(int), np.round(middle + step).astype(int)
    cv2.line(kernel, (int(start[0]), int(start[1])), (int(end[0]), int(end[1])), 1.0, 1)
    smeared: RGB = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
    return smeared


def defocus(image: RGB, rng: np.random.Generator) -> RGB:
    """Blur as a lens out of focus does."""
    sigma = float(rng.uniform(0.4, max(0.6, image.shape[1] / 130)))
    blurred: RGB = cv2.GaussianBlur(image, (0, 0), sigma)
    return blurred


def noise(image: RGB, rng: np.random.Generator, sigma: float | None = None) -> RGB:
    """Add sensor noise, stronger in the dark."""
    level = np.float32(rng.uniform(1, 9) if sigma is None else sigma)
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32)[..., None] * level
    tint = np.float32(rng.uniform(0.6, 1.4, 3))
    return np.clip(image + grain * tint, 0, 255).astype(np.uint8)


def low_light(image: RGB, rng: np.random.Generator) -> RGB:
    """Darken with a lifted gamma, as an under-exposed phone picture."""
    gamma, gain = rng.uniform(1.0, 1.35), rng.uniform(0.45, 0.8)
    table = (255 * gain * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    dark: RGB = cv2.LUT(image, table)
    return dark


def tone(image: RGB, rng: np.random.Generator) -> RGB:
    """Change contrast and saturation as a phone's processing does."""
    grey = image.mean(axis=2, keepdims=True, dtype=np.float32)
    saturation, contrast = np.float32(rng.uniform(0.55, 1.3)), np.float32(rng.uniform(0.7, 1.2))
    coloured = grey + (image - grey) * saturation
    return np.clip((coloured - 118) * contrast + 118, 0, 255).astype(np.uint8)


def jpeg(image: RGB, rng: np.random.Generator, quality: int | None = None) -> RGB:
    """Write and read back as JPEG."""
    level = quality or int(rng.integers(28, 92))
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, level])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return np.ascontiguousarray(decoded[..., ::-1])


_STEPS = (
    (light, 0.9),
    (shadow, 0.25),
    (glare, 0.25),
    (defocus, 0.4),
    (motion_blur, 0.18),
    (low_light, 0.12),
    (tone, 0.6),
    (noise, 0.6),
    (jpeg, 0.7),
)


def spoil(image: RGB, rng: np.random.Generator, strength: float = 1.0) -> RGB:
    """Apply a random choice of effects.

    Args:
        image: (H, W, 3) uint8 RGB.
        rng: Source of the choice.
        strength: Factor on the chance of each effect; 0 leaves the picture as it is. A picture that is dark
            already is not darkened further, so that its products can still be told apart.

    Returns:
        (H, W, 3) uint8 RGB of the same size.
    """
    for effect, chance in _STEPS:
        if rng.random() < chance * strength and not (effect in (low_light, shadow) and image.mean() < 70):
            image = effect(image, rng)
    return image
