"""Parts of pictures from life, as large as an object may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from export.render.opencv import cv2
from export.render.photo import spoil
from export.train.embedder.rendered import Pictures

LARGE_SIDE = 600
SPOILT = 0.35
Cut = Callable[[np.random.Generator], Pictures]


def cuts_from(groups: Sequence[tuple[float, Sequence[Pictures]]], size: int) -> Cut:
    """Make a draw from groups of pictures, each with its weight: a cut, mirrored or spoilt half of the time."""
    weights = np.array([weight for weight, _ in groups])

    def draw(rng: np.random.Generator) -> Pictures:
        pictures = groups[int(rng.choice(len(groups), p=weights / weights.sum()))][1]
        part = cut_anywhere(pictures[int(rng.integers(len(pictures)))], rng)
        way = cv2.INTER_AREA if part.shape[1] > size else cv2.INTER_LINEAR
        part = cv2.resize(part, (size, size), interpolation=way)
        if rng.random() < 0.5:
            part = np.ascontiguousarray(part[:, ::-1])
        return spoil(part, rng, SPOILT) if rng.random() < 0.5 else part

    return draw


def cut_anywhere(image: Pictures, rng: np.random.Generator) -> Pictures:
    """Cut a part as large as an object may be: of a large picture 110 to 420 pixels, of others 30 to 100 percent."""
    height, width = image.shape[:2]
    if min(height, width) > LARGE_SIDE:
        tall = rng.uniform(110, 420)
        wide = tall * rng.uniform(0.55, 1.2)
    else:
        share, aspect = np.sqrt(rng.uniform(0.3, 1)), np.exp(rng.uniform(-0.3, 0.3))
        wide, tall = width * share * aspect, height * share / aspect
    w, h = int(min(width, wide)), int(min(height, tall))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return image[y : y + h, x : x + w]
