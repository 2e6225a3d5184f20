"""Keypoints: places in a picture that are found again in another picture of the same print, and how many agree.

What is printed on a packaging lies on it in one pattern. A view of the catalogue keeps some of its keypoints; the same
places are looked for in a crop, and those that lie there as one turn, one scale and one shift would put them agree.
Everything here is whole numbers and plain geometry, so the order of candidates does not matter and two machines agree.

Descriptors are root-SIFT (Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints"; Arandjelovic and
Zisserman 2012, "Three things everyone should know to improve object retrieval"), four bits a number.

    >>> count_agreeing(crop_keypoints, Keypoints.from_bytes(pack.get(key)))
    17
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s, require_shape

UInt8s = npt.NDArray[np.uint8]
NUMBERS = 128
ENTRY_BYTES = 4 + NUMBERS // 2
LARGEST = 15
FULL_SCALE = 0.35  # root-SIFT numbers above it are rare
SIZE_STEPS = 30  # steps for each halving of a keypoint's size
DISTINCT = 0.85  # how much nearer the nearest must be than the next one
NEAR = 0.1  # of the view's longer side
SCALE_APART = 0.6  # natural logarithm of the ratio of two scales
SCALES = (0.2, 5.0)
PLACES = 48  # keypoints in the same of 48 x 48 places count once


@dataclass(frozen=True)
class Keypoints:
    """Keypoints of one picture.

    Attributes:
        place: float32 (n, 2), x and y as shares of the picture's longer side, 0..1.
        size: float32 (n,), diameter, likewise, above 0.
        angle: float32 (n,), orientation in radians, 0..2 pi.
        descriptors: uint8 (n, 128), 0..15.
    """

    place: Float32s
    size: Float32s
    angle: Float32s
    descriptors: UInt8s

    def __post_init__(self) -> None:
        n = len(self.place)
        for name, shape in (("place", (n, 2)), ("size", (n,)), ("angle", (n,)), ("descriptors", (n, NUMBERS))):
            require_shape(name, getattr(self, name), shape)

    def __len__(self) -> int:
        return len(self.place)

    @classmethod
    def from_descriptors(cls, place: Float32s, size: Float32s, angle: Float32s, sift: Float32s) -> Keypoints:
        """Make keypoints of SIFT descriptors, float32 (n, 128), at least 0."""
        root = np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-9))
        return cls(place, size, angle, np.rint(np.minimum(root / FULL_SCALE, 1) * LARGEST).astype(np.uint8))

    @classmethod
    def from_bytes(cls, entry: bytes) -> Keypoints:
        """Read an entry of a keypoint pack.

        Raises:
            ValueError: its length is not a multiple of 68 bytes.
        """
        rows = np.frombuffer(entry, np.uint8).reshape(-1, ENTRY_BYTES)
        place = (rows[:, :2].astype(np.float32) + np.float32(0.5)) / 256
        size = np.exp2(-rows[:, 2].astype(np.float32) / SIZE_STEPS)
        angle = rows[:, 3].astype(np.float32) * np.float32(2 * np.pi / 256)
        packed = rows[:, 4:]
        return cls(place, size, angle, np.stack([packed & 15, packed >> 4], axis=2).reshape(-1, NUMBERS))

    def to_bytes(self, max_bytes: int) -> bytes:
        """Write an entry of a keypoint pack: as many of the first keypoints as `max_bytes` hold."""
        n = min(len(self), max_bytes // ENTRY_BYTES)
        rows = np.empty((n, ENTRY_BYTES), np.uint8)
        rows[:, :2] = np.clip(self.place[:n] * 256, 0, 255)
        rows[:, 2] = np.clip(np.rint(-np.log2(self.size[:n]) * SIZE_STEPS), 0, 255)
        rows[:, 3] = np.rint(self.angle[:n] * (256 / (2 * np.pi))).astype(np.int64) % 256
        rows[:, 4:] = self.descriptors[:n, ::2] | (self.descriptors[:n, 1::2] << 4)
        return rows.tobytes()


def count_agreeing(crop: Keypoints, view: Keypoints) -> int:
    """Count the keypoints of a view that a crop shows where one turn, scale and shift puts them.

    Every pair proposes the turn, scale and shift that its own sizes and angles say; the proposal that most pairs agree
    with wins. So nothing is drawn by lot.

    Returns:
        Pairs that agree, at distinct places of both pictures; 0 where there is no pair.
    """
    of_view, of_crop = _pairs(view, crop)
    if not len(of_view):
        return 0
    here, there = _complex(view.place[of_view]), _complex(crop.place[of_crop])
    size = crop.size[of_crop] / view.size[of_view]
    turn = size * np.exp(1j * (crop.angle[of_crop] - view.angle[of_view]))
    placed = there[:, None] + turn[:, None] * (here[None] - here[:, None])
    near = np.abs(placed - there[None]) <= NEAR * size[:, None]
    alike = np.abs(np.log(size[None] / size[:, None])) <= SCALE_APART
    possible = (size >= SCALES[0]) & (size <= SCALES[1])
    agreed = near & alike & possible[:, None]
    best = agreed[int(agreed.sum(axis=1).argmax())]
    return min(_distinct(view.place[of_view[best]]), _distinct(crop.place[of_crop[best]]))


def _pairs(view: Keypoints, crop: Keypoints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Pair each keypoint of the view with the nearest of the crop, where that is clearly nearer than the next."""
    none = np.zeros(0, np.intp)
    if not len(view) or len(crop) < 2:
        return none, none
    a, b = view.descriptors.astype(np.float32), crop.descriptors.astype(np.float32)  # their products are exact
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    rows = np.arange(len(view))
    first = squared.argmin(axis=1)
    nearest = squared[rows, first]
    squared[rows, first] = np.inf
    sure = nearest < DISTINCT**2 * squared.min(axis=1)
    return rows[sure], first[sure]


def _complex(place: Float32s) -> npt.NDArray[np.complex128]:
    return place[:, 0].astype(np.float64) + 1j * place[:, 1].astype(np.float64)


def _distinct(place: Float32s) -> int:
    return len(np.unique(np.floor(place * PLACES), axis=0))
