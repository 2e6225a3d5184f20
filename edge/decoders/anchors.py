"""Anchors of SSD models, made by the published rule instead of being carried along as numbers.

The rule is that of MediaPipe's SsdAnchorsCalculator, which for square inputs is also the one of TensorFlow's Object
Detection API: every layer has a scale between the smallest and the largest; a cell has one anchor for each aspect
ratio, and one more of a scale between this layer's and the next one's. Layers of the same stride share their cells.

Source: Liu et al., SSD, 2015 (arXiv 1512.02325); github.com/google-ai-edge/mediapipe,
mediapipe/calculators/tflite/ssd_anchors_calculator.proto.

    >>> AnchorRule((8, 16, 16, 16), fixed_size=True).anchors((128, 128)).shape
    (896, 4)
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby
from typing import Any

import numpy as np

from edge.detections import Float32s

LOWEST_LAYER = ((1.0, 0.1), (2.0, None), (0.5, None))
"""Aspect ratio and scale (None: the layer's) of the reduced lowest layer."""

NUMBERS = {"min_scale", "max_scale", "interpolated_ratio", "offset"}
SWITCHES = {"reduce_lowest", "fixed_size"}


@dataclass(frozen=True)
class AnchorRule:
    """How the anchors of a model are made.

    Attributes:
        strides: pixels of the input that a cell of each layer covers; equal neighbours share their cells.
        min_scale: size of the first layer's anchors, share of the input's side.
        max_scale: size of the last layer's anchors.
        aspect_ratios: width to height of the anchors of a cell.
        interpolated_ratio: aspect ratio of the additional anchor between two scales; 0: there is none.
        reduce_lowest: the first layer has three small anchors only.
        fixed_size: all anchors are as large as the input, and boxes are sizes and not ratios.
        offset: where in its cell a centre lies, 0..1.
    """

    strides: tuple[int, ...]
    min_scale: float = 0.2
    max_scale: float = 0.95
    aspect_ratios: tuple[float, ...] = (1.0,)
    interpolated_ratio: float = 1.0
    reduce_lowest: bool = False
    fixed_size: bool = False
    offset: float = 0.5

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> AnchorRule:
        """Read a rule from the options of a bundle or sidecar.

        Raises:
            ValueError: a key is unknown or missing, or a value is not of its type.
        """
        unknown = set(value) - {field.name for field in fields(cls)}
        strides = value.get("strides")
        if unknown or not isinstance(strides, (list, tuple)) or not strides:
            raise ValueError(f"option anchors needs strides and has unknown keys {sorted(unknown)}")
        if not all(type(stride) is int and 1 <= stride <= 4096 for stride in strides):
            raise ValueError(f"option anchors has the strides {strides}, expected whole numbers from 1")
        ratios = value.get("aspect_ratios", (1.0,))
        if not isinstance(ratios, (list, tuple)) or not all(_is_number(ratio) and ratio > 0 for ratio in ratios):
            raise ValueError(f"option anchors has the aspect ratios {ratios!r}, expected numbers above 0")
        for name in NUMBERS & set(value):
            if not (_is_number(value[name]) and 0 <= value[name] <= 1000):
                raise ValueError(f"option anchors has {name} {value[name]!r}, expected a number from 0")
        for name in SWITCHES & set(value):
            if not isinstance(value[name], bool):
                raise ValueError(f"option anchors has {name} {value[name]!r}, expected true or false")
        given = {**value, "strides": tuple(strides), "aspect_ratios": tuple(float(ratio) for ratio in ratios)}
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """Return the rule as plain JSON values."""
        value = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: list(v) if isinstance(v, tuple) else v for key, v in value.items()}

    def anchors(self, input_wh: tuple[int, int]) -> Float32s:
        """Return (N, 4) anchors: centre x, centre y, width, height in shares of the input."""
        return _anchors(self, input_wh)

    def scale(self, layer: int) -> float:
        """Return the size of a layer's anchors, 1 after the last one."""
        if layer >= len(self.strides):
            return 1.0
        if len(self.strides) == 1:
            return (self.min_scale + self.max_scale) / 2
        return self.min_scale + (self.max_scale - self.min_scale) * layer / (len(self.strides) - 1)

    def shapes(self, layer: int) -> list[tuple[float, float]]:
        """Return width and height of the anchors of one cell of a layer."""
        scale = self.scale(layer)
        if layer == 0 and self.reduce_lowest:
            pairs = [(ratio, size or scale) for ratio, size in LOWEST_LAYER]
        else:
            pairs = [(ratio, scale) for ratio in self.aspect_ratios]
            if self.interpolated_ratio > 0:
                pairs.append((self.interpolated_ratio, float(np.sqrt(scale * self.scale(layer + 1)))))
        if self.fixed_size:
            return [(1.0, 1.0)] * len(pairs)
        return [(size * float(np.sqrt(ratio)), size / float(np.sqrt(ratio))) for ratio, size in pairs]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


@cache
def _anchors(rule: AnchorRule, input_wh: tuple[int, int]) -> Float32s:
    made = []
    for stride, layers in groupby(range(len(rule.strides)), key=lambda layer: rule.strides[layer]):
        shapes = np.array([shape for layer in layers for shape in rule.shapes(layer)])
        width, height = -(-input_wh[0] // stride), -(-input_wh[1] // stride)
        y, x = np.mgrid[:height, :width]
        centres = (np.stack([x.ravel(), y.ravel()], axis=1) + rule.offset) / (width, height)
        of_cells = np.repeat(centres, len(shapes), axis=0), np.tile(shapes, (len(centres), 1))
        made.append(np.concatenate(of_cells, axis=1))
    anchors = np.concatenate(made).astype(np.float32)
    anchors.flags.writeable = False
    return anchors
