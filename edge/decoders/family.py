"""What a detector family is, and the data that steers its decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from edge.detections import Detections
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

Outputs = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Decoding:
    """How the outputs of one model are read; stored in `bundle.json` under the detector.

    Attributes:
        family: a key of `FAMILIES`.
        outputs: role -> output name, such as {"scores": "443", "boxes": "444"}.
        strides: pixels of the input a cell of each level covers, in the order of the levels.
        options: what else this family needs, plain JSON values (documented by the family's file).
        score_threshold: detections below this confidence are dropped, 0..1.
        iou_threshold: overlap above which the less confident box is dropped, 0..1.
        max_detections: detections kept per picture at most.
    """

    family: str
    outputs: Mapping[str, str]
    strides: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    score_threshold: float = 0.3
    iou_threshold: float = 0.5
    max_detections: int = 300


@dataclass(frozen=True)
class Recognised:
    """A family's reading of a model: the description it would put into a bundle."""

    decoding: Decoding
    preprocessing: Preprocessing


@dataclass(frozen=True)
class Family:
    """One detector family.

    Attributes:
        name: key in bundles and sidecars.
        source: paper or repository that defines the layout.
        decode: outputs by name, the decoding and the input's width and height in pixels -> candidates in pixels of
            the input, all at or above the score threshold, not yet suppressed.
        recognise: inputs and outputs of a model -> how this family would read it, or None if it is another's.
    """

    name: str
    source: str
    decode: Callable[[Outputs, Decoding, tuple[int, int]], Detections]
    recognise: Callable[[Sequence[TensorSpec], Sequence[TensorSpec]], Recognised | None]


def image_input(inputs: Sequence[TensorSpec]) -> tuple[str, tuple[int, int]] | None:
    """Return layout and (width, height) of the single picture input, or None if there is no such input."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        return None
    _, a, b, c = inputs[0].shape
    if a == 3 and b and c:
        return "NCHW", (c, b)
    if c == 3 and a and b:
        return "NHWC", (b, a)
    return None


def cell_centres(input_wh: tuple[int, int], strides: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return (N, 3) rows of column, row (cell units, from 0) and stride, level by level, row-major.

    A level has ceil(height / stride) rows and ceil(width / stride) columns.
    """
    levels = []
    for stride in strides:
        columns, rows = -(-input_wh[0] // stride), -(-input_wh[1] // stride)
        y, x = np.mgrid[:rows, :columns]
        levels.append(np.stack([x.ravel(), y.ravel(), np.full(rows * columns, stride)], axis=1))
    return np.concatenate(levels).astype(np.float32) if levels else np.zeros((0, 3), np.float32)
