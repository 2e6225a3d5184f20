"""Places where products are: shelves, tables, floors, walls and plain disorder.

Example:
    >>> import numpy as np
    >>> random_background((160, 120), np.random.default_rng(0)).shape
    (120, 160, 3)
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.palette import Colour, hsv, mix

RGB = NDArray[np.uint8]
RGBA = NDArray[np.uint8]


def _muted(rng: np.random.Generator) -> Colour:
    return hsv(float(rng.random()), float(rng.uniform(0.0, 0.4)), float(rng.uniform(0.2, 0.95)))


def _flat(resolution_wh: tuple[int, int], top: Colour, low: Colour) -> RGB:
    width, height = resolution_wh
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    column = np.float32(top) * (1 - ramp) + np.float32(low) * ramp
    return np.broadcast_to(column, (height, width, 3)).astype(np.uint8).copy()


def _grain(picture: RGB, rng: np.random.Generator, cells: tuple[int, int], strength: float) -> RGB:
    """Add cloudy texture; unequal ``cells`` (across, down) give the streaks of wood."""
    coarse = rng.standard_normal((cells[1], cells[0])).astype(np.float32)
    field = cv2.resize(coarse, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + field[..., None] * np.float32(strength), 0, 255).astype(np.uint8)


def table(resolution_wh: tuple[int, int], rng: np.random.Generator) -> RGB:
    """A wall above a table top with a grain."""
    width, height = resolution_wh
    wall, wood = _muted(rng), hsv(float(rng.uniform(0.05, 0.11)), float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.3, 0.9)))
    picture = _grain(_flat(resolution_wh, wall, mix(wall, (0, 0, 0), 0.15)), rng, (5, 4), 6)
    edge = round(height * float(rng.uniform(0.3, 0.75)))
    top = _grain(_flat((width, height - edge), mix(wood, (0, 0, 0), 0.15), wood), rng, (4, 40), 9)
    picture[edge:] = top
    return picture


def fabric(resolution_wh: tuple[int, int], rng: np.random.Generator) -> RGB:
    """A cloth or floor: one colour, cloudy, with or without lines."""
    colour = _muted(rng)
    picture = _grain(_flat(resolution_wh, colour, mix(colour, _muted(rng), 0.4)), rng, (9, 7), 14)
    if rng.random() < 0.5:
        period = max(3, round(resolution_wh[0] * float(rng.uniform(0.05, 0.25))))
        line = mix(colour, (0, 0, 0), 0.3)
        picture[::period], picture[:, ::period] = line, line
    return picture


def clutter(resolution_wh: tuple[int, int], rng: np.random.Generator) -> RGB:
    """Overlapping boxes, discs, bars and dashes of print, as a messy room looks out of focus."""
    width, height = resolution_wh
    picture = _grain(_flat(resolution_wh, _muted(rng), _muted(rng)), rng, (6, 6), 12)
    for _ in range(int(rng.integers(6, 30))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        colour = hsv(float(rng.random()), float(rng.random()), float(rng.random()))
        size = (max(2, int(width * rng.uniform(0.02, 0.22))), max(2, int(height * rng.uniform(0.02, 0.22))))
        angle = float(rng.uniform(0, 180))
        if rng.random() < 0.6:
            corners = cv2.boxPoints(((float(x), float(y)), (size[0] * 2.0, size[1] * 2.0), angle))
            cv2.fillPoly(picture, [np.round(corners).astype(np.int32)], colour, cv2.LINE_AA)
        elif rng.random() < 0.6:
            cv2.ellipse(picture, (x, y), size, angle, 0, 360, colour, -1, cv2.LINE_AA)
        else:
            end = (x + int(rng.normal(0, width / 3)), y + int(rng.normal(0, height / 3)))
            cv2.line(picture, (x, y), end, colour, max(1, size[0] // 6), cv2.LINE_AA)
    return picture


def shelf(resolution_wh: tuple[int, int], rng: np.random.Generator, goods: Sequence[RGBA] = ()) -> RGB:
    """A shop shelf: boards with price tags, and rows of goods on them.

    Args:
        resolution_wh: Size of the picture.
        rng: Source of chance.
        goods: Cut-outs to stand on the boards; without any, plain coloured packs stand there.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    width, height = resolution_wh
    back = _muted(rng)
    picture = _grain(_flat(resolution_wh, mix(back, (0, 0, 0), 0.6), mix(back, (0, 0, 0), 0.4)), rng, (5, 5), 5)
    rows = int(rng.integers(2, 5))
    pitch = height / rows
    board, lip = hsv(0.1, 0.06, float(rng.uniform(0.5, 0.95))), max(2, round(pitch * 0.1))
    for row in range(rows + 1):
        floor = round(row * pitch + pitch * float(rng.uniform(0.5, 0.55)))
        _stock(picture, floor, round(pitch * 0.82), goods, rng)
        cv2.rectangle(picture, (0, floor), (width, floor + lip), board, -1)
        cv2.rectangle(picture, (0, floor + lip), (width, floor + lip + max(1, lip // 3)), mix(board, (0, 0, 0), 0.6), -1)
        _price_tags(picture, floor, lip, rng)
    return picture


def _stock(picture: RGB, floor: int, tall: int, goods: Sequence[RGBA], rng: np.random.Generator) -> None:
    """Stand goods side by side on a board, two to five facings of each."""
    x = -int(rng.integers(0, 20))
    while x < picture.shape[1]:
        height = max(6, round(tall * float(rng.uniform(0.6, 1.0))))
        pack = _sized(goods[int(rng.integers(len(goods)))], height) if goods else _plain_pack(height, rng)
        for _ in range(int(rng.integers(2, 6))):
            paste(picture, pack, x, floor - pack.shape[0] + 1)
            x += pack.shape[1] + int(rng.integers(0, 4))
            if x >= picture.shape[1]:
                return


def _sized(cutout: RGBA, height: int) -> RGBA:
    size = (max(2, round(cutout.shape[1] * height / cutout.shape[0])), height)
    resized: RGBA = cv2.resize(cutout, size, interpolation=cv2.INTER_AREA)
    return resized


def _plain_pack(height: int, rng: np.random.Generator) -> RGBA:
    width = max(3, round(height * float(rng.uniform(0.3, 0.8))))
    pack = np.full((height, width, 4), 255, np.uint8)
    colours = [hsv(float(rng.random()), float(rng.uniform(0.2, 1)), float(rng.uniform(0.3, 1))) for _ in range(3)]
    pack[..., :3] = colours[0]
    first, second = sorted(int(v) for v in rng.integers(0, height, 2))
    pack[first:second, :, :3] = colours[1]
    cv2.circle(pack, (width // 2, height // 2), max(1, width // 4), (*colours[2], 255), -1, cv2.LINE_AA)
    shade = np.linspace(1.0, 0.75, width, dtype=np.float32)[None, :, None]
    pack[..., :3] = (pack[..., :3] * shade).astype(np.uint8)
    return pack


def _price_tags(picture: RGB, floor: int, lip: int, rng: np.random.Generator) -> None:
    colour = (250, 250, 245) if rng.random() < 0.6 else (250, 215, 60)
    x = int(rng.integers(0, 30))
    while x < picture.shape[1]:
        cv2.rectangle(picture, (x, floor), (x + 2 * lip, floor + lip), colour, -1)
        cv2.line(picture, (x + 2, floor + lip // 2), (x + lip, floor + lip // 2), (40, 40, 40), max(1, lip // 5))
        x += int(rng.integers(4 * lip, 12 * lip + 2))


def paste(picture: RGB, cutout: RGBA, left: int, top: int, opacity: float = 1.0) -> NDArray[np.uint8]:
    """Paste a cut-out in place, clipped to the picture.

    Args:
        picture: (H, W, 3) uint8 RGB, changed.
        cutout: (h, w, 4) uint8 RGBA, straight alpha.
        left: Column of the cut-out's left edge; may lie outside.
        top: Row of its upper edge; may lie outside.
        opacity: Factor on its alpha.

    Returns:
        (H, W) uint8: where it was pasted, 0..255.
    """
    coverage = np.zeros(picture.shape[:2], np.uint8)
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + cutout.shape[1], picture.shape[1]), min(top + cutout.shape[0], picture.shape[0])
    if x1 <= x0 or y1 <= y0:
        return coverage
    part = cutout[y0 - top : y1 - top, x0 - left : x1 - left]
    share = part[..., 3:4].astype(np.float32) * np.float32(opacity / 255)
    window = picture[y0:y1, x0:x1]
    window[:] = (window + (part[..., :3] - window.astype(np.float32)) * share).astype(np.uint8)
    coverage[y0:y1, x0:x1] = part[..., 3]
    return coverage


def random_background(resolution_wh: tuple[int, int], rng: np.random.Generator, goods: Sequence[RGBA] = ()) -> RGB:
    """Draw any kind of background, often a little out of focus; (H, W, 3) uint8 RGB."""
    kind = rng.choice(["shelf", "table", "fabric", "clutter"], p=[0.4, 0.25, 0.1, 0.25])
    if kind == "shelf":
        picture = shelf(resolution_wh, rng, goods)
    else:
        picture = {"table": table, "fabric": fabric, "clutter": clutter}[str(kind)](resolution_wh, rng)
    if rng.random() < 0.6:
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.4, max(0.6, resolution_wh[0] / 70))))
    return picture


def crop_background(photo: RGB, resolution_wh: tuple[int, int], rng: np.random.Generator) -> RGB:
    """Take a random window of a photograph, mirrored half of the time, at the wanted size; (H, W, 3) uint8 RGB."""
    height, width = photo.shape[:2]
    aspect = resolution_wh[0] / resolution_wh[1]
    wide = min(width, height * aspect) * float(rng.uniform(0.45, 1.0))
    size = max(2, int(wide)), max(2, int(wide / aspect))
    left, top = int(rng.integers(0, width - size[0] + 1)), int(rng.integers(0, height - size[1] + 1))
    window = photo[top : top + size[1], left : left + size[0]]
    if rng.random() < 0.5:
        window = window[:, ::-1]
    resized: RGB = cv2.resize(window, resolution_wh, interpolation=cv2.INTER_AREA)
    return resized
