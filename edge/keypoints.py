"""Keypoints: places in a picture that are found again in another picture of the same print, and how many agree.

What is printed on a packaging lies on it in one pattern. A view of the catalogue keeps some of its keypoints; the same
places are looked for in a crop, and those that lie there as one turn, one scale and one shift would put them agree.
Everything here is whole numbers and plain geometry, so the order of candidates does not matter and two machines agree.

Descriptors are root-SIFT (Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints"; Arandjelovic and
Zisserman 2012, "Three things everyone should know to improve object retrieval"). Of the cosine transform of their 4 x 4
places the six slowest waves are kept for each of the 8 directions, at four bits a number: 24 bytes where SIFT has 128.

    >>> agreement(crop_keypoints, Keypoints.from_bytes(pack.get(key))).count
    17
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s, require_shape
from edge.shard.vectors import Int8s

WAVES = ((0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0))  # down, across
STEPS = (12, 9, 9, 6, 9, 6)  # what one step of each wave's codes counts in a distance
NUMBERS = 8 * len(WAVES)
ENTRY_BYTES = 4 + NUMBERS // 2
LARGEST = 7  # codes are -7..7
ZERO = 8  # added to a code, so that four bits hold it
UNIT = 0.003  # root-SIFT for a step of 1
MEAN = 0.24  # of the first wave
SIZE_STEPS = 30  # steps for each halving of a keypoint's size
DISTINCT = 0.87  # how much nearer the nearest must be than the next one
NEAR = 0.1  # of the view's longer side
SCALE_APART = 0.6  # natural logarithm of the ratio of two scales
SCALES = (0.2, 5.0)
SHARED = 2000.0  # squared distance in steps
PLACES = 48  # keypoints in the same of 48 x 48 places count once


@dataclass(frozen=True)
class Keypoints:
    """Keypoints of one picture.

    Attributes:
        place: float32 (n, 2), x and y as shares of the picture's longer side, 0..1.
        size: float32 (n,), diameter, likewise, above 0.
        angle: float32 (n,), orientation in radians, 0..2 pi.
        descriptors: int8 (n, 48), codes of -7..7 times the step of their wave.
    """

    place: Float32s
    size: Float32s
    angle: Float32s
    descriptors: Int8s

    def __post_init__(self) -> None:
        n = len(self.place)
        for name, shape in (("place", (n, 2)), ("size", (n,)), ("angle", (n,)), ("descriptors", (n, NUMBERS))):
            require_shape(name, getattr(self, name), shape)

    def __len__(self) -> int:
        return len(self.place)

    @classmethod
    def from_descriptors(cls, place: Float32s, size: Float32s, angle: Float32s, sift: Float32s) -> Keypoints:
        """Make keypoints of SIFT descriptors, float32 (n, 128), at least 0: 4 rows of 4 places of 8 directions."""
        root = np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1e-9))
        waves = root.astype(np.float64) @ _waves()
        waves[:, :8] -= MEAN
        codes = np.clip(np.rint(waves / (_steps() * UNIT)), -LARGEST, LARGEST)
        return cls(place, size, angle, (codes * _steps()).astype(np.int8))

    @classmethod
    def from_bytes(cls, entry: bytes) -> Keypoints:
        """Read an entry of a keypoint pack.

        Raises:
            ValueError: its length is not a multiple of 28 bytes.
        """
        rows = np.frombuffer(entry, np.uint8).reshape(-1, ENTRY_BYTES)
        place = np.asarray((rows[:, :2] + 0.5) / 256, np.float32)
        size = np.exp2(-rows[:, 2].astype(np.float32) / SIZE_STEPS)
        angle = rows[:, 3].astype(np.float32) * np.float32(2 * np.pi / 256)
        codes = np.stack([rows[:, 4:] & 15, rows[:, 4:] >> 4], axis=2).reshape(-1, NUMBERS).astype(np.int8) - ZERO
        return cls(place, size.astype(np.float32), angle, (codes * _steps()).astype(np.int8))

    def to_bytes(self, max_bytes: int) -> bytes:
        """Write an entry of a keypoint pack: as many of the first keypoints as `max_bytes` hold."""
        n = min(len(self), max_bytes // ENTRY_BYTES)
        rows = np.empty((n, ENTRY_BYTES), np.uint8)
        rows[:, :2] = np.clip(self.place[:n] * 256, 0, 255)
        rows[:, 2] = np.clip(np.rint(-np.log2(self.size[:n]) * SIZE_STEPS), 0, 255)
        rows[:, 3] = np.rint(self.angle[:n] * (256 / (2 * np.pi))).astype(np.int64) % 256
        codes = (self.descriptors[:n] // _steps() + ZERO).astype(np.uint8)
        rows[:, 4:] = codes[:, ::2] | (codes[:, 1::2] << 4)
        return rows.tobytes()


@dataclass(frozen=True)
class Agreement:
    """What one view explains of a crop.

    Attributes:
        count: pairs that agree, at distinct places of both pictures.
        of_crop: intp (k,), the crop's rows of these pairs; a row may stand in several.
        distance: float32 (k,), whole numbers, squared distances of their descriptors.
    """

    count: int
    of_crop: npt.NDArray[np.intp]
    distance: Float32s

    @classmethod
    def nothing(cls) -> Agreement:
        """Return what a view explains that shares nothing with the crop."""
        return cls(0, np.zeros(0, np.intp), np.zeros(0, np.float32))


def agreement(crop: Keypoints, view: Keypoints) -> Agreement:
    """Find the keypoints of a view that a crop shows where one turn, scale and shift puts them.

    Every pair proposes the turn, scale and shift that its own sizes and angles say; the proposal that most pairs agree
    with wins. So nothing is drawn by lot.
    """
    of_view, of_crop, distance = _pairs(view, crop)
    if not len(of_view):
        return Agreement.nothing()
    here, there = _complex(view.place[of_view]), _complex(crop.place[of_crop])
    size = crop.size[of_crop] / view.size[of_view]
    turn = size * np.exp(1j * (crop.angle[of_crop] - view.angle[of_view]))
    placed = there[:, None] + turn[:, None] * (here[None] - here[:, None])
    near = np.abs(placed - there[None]) <= NEAR * size[:, None]
    alike = np.abs(np.log(size[None] / size[:, None])) <= SCALE_APART
    possible = (size >= SCALES[0]) & (size <= SCALES[1])
    agreed = near & alike & possible[:, None]
    best = agreed[int(agreed.sum(axis=1).argmax())]
    count = min(_distinct(view.place[of_view[best]]), _distinct(crop.place[of_crop[best]]))
    return Agreement(count, of_crop[best], distance[best])


def share_out(crop: Keypoints, agreements: Sequence[Agreement]) -> list[float]:
    """Share each keypoint of a crop out among the views that it agrees with: the nearer the print, the more.

    Sisters share most of their print, so nearly all of it agrees with each of them; where the prints differ, one
    is nearer. The share falls with the squared distance of the descriptors by the constant `SHARED`.

    Returns:
        A sum of shares for each view, at least 0 and at most the view's `count`, whatever the order of the views.
    """
    distance = np.full((len(agreements), len(crop)), np.inf)
    for row, found in zip(distance, agreements, strict=True):
        np.minimum.at(row, found.of_crop, found.distance)
    nearest = distance.min(axis=0, initial=np.inf)
    told = np.isfinite(nearest)
    weights = np.exp((nearest[told] - distance[:, told]) / SHARED)
    sums = (weights / np.sort(weights, axis=0).sum(axis=0)).sum(axis=1)
    return [min(float(found.count), float(total)) for found, total in zip(agreements, sums, strict=True)]


@cache
def _waves() -> npt.NDArray[np.float64]:
    """Return (128, 48): the kept waves of the orthonormal cosine transform of 4 x 4 places, for each direction."""
    basis = _cosines(4)
    kept = np.stack([np.outer(basis[down], basis[across]).ravel() for down, across in WAVES], axis=1)
    return np.kron(kept, np.eye(8))


@cache
def _steps() -> Int8s:
    return np.repeat(np.array(STEPS, np.int8), 8)


def _cosines(n: int) -> npt.NDArray[np.float64]:
    """Return (n, n): row k is the k-th wave of the orthonormal DCT-II."""
    k, i = np.mgrid[:n, :n]
    return np.asarray(np.where(k == 0, np.sqrt(1 / n), np.sqrt(2 / n)) * np.cos(np.pi * (2 * i + 1) * k / (2 * n)))


def _pairs(view: Keypoints, crop: Keypoints) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Float32s]:
    """Pair each keypoint of the view with the nearest of the crop, where that is clearly nearer than the next.

    Returns:
        Rows of the view, rows of the crop, squared distances.
    """
    none = np.zeros(0, np.intp)
    if not len(view) or len(crop) < 2:
        return none, none, np.zeros(0, np.float32)
    a, b = view.descriptors.astype(np.float32), crop.descriptors.astype(np.float32)  # their products are exact
    squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    rows = np.arange(len(view))
    first = squared.argmin(axis=1)
    nearest = squared[rows, first]
    squared[rows, first] = np.inf
    sure = nearest < DISTINCT**2 * squared.min(axis=1)
    return rows[sure], first[sure], nearest[sure]


def _complex(place: Float32s) -> npt.NDArray[np.complex128]:
    return place[:, 0].astype(np.float64) + 1j * place[:, 1].astype(np.float64)


def _distinct(place: Float32s) -> int:
    return len(np.unique(np.floor(place * PLACES), axis=0))
