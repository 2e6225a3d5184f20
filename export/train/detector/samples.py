"""`Sample`: one labelled picture, and the readers of labelled folders.

Invariants: boxes are float32 (n, 4) xyxy in pixels of the picture, inside it and with area; n = 0 is a picture of
nothing. A label file is COCO json (cocodataset.org, "Data format"); all of its classes are one class, "product".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from edge.detections import Float32s, require_shape
from edge.errors import InputError, MediaError
from edge.geometry import area, clip_xyxy

ImageArray = npt.NDArray[np.uint8]


def _no_boxes() -> Float32s:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True)
class Sample:
    """One picture to learn from.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        xyxy: (n, 4) products.
        ignored_xyxy: (m, 4) regions in which a detection is neither right nor wrong.
        background_weight: how much a false alarm weighs elsewhere in the picture, 0..1; below 1 where products
            stand about unlabelled.
        name: of the labelled picture's file, "" elsewhere.
    """

    image: ImageArray
    xyxy: Float32s = field(default_factory=_no_boxes)
    ignored_xyxy: Float32s = field(default_factory=_no_boxes)
    background_weight: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        require_shape("image", self.image, (None, None, 3))
        require_shape("xyxy", self.xyxy, (None, 4))
        require_shape("ignored_xyxy", self.ignored_xyxy, (None, 4))


class Source(Protocol):
    """Where samples come from."""

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return one sample; the same state of `rng` gives the same one."""
        ...


@dataclass(frozen=True)
class Album:
    """A source that draws one of its samples."""

    samples: Sequence[Sample]

    def draw(self, rng: np.random.Generator) -> Sample:
        """Return a sample, each with the same chance."""
        return self.samples[int(rng.integers(len(self.samples)))]


@dataclass(frozen=True)
class Labelled:
    """A picture by path with its boxes, as a label file names it; nothing is read yet."""

    path: Path
    xyxy: Float32s


def read_image(path: Path) -> ImageArray:
    """Read a picture as (H, W, 3) uint8 RGB, upright.

    Raises:
        MediaError: there is no such file, or it is not a whole picture.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            return np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as e:
        raise MediaError(f"{path}: cannot be read as a picture ({e}): repair or remove it") from e


def read_coco(labels: Path, images: Path) -> list[Labelled]:
    """Read a COCO label file; all classes become one.

    Args:
        labels: the json file.
        images: folder that its `file_name`s are relative to.

    Returns:
        One entry an image, in the order of the file, with the boxes clipped to the picture.

    Raises:
        InputError: the file is not such a file, has no box, or a box lies outside its picture.
    """
    try:
        document = json.loads(labels.read_bytes())
        pictures = {int(row["id"]): row for row in document["images"]}
        rows = [(int(row["image_id"]), _xyxy(row["bbox"])) for row in document["annotations"]]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise InputError(f"{labels}: cannot be read as COCO labels ({type(e).__name__}: {e})") from e
    if not rows:
        raise InputError(f"{labels}: holds no box, so there is nothing to learn: label some objects")
    boxes: dict[int, list[Float32s]] = {image_id: [] for image_id in pictures}
    for image_id, xyxy in rows:
        if image_id not in pictures:
            raise InputError(f"{labels}: a box names image {image_id}, which the file does not list")
        boxes[image_id].append(_inside(xyxy, pictures[image_id], labels))
    return [
        Labelled(images / str(row["file_name"]), np.array(boxes[image_id], np.float32).reshape(-1, 4))
        for image_id, row in pictures.items()
    ]


def split(labelled: Sequence[Labelled], share: float, seed: int) -> tuple[list[Labelled], list[Labelled]]:
    """Part a list by a seeded draw into what trains and `share` (0..1) of it that is kept aside."""
    order = np.random.default_rng(seed).permutation(len(labelled))
    kept = set(order[: round(share * len(labelled))].tolist())
    train = [row for index, row in enumerate(labelled) if index not in kept]
    return train, [row for index, row in enumerate(labelled) if index in kept]


def _xyxy(xywh: Sequence[Any]) -> Float32s:
    x, y, width, height = (float(value) for value in xywh)
    return np.array([x, y, x + width, y + height], np.float32)


def _inside(xyxy: Float32s, picture: dict[str, Any], labels: Path) -> Float32s:
    size = int(picture["width"]), int(picture["height"])
    clipped = clip_xyxy(xyxy[None], size)
    if area(clipped)[0] <= 0:
        found = [round(float(value), 1) for value in xyxy]
        raise InputError(
            f"{labels}: a box of {picture['file_name']} is {found}, which has no area inside its "
            f"{size[0]}x{size[1]} picture: correct or remove it"
        )
    return np.asarray(clipped[0], np.float32)
