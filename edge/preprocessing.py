"""From a picture to a model's input tensor, described as data and implemented once.

Calibration, evaluation, training, the device and the browser all follow the same `Preprocessing`, which travels
in `bundle.json`. One rule for values serves every model: ``(pixel - mean) / std`` with mean and std in pixel units
(0..255), so that /255 is mean 0, std 255, and raw pixels are mean 0, std 1. Resizing is Pillow's bilinear filter
(triangle, widened when it shrinks).

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
from PIL import Image

from edge.detections import Float32s
from edge.errors import ArtefactRefused

ImageArray = npt.NDArray[np.uint8]
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
    """

    size_wh: tuple[int, int]
    resize: Literal["letterbox", "stretch"] = "letterbox"
    anchor: Literal["center", "top_left"] = "center"
    pad_value: int = 114
    colour: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

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
        if not all(1 <= side <= 8192 for side in rule.size_wh) or 0 in rule.std:
            raise ArtefactRefused(f"{where}: preprocessing has size {rule.size_wh} and std {rule.std}")
        return rule

    def to_json(self) -> dict[str, Any]:
        """Return the description as plain JSON values."""
        return {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self).items()}

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
        resized_wh, placement = self.place((image.shape[1], image.shape[0]))
        canvas = self._paste(_resize(image, resized_wh), placement)
        if self.colour == "BGR":
            canvas = canvas[:, :, ::-1]
        scale = np.asarray([1.0 / s for s in self.std], np.float32)
        tensor = canvas.astype(np.float32)
        tensor -= np.asarray(self.mean, np.float32)
        tensor *= scale
        if self.layout == "NCHW":
            tensor = np.ascontiguousarray(tensor.transpose(2, 0, 1))
        return tensor[None], placement

    def _paste(self, resized: ImageArray, placement: Placement) -> ImageArray:
        width, height = self.size_wh
        if resized.shape[:2] == (height, width):
            return resized
        left, top = int(placement.offset_xy[0]), int(placement.offset_xy[1])
        canvas = np.full((height, width, 3), self.pad_value, np.uint8)
        canvas[top : top + resized.shape[0], left : left + resized.shape[1]] = resized
        return canvas


def _resize(image: ImageArray, resized_wh: tuple[int, int]) -> ImageArray:
    if (image.shape[1], image.shape[0]) == resized_wh:
        return image
    return np.asarray(Image.fromarray(image).resize(resized_wh, Image.Resampling.BILINEAR))


def _numbers(value: Sequence[float], n: int) -> tuple[float, ...]:
    numbers = tuple(float(v) for v in value)
    if len(numbers) != n or not all(np.isfinite(numbers)):
        raise ValueError(f"expected {n} finite numbers, found {list(value)}")
    return numbers
