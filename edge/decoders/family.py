"""What a detector family is, and the data that steers its decoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge.detections import Detections, Float32s
from edge.inference import TensorSpec
from edge.preprocessing import Preprocessing

Outputs = Mapping[str, npt.NDArray[np.float32]]
LARGEST_SHARE = 2.0
"""A share of a side beyond this is no share: boxes reach over the border by less than a whole picture."""


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

    def option(self, name: str, default: Any, kind: type | tuple[type, ...]) -> Any:
        """Return one option of the family, checked.

        Raises:
            ValueError: the value is not of `kind`.
        """
        value = self.options.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"option {name} of the family {self.family} is {value!r}")
        return value


@dataclass(frozen=True)
class Recognised:
    """A family's reading of a model: the description it would put into a bundle.

    Attributes:
        decoding: how the outputs are read.
        preprocessing: how a picture becomes the input.
        assumed: what the file cannot say and the family's own exporter is trusted for, in words for a person.
    """

    decoding: Decoding
    preprocessing: Preprocessing
    assumed: str = ""


@dataclass(frozen=True)
class Family:
    """One detector family.

    Attributes:
        name: key in bundles and sidecars.
        source: paper or repository that defines the layout.
        roles: keys of `Decoding.outputs`, the tensors that `decode` reads; see `output_roles`.
        options: keys that `Decoding.options` may have.
        optional_roles: those of the roles that a model may lack.
        per_level: every level has outputs of its own: the role `scores` becomes `scores_8`, `scores_16`, ...
        decode: outputs by name, the decoding and the input's width and height in pixels -> candidates in pixels of
            the input, all at or above the score threshold, not yet suppressed.
        recognise: inputs and outputs of a model -> how this family would read it, or None if it is another's.
    """

    name: str
    source: str
    roles: tuple[str, ...]
    decode: Callable[[Outputs, Decoding, tuple[int, int]], Detections]
    recognise: Callable[[Sequence[TensorSpec], Sequence[TensorSpec]], Recognised | None]
    options: tuple[str, ...] = ()
    optional_roles: tuple[str, ...] = ()
    per_level: bool = False

    def output_roles(self, strides: Sequence[int]) -> tuple[str, ...]:
        """Return the keys that `Decoding.outputs` has for a model with these strides."""
        if not self.per_level:
            return self.roles
        return tuple(f"{role}_{stride}" for role in self.roles for stride in strides)


def image_input(inputs: Sequence[TensorSpec]) -> tuple[Literal["NCHW", "NHWC"], tuple[int, int]] | None:
    """Return layout and (width, height) of the single picture input, or None if there is no such input."""
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        return None
    _, a, b, c = inputs[0].shape
    if a == 3 and b and c:
        return "NCHW", (c, b)
    if c == 3 and a and b:
        return "NHWC", (b, a)
    return None


def candidates(scores: Float32s, threshold: float) -> tuple[npt.NDArray[np.intp], Float32s, npt.NDArray[np.intp]]:
    """Find the rows whose best class is confident enough.

    Args:
        scores: (N, c), one column for each class, c at least 1.
        threshold: rows whose best score is below are dropped.

    Returns:
        The rows, and for each of them the best score and its class.
    """
    class_id = scores.argmax(axis=1)
    confidence = np.take_along_axis(scores, class_id[:, None], axis=1)[:, 0]
    rows = np.flatnonzero(confidence >= threshold)
    return rows, confidence[rows], class_id[rows]


def centres_to_xyxy(cxcywh: Float32s) -> Float32s:
    """Return (n, 4) corner boxes of (n, 4) boxes given as centre x, centre y, width, height."""
    centre, half = cxcywh[:, :2], cxcywh[:, 2:] / 2
    return np.asarray(np.concatenate([centre - half, centre + half], axis=1), np.float32)


def sigmoid(x: Float32s) -> Float32s:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))), np.float32)


def softmax(x: Float32s) -> Float32s:
    """Return exp(x) scaled to the sum 1 along the last axis, without overflow."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)


def activated(logits: Float32s, name: str) -> Float32s:
    """Return class scores 0..1 of (..., c) logits by "sigmoid" or "softmax"; "none" takes them as they are.

    Raises:
        ValueError: the activation has another name.
    """
    known: dict[str, Callable[[Float32s], Float32s]] = {"none": np.asarray, "sigmoid": sigmoid, "softmax": softmax}
    if name not in known:
        raise ValueError(f"option activation is {name!r}, expected one of {tuple(known)}")
    return known[name](logits)


def pixels_per_unit(boxes: Float32s, decoding: Decoding, input_wh: tuple[int, int]) -> Float32s:
    """Return what (n, 4) boxes are multiplied with to become pixels of the input.

    The option `normalized` says whether they are shares of the input's sides. Without it their values tell: exporters
    write either, under the same names and shapes, and no object is as small as `LARGEST_SHARE` pixels.
    """
    told = bool(np.abs(boxes).max(initial=0) <= LARGEST_SHARE)
    normalized = decoding.option("normalized", told, bool)
    return np.tile(np.array(input_wh, np.float32), 2) if normalized else np.ones(4, np.float32)


@cache
def cell_centres(input_wh: tuple[int, int], strides: tuple[int, ...]) -> Float32s:
    """Return (N, 3) rows of column, row (cell units, from 0) and stride, level by level, row-major.

    A level has ceil(height / stride) rows and ceil(width / stride) columns.
    """
    levels = []
    for stride in strides:
        columns, rows = -(-input_wh[0] // stride), -(-input_wh[1] // stride)
        y, x = np.mgrid[:rows, :columns]
        levels.append(np.stack([x.ravel(), y.ravel(), np.full(rows * columns, stride)], axis=1))
    cells = np.concatenate(levels).astype(np.float32) if levels else np.zeros((0, 3), np.float32)
    cells.flags.writeable = False
    return cells
