"""Solid products: a profile turned around an axis with so many sides, a label around it, seen by a camera.

One way to build covers tins, bottles, tubs, boxes with four or six sides and pillow packs: `Solid` says how many
sides, how flat, and the profile. Faces are quadrilaterals of the texture, warped one by one, far ones first.

>>> pose = Pose(yaw=0.4, pitch=0.1, roll=0.0)
>>> cutout(product.design, pose, 160).shape      # (H, W, 4) uint8, straight alpha
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from edge.preprocessing import ImageArray
from tests.bench.video_clips.artwork import label
from tests.bench.video_clips.designs import Colour, Design

Floats = npt.NDArray[np.float64]
Image4 = npt.NDArray[np.uint8]
SHARPER = 2
LIGHT = np.array([-0.5, 0.55, 0.67])


@dataclass(frozen=True)
class Pose:
    """How a product is turned, in radians: about the upright axis, towards the camera, in the picture."""

    yaw: float = 0.0
    pitch: float = 0.1
    roll: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A body: `sides` around, depth `flat` times the width, and its profile.

    Attributes:
        sides: number of faces around; many make it round.
        flat: depth divided by width.
        profile: (radius, height) from the top to the bottom, height from 1 to 0.
        printed: heights between which the label lies, upper first; the rest is bare.
        repeats: how often the label goes around.
        bare: colour of what is not printed; None takes the label's ground.
    """

    sides: int
    flat: float
    profile: tuple[tuple[float, float], ...]
    printed: tuple[float, float]
    repeats: int
    bare: Colour | None = None


SOLIDS = {
    "drum": Solid(28, 1.0, ((0.46, 1.0), (0.5, 0.97), (0.5, 0.88), (0.48, 0.87), (0.48, 0.0)), (0.86, 0.02), 2,
                  (190, 190, 194)),
    "flask": Solid(24, 1.0, ((0.1, 1.0), (0.1, 0.82), (0.12, 0.8), (0.22, 0.66), (0.23, 0.62), (0.23, 0.04),
                             (0.2, 0.0)), (0.6, 0.08), 2, (46, 62, 44)),
    "tub": Solid(28, 1.0, ((0.53, 1.0), (0.53, 0.93), (0.5, 0.92), (0.46, 0.61), (0.42, 0.31),
                           (0.38, 0.0)), (0.92, 0.0), 2, (238, 236, 230)),
    "hexbox": Solid(6, 1.0, ((0.36, 1.0), (0.36, 0.0)), (1.0, 0.0), 3),
    "brick": Solid(4, 0.55, ((0.48, 1.0), (0.48, 0.0)), (1.0, 0.0), 4),
    "tower": Solid(4, 0.8, ((0.25, 1.0), (0.25, 0.0)), (1.0, 0.0), 4),
    "pillow": Solid(28, 0.34, ((0.4, 1.0), (0.4, 0.95), (0.42, 0.85), (0.44, 0.5), (0.42, 0.12), (0.4, 0.05),
                               (0.4, 0.0)), (0.95, 0.05), 2),
    "spray": Solid(24, 1.0, ((0.08, 1.0), (0.1, 0.9), (0.17, 0.88), (0.17, 0.78), (0.19, 0.74), (0.19, 0.0)),
                   (0.73, 0.02), 2, (232, 232, 236)),
    "pyramid": Solid(4, 1.0, tuple((0.1 + 0.05 * n, 1 - n / 8) for n in range(9)), (1.0, 0.0), 4),
    "cube": Solid(4, 1.0, ((0.55, 1.0), (0.55, 0.0)), (1.0, 0.0), 4),
}  # fmt: skip
DISTANCE = 4.5


@dataclass(frozen=True)
class _Face:
    """A quadrilateral in space, (4, 3), with the window (u0, v0, u1, v1) of the texture, 0..1, and its brightness."""

    corners: Floats
    window: tuple[float, float, float, float]
    light: tuple[float, float]


def cutout(design: Design, pose: Pose, height: int) -> Image4:
    """Render a product.

    Args:
        design: what it looks like.
        pose: how it is turned.
        height: pixels that its upright height would take at the camera's distance.

    Returns:
        (H, W, 4) uint8 RGBA with straight alpha; the middle of the picture is the middle of the product.
    """
    scale = height * SHARPER
    level = 2 ** int(np.ceil(np.log2(max(height, 32))))
    texture = _texture(design, min(level, 512))
    faces = _faces(SOLIDS[design.body], pose)
    projected = [_project(face.corners) * scale for face in faces]
    reach = np.ceil(np.abs(np.concatenate(projected)).max(axis=0) / SHARPER).astype(int) + 2
    canvas = np.zeros((2 * reach[1] * SHARPER, 2 * reach[0] * SHARPER, 4), np.uint8)
    middle = reach * SHARPER
    order = np.argsort([face.corners[:, 2].mean() for face in faces])
    for index in order:
        quad = projected[index] + middle
        if _turned_to_us(quad):
            _paint(canvas, texture, faces[index], quad)
    small = cv2.resize(_premultiplied(canvas), (2 * int(reach[0]), 2 * int(reach[1])), interpolation=cv2.INTER_AREA)
    return _straight(small)


@lru_cache(maxsize=128)
def _texture(design: Design, tall: int) -> ImageArray:
    """Return the whole skin, rows from top to bottom of the profile's path, columns once around."""
    solid = SOLIDS[design.body]
    radius = max(r for r, _ in solid.profile)
    around = _perimeter(solid, radius)
    panel = max(16, round(tall * around / solid.repeats))
    upper, lower = solid.printed
    rows = max(8, round(tall * (upper - lower)))
    printed = np.tile(label(design, (panel, rows)), (1, solid.repeats, 1))
    printed = np.roll(printed, round(printed.shape[1] / solid.sides / 2) - panel // 2, axis=1)  # a label faces us
    skin = np.empty((tall, printed.shape[1], 3), np.uint8)
    skin[:] = solid.bare or design.colours[0]
    top = round(tall * (1 - upper))
    skin[top : top + rows] = printed[: tall - top]
    if solid.bare and solid.sides > 8:
        _cap(skin, design, round(tall * (1 - upper)))
    return skin


def _cap(skin: ImageArray, design: Design, rows: int) -> None:
    """Colour the upper third of what is bare above the label as the lid."""
    if rows > 6:
        skin[: rows // 2] = design.colours[1]


def _perimeter(solid: Solid, radius: float) -> float:
    ring = _ring(solid, radius)
    return float(np.linalg.norm(ring - np.roll(ring, 1, axis=0), axis=1).sum())


def _ring(solid: Solid, radius: float) -> Floats:
    """Return (sides, 2): x and z around; for few sides a face looks at the camera, and radius is half the width."""
    start = np.pi / solid.sides
    angles = np.pi / 2 + start - 2 * np.pi * np.arange(solid.sides + 1)[:-1] / solid.sides
    widen = 1 / np.cos(np.pi / 4) if solid.sides == 4 else 1.0
    return np.stack([np.cos(angles), np.sin(angles) * solid.flat], axis=1) * radius * widen


def _faces(solid: Solid, pose: Pose) -> list[_Face]:
    turn = _rotation(pose)
    faces: list[_Face] = []
    for (r0, y0), (r1, y1) in zip(solid.profile[:-1], solid.profile[1:], strict=True):
        upper, lower = _ring(solid, r0), _ring(solid, r1)
        for side in range(solid.sides):
            after = (side + 1) % solid.sides
            corners = np.array([
                [upper[side, 0], y0 - 0.5, upper[side, 1]], [upper[after, 0], y0 - 0.5, upper[after, 1]],
                [lower[after, 0], y1 - 0.5, lower[after, 1]], [lower[side, 0], y1 - 0.5, lower[side, 1]],
            ])  # fmt: skip
            window = (side / solid.sides, 1 - y0, (side + 1) / solid.sides, 1 - y1)
            faces.append(_Face(corners @ turn.T, window, _lights(solid, side, turn)))
    for radius, y, v in ((solid.profile[0][0], 1.0, 0.0), (solid.profile[-1][0], 0.0, 1.0)):
        faces += _lid(_ring(solid, radius), y - 0.5, v, turn)
    return faces


def _lid(ring: Floats, y: float, v: float, turn: Floats) -> list[_Face]:
    """Return the top or the bottom as quadrilaterals that fan out from the first corner."""
    around = ring if y > 0 else ring[::-1]
    points = np.stack([around[:, 0], np.full(len(around), y), around[:, 1]], axis=1) @ turn.T
    points = points[::-1]
    lit = _lambert(turn @ np.array([0.0, 1.0 if y > 0 else -1.0, 0.0]))
    window = (0.0, min(v, 0.995), 0.02, min(v + 0.005, 1.0))
    return [
        _Face(points[[0, at, at + 1, min(at + 2, len(points) - 1)]], window, (lit, lit))
        for at in range(1, len(points) - 1, 2)
    ]


def _lights(solid: Solid, side: int, turn: Floats) -> tuple[float, float]:
    """Return the brightness of a face's left and right edge; flat faces are lit evenly."""
    middles = (side + 0.5, side + 0.5) if solid.sides <= 8 else (side, side + 1)
    lit = []
    for at in middles:
        angle = np.pi / 2 + np.pi / solid.sides - 2 * np.pi * at / solid.sides
        normal = np.array([np.cos(angle) * solid.flat, 0.0, np.sin(angle)])
        lit.append(_lambert(turn @ (normal / np.linalg.norm(normal))))
    return lit[0], lit[1]


def _lambert(normal: Floats) -> float:
    toward = float(normal @ LIGHT)
    return 0.5 + 0.52 * max(toward, 0.0) + 0.22 * max(toward, 0.0) ** 14


def _rotation(pose: Pose) -> Floats:
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (pose.yaw, pose.pitch, pose.roll))
    yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    roll = np.array([[cr, sr, 0], [-sr, cr, 0], [0, 0, 1]])
    turned: Floats = roll @ pitch @ yaw
    return turned


def _project(corners: Floats) -> Floats:
    shrink = DISTANCE / (DISTANCE - corners[:, 2:3])
    projected: Floats = corners[:, :2] * shrink * [1, -1]
    return projected


def _turned_to_us(quad: Floats) -> bool:
    x, y = quad.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) > 1e-6


def _paint(canvas: Image4, texture: ImageArray, face: _Face, quad: Floats) -> None:
    """Warp the face's window of the texture onto the canvas; edges overlap by a pixel so that no seam shows."""
    tall, wide = texture.shape[:2]
    u0, v0, u1, v1 = face.window
    left, right = int(u0 * wide), max(int(np.ceil(u1 * wide)), int(u0 * wide) + 2)
    top, bottom = int(v0 * tall), max(int(np.ceil(v1 * tall)), int(v0 * tall) + 2)
    patch = texture[top:bottom, left:right]
    if not patch.size:
        return
    lit = patch * np.linspace(*face.light, patch.shape[1], dtype=np.float32)[None, :, None]
    low = np.floor(quad.min(axis=0)).astype(int) - 1
    high = np.ceil(quad.max(axis=0)).astype(int) + 2
    low, high = np.maximum(low, 0), np.minimum(high, canvas.shape[1::-1])
    local = (quad - low).astype(np.float32)
    h, w = patch.shape[:2]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
    if np.linalg.norm(local[2] - local[3]) < 1e-3:
        corners, local = corners[:3], local[:3]
        matrix = np.vstack([cv2.getAffineTransform(corners, local), [0, 0, 1]])
    else:
        matrix = cv2.getPerspectiveTransform(corners, local)
    size = int(high[0] - low[0]), int(high[1] - low[1])
    bright = np.clip(lit, 0, 255).astype(np.uint8)
    warped = cv2.warpPerspective(bright, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    mask = np.zeros(size[::-1], np.uint8)
    outline = np.round(local * 16).astype(np.int32)
    cv2.fillConvexPoly(mask, outline, 255, cv2.LINE_8, 4)
    cv2.polylines(mask, [outline], True, 255, 1, cv2.LINE_8, 4)
    window = canvas[low[1] : high[1], low[0] : high[0]]
    inside = mask > 0
    window[inside, :3] = warped[inside]
    window[inside, 3] = 255


def _premultiplied(image: Image4) -> npt.NDArray[np.float32]:
    alpha = image[..., 3:4].astype(np.float32) / 255
    return np.concatenate([image[..., :3] * alpha, image[..., 3:4].astype(np.float32)], axis=2)


def _straight(image: npt.NDArray[np.float32]) -> Image4:
    alpha = np.maximum(image[..., 3:4] / 255, 1e-3)
    return np.clip(np.concatenate([image[..., :3] / alpha, image[..., 3:4]], axis=2), 0, 255).astype(np.uint8)
