"""A small camera: turn a body, project its faces, paint them front to back into one cut-out.

World axes: x right, y up, z towards the camera. A ``Facet`` is a textured
quadrilateral; its corners follow the texture: top left, top right, bottom
right, bottom left. The projection is a plain pinhole one (Hartley and
Zisserman, "Multiple View Geometry", chapter 6); every facet is warped by the
homography of its four corners.

Example:
    >>> import numpy as np
    >>> square = np.array([[-1, 1, 0], [1, 1, 0], [1, -1, 0], [-1, -1, 0]], dtype=np.float64)
    >>> facet = Facet(np.full((8, 8, 3), 200, np.uint8), square)
    >>> photograph([facet], Pose(), 40).shape[2]
    4
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points3 = NDArray[np.float64]
RGBA = NDArray[np.uint8]

_SUPERSAMPLE = 2
_LIGHT = np.array([-0.35, 0.55, 0.76])


@dataclass(frozen=True)
class Facet:
    """A textured quadrilateral: ``texture`` (h, w, 3 or 4) uint8, ``corners`` (4, 3); ``gloss`` 0..1."""

    texture: NDArray[np.uint8]
    corners: Points3
    gloss: float = 0.0


@dataclass(frozen=True)
class Pose:
    """How a body is turned before the camera: angles in radians, ``distance`` in heights of the body."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    distance: float = 5.0

    def rotation(self) -> NDArray[np.float64]:
        """Return the (3, 3) rotation: yaw about y first, then pitch about x, then roll about z."""
        (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (self.yaw, self.pitch, self.roll))
        turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        rotation: NDArray[np.float64] = tilt @ nod @ turn
        return rotation


def project(points: Points3, pose: Pose) -> NDArray[np.float64]:
    """Project world points (n, 3) to the image plane (n, 2), y downwards, in heights of the body at its centre."""
    turned = points @ pose.rotation().T
    scale = pose.distance / (pose.distance - turned[:, 2:3])
    flat: NDArray[np.float64] = turned[:, :2] * scale * np.array([1.0, -1.0])
    return flat


def photograph(facets: list[Facet], pose: Pose, long_side: int) -> RGBA:
    """Render facets as a tight cut-out.

    Args:
        facets: The faces of one convex-ish body.
        pose: How it is turned.
        long_side: Pixels of the longer side of the result.

    Returns:
        (H, W, 4) uint8 RGBA with straight alpha and one pixel of margin.
    """
    flat = [project(facet.corners, pose) for facet in facets]
    everything = np.concatenate(flat)
    low = everything.min(axis=0)
    extent = everything.max(axis=0) - low
    scale = _SUPERSAMPLE * (long_side - 2) / float(extent.max())
    size = np.ceil((extent * scale) / _SUPERSAMPLE).astype(int) + 2
    canvas = np.zeros((int(size[1]) * _SUPERSAMPLE, int(size[0]) * _SUPERSAMPLE, 4), np.uint8)
    for index in _back_to_front(facets, pose):
        corners = (flat[index] - low) * scale + _SUPERSAMPLE
        _paint(canvas, facets[index], corners.astype(np.float32), _brightness(facets[index], pose))
    small = cv2.resize(canvas, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA)
    return straight(small)


def straight(premultiplied: RGBA) -> RGBA:
    """Turn premultiplied alpha into straight alpha."""
    alpha = premultiplied[..., 3:4].astype(np.float32)
    colour = premultiplied[..., :3] * (255.0 / np.maximum(alpha, 1.0))
    return np.concatenate([np.minimum(colour, 255).astype(np.uint8), premultiplied[..., 3:4]], axis=2)


def premultiply(straight_alpha: RGBA) -> RGBA:
    """Turn straight alpha into premultiplied alpha."""
    colour = straight_alpha[..., :3] * (straight_alpha[..., 3:4].astype(np.float32) / 255.0)
    return np.concatenate([colour.astype(np.uint8), straight_alpha[..., 3:4]], axis=2)


def _normal(facet: Facet, pose: Pose) -> NDArray[np.float64]:
    turned = facet.corners @ pose.rotation().T
    normal = np.cross(turned[3] - turned[0], turned[1] - turned[0])
    unit: NDArray[np.float64] = normal / max(float(np.linalg.norm(normal)), 1e-9)
    return unit


def _back_to_front(facets: list[Facet], pose: Pose) -> list[int]:
    """Order the facets that face the camera; a cut-out facet (with alpha) is seen from both sides."""
    rotation = pose.rotation().T
    depths: list[tuple[float, int]] = []
    for index, facet in enumerate(facets):
        centre = facet.corners.mean(axis=0) @ rotation
        facing = float(_normal(facet, pose) @ (np.array([0.0, 0.0, pose.distance]) - centre))
        if facing > 1e-6 or facet.texture.shape[2] == 4:
            depths.append((float(centre[2]), index))
    return [index for _, index in sorted(depths)]


def _brightness(facet: Facet, pose: Pose) -> float:
    return 0.62 + 0.42 * max(0.0, float(_normal(facet, pose) @ _LIGHT))


def _fitting(texture: NDArray[np.uint8], corners: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Shrink a texture that is much finer than its place, so that the warp does not alias."""
    edge = max(float(np.linalg.norm(corners[3] - corners[0])), float(np.linalg.norm(corners[1] - corners[0])), 2.0)
    share = edge / max(texture.shape[:2])
    if share > 0.75:
        return texture
    size = (max(2, round(texture.shape[1] * share)), max(2, round(texture.shape[0] * share)))
    smaller: NDArray[np.uint8] = cv2.resize(texture, size, interpolation=cv2.INTER_AREA)
    return smaller


def _paint(canvas: RGBA, facet: Facet, corners: NDArray[np.float32], brightness: float) -> None:
    """Warp one facet over the canvas (premultiplied), inside its bounding rectangle only."""
    texture = _fitting(facet.texture, corners)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 1, 0)
    right, low = np.ceil(corners.max(axis=0)).astype(int) + 2
    window = canvas[top:low, left:right]
    height, width = texture.shape[:2]
    source = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, corners - np.array([left, top], np.float32))
    size = (window.shape[1], window.shape[0])
    warped = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros(window.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, np.round((corners - [left, top]) * 16).astype(np.int32), 255, cv2.LINE_8, 4)
    shaded = cv2.convertScaleAbs(warped[..., :3], alpha=brightness)
    if texture.shape[2] == 3:
        cv2.copyTo(np.dstack([shaded, inside]), inside, window)
        return
    alpha = cv2.bitwise_and(np.ascontiguousarray(warped[..., 3]), inside)
    share = alpha[..., None].astype(np.float32) / 255.0
    layer = np.dstack([shaded, np.full_like(alpha, 255)])
    window[:] = (layer * share + window * (1.0 - share)).astype(np.uint8)
