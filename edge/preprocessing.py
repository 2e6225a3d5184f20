"""From a picture to a model's input tensor, described as data and implemented once.

Calibration, evaluation, training, the device and the browser all follow the same `Preprocessing`, which travels
in `bundle.json`. One rule for values serves every model: ``(pixel - mean) / std`` with mean and std in pixel units
(0..255), so that /255 is mean 0, std 255, and raw pixels are mean 0, std 1. It is computed once for each of the 256
levels, in double precision, then rounded to float32: every port gets the same bits. Resizing is Pillow's bilinear
filter (triangle, widened when it shrinks), which aligns the outer edges of the pictures, not the centres of their
corner pixels: a point x of the source lies at x * scale + offset of the input. A model that was made with plain
bilinear resizing, without antialiasing, may say so (`antialias` false).

    >>> rule = Preprocessing(size_wh=(416, 416), resize="letterbox", anchor="top_left", colour="BGR")
    >>> tensor, placement = rule.apply(image)              # (1, 3, 416, 416) float32
    >>> placement.to_source(boxes_in_tensor_pixels)        # back to pixels of the picture
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s
from edge.errors import ArtefactRefused
from edge.inference import TensorSpec
from edge.inference.quantization import quantize
from edge.pixel_values import PixelValues
from edge.resizing import ImageArray, resize

__all__ = ["CHOICES", "ImageArray", "Placement", "Preprocessing"]

CHOICES: dict[str, tuple[str, ...]] = {
    "resize": ("letterbox", "stretch"),
    "anchor": ("center", "top_left"),
    "colour": ("RGB", "BGR"),
    "layout": ("NCHW", "NHWC"),
}


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in the model's input: ``input = source * scale_xy + offset_xy``, in pixels."""

    scale_xy: tuple[float, float]
    offset_xy: tuple[float, float]

    def to_input(self, xyxy: Float32s) -> Float32s:
        """Map (n, 4) boxes from pixels of the source to pixels of the input."""
        return np.asarray(xyxy * np.tile(self.scale_xy, 2) + np.tile(self.offset_xy, 2), np.float32)

    def to_source(self, xyxy: Float32s) -> Float32s:
        """Map (n, 4) boxes from pixels of the input to pixels of the source."""
        return np.asarray((xyxy - np.tile(self.offset_xy, 2)) / np.tile(self.scale_xy, 2), np.float32)


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes a tensor.

    Attributes:
        size_wh: width and height of the input in pixels.
        resize: "letterbox" keeps the aspect and pads; "stretch" does not.
        anchor: where a letterboxed picture lies, "center" or "top_left".
        pad_value: value of the padding in pixel units, 0..255.
        colour: order of the channels, "RGB" or "BGR".
        layout: "NCHW" or "NHWC".
        mean: subtracted from each channel, in the order of `colour`, pixel units.
        std: divides each channel, in the order of `colour`, pixel units.
        antialias: whether all pixels count when a picture shrinks, or two in each direction; see `edge.resizing`.
    """

    size_wh: tuple[int, int]
    resize: Literal["letterbox", "stretch"] = "letterbox"
    anchor: Literal["center", "top_left"] = "center"
    pad_value: int = 114
    colour: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    antialias: bool = True

    @classmethod
    def from_json(cls, value: dict[str, Any], where: str) -> Preprocessing:
        """Read the description from a bundle or sidecar; `where` names the file for the error message.

        Raises:
            ArtefactRefused: a key is unknown or missing, or a value is out of range.
        """
        known = {field.name for field in fields(cls)}
        if unknown := set(value) - known:
            raise ArtefactRefused(f"{where}: preprocessing has unknown keys {sorted(unknown)}")
        for key, choices in CHOICES.items():
            if key in value and value[key] not in choices:
                raise ArtefactRefused(f"{where}: preprocessing {key} is {value[key]!r}, expected {choices}")
        try:
            size_wh = _numbers(value["size_wh"], 2)
            triples: dict[str, Any] = {key: _numbers(value[key], 3) for key in ("mean", "std") if key in value}
            values: dict[str, Any] = {**value, **triples, "size_wh": (int(size_wh[0]), int(size_wh[1]))}
            rule = cls(**values)
        except (KeyError, TypeError, ValueError) as e:
            raise ArtefactRefused(f"{where}: preprocessing is incomplete or malformed ({e})") from e
        if not all(1 <= side <= 8192 for side in rule.size_wh):
            raise ArtefactRefused(f"{where}: preprocessing size_wh is {rule.size_wh}, expected sides of 1 to 8192")
        if min(rule.std) <= 0:
            raise ArtefactRefused(f"{where}: preprocessing std is {rule.std}, expected numbers above 0")
        if not (isinstance(rule.pad_value, int) and 0 <= rule.pad_value <= 255):
            raise ArtefactRefused(f"{where}: preprocessing pad_value is {rule.pad_value!r}, expected 0 to 255")
        if not isinstance(rule.antialias, bool):
            raise ArtefactRefused(f"{where}: preprocessing antialias is {rule.antialias!r}, expected true or false")
        return rule

    def to_json(self) -> dict[str, Any]:
        """Return the description as plain JSON values; `antialias` only where it is false, since ids hash this."""
        value = {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}
        if self.antialias:
            del value["antialias"]
        return value

    def place(self, resolution_wh: tuple[int, int]) -> tuple[tuple[int, int], Placement]:
        """Return the resized width and height of a picture, and where it lies in the input."""
        (width, height), (into_width, into_height) = resolution_wh, self.size_wh
        if self.resize == "stretch":
            return self.size_wh, Placement((into_width / width, into_height / height), (0.0, 0.0))
        scale = min(into_width / width, into_height / height)
        resized = (
            min(into_width, max(1, round(width * scale))),
            min(into_height, max(1, round(height * scale))),
        )
        spare = into_width - resized[0], into_height - resized[1]
        offset = (0.0, 0.0) if self.anchor == "top_left" else (float(spare[0] // 2), float(spare[1] // 2))
        return resized, Placement((resized[0] / width, resized[1] / height), offset)

    def apply(self, image: ImageArray) -> tuple[Float32s, Placement]:
        """Turn one picture into a batch of one.

        Args:
            image: (H, W, 3) uint8 RGB, H and W at least 1.

        Returns:
            float32 (1, 3, h, w) or (1, h, w, 3) by `layout`, and the placement for mapping boxes back.
        """
        tensor, placement = self.feed(image, self.pixel_values())
        return np.asarray(tensor, np.float32), placement

    def feed(self, image: ImageArray, values: PixelValues) -> tuple[npt.NDArray[np.generic], Placement]:
        """Turn one picture into a batch of one in the model's own type; see `apply`.

        Args:
            image: (H, W, 3) uint8 RGB, H and W at least 1.
            values: what the levels become, made once by `pixel_values`.
        """
        resized_wh, placement = self.place((image.shape[1], image.shape[0]))
        canvas = self._paste(resize(image, resized_wh, self.antialias), placement)
        if self.colour == "BGR":
            canvas = canvas[:, :, ::-1]
        return values.of(canvas, planar=self.layout == "NCHW")[None], placement

    def pixel_values(self, into: TensorSpec | None = None) -> PixelValues:
        """Return what every pixel level becomes.

        Args:
            into: the model's input; an input of whole numbers gets its own (quantized) values. None: float32.
        """
        values: npt.NDArray[np.generic] = self.values()
        if into is not None and np.dtype(into.dtype).kind in "iu":
            values = quantize(values, into)
        return PixelValues(values, self.mean, self.std)

    def values(self) -> Float32s:
        """Return float32 (3, 256): the value of every pixel level in each channel, (level - mean) / std."""
        levels = np.arange(256)[None, :] - np.asarray(self.mean)[:, None]
        return np.asarray(levels / np.asarray(self.std)[:, None], np.float32)

    def _paste(self, resized: ImageArray, placement: Placement) -> ImageArray:
        width, height = self.size_wh
        if resized.shape[:2] == (height, width):
            return resized
        left, top = int(placement.offset_xy[0]), int(placement.offset_xy[1])
        canvas = np.full((height, width, 3), self.pad_value, np.uint8)
        canvas[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
        return canvas


def _numbers(value: Sequence[float], n: int) -> tuple[float, ...]:
    numbers = tuple(float(v) for v in value)
    if len(numbers) != n or not all(np.isfinite(numbers)):
        raise ValueError(f"expected {n} finite numbers, found {list(value)}")
    return numbers
