"""What an embedder is judged on: the crops that it will get.

With a bundle these are what its detector cuts out; without one each picture is taken whole. Only the boxes are kept:
pictures are read anew for each model that looks at them, one at a time.

    >>> crops = crops_of_job(job, job.evaluation.pictures, best_only=False)
    >>> vectors = np.concatenate([embedder.embed([crop]) for crop in crops])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.bundle import load_bundle
from edge.command_line import progress
from edge.crops import cut_crops
from edge.detections import Float32s
from edge.errors import InputError
from edge.preprocessing import ImageArray
from export.evaluation.photos import central_box, open_photo
from export.quantize.job import Job


@dataclass(frozen=True)
class Crops:
    """Crops of a set of pictures; iterating reads the pictures and cuts.

    Attributes:
        files: the pictures; those without a crop count.
        boxes: for each of them, float32 (k, 4) in its pixels.
        margin: each side of a box is moved outwards by this share.
    """

    files: tuple[Path, ...]
    boxes: tuple[Float32s, ...]
    margin: float = 0.0

    def __len__(self) -> int:
        return sum(len(boxes) for boxes in self.boxes)

    def __iter__(self) -> Iterator[ImageArray]:
        """Yield each crop, (h, w, 3) uint8 RGB, in the order of pictures and boxes."""
        for path, boxes in zip(self.files, self.boxes, strict=True):
            if len(boxes):
                yield from cut_crops(open_photo(path).image, boxes, self.margin)

    @property
    def picture(self) -> npt.NDArray[np.int32]:
        """Return int32 (n,): the row of the picture that each crop is cut from."""
        return np.repeat(np.arange(len(self.files), dtype=np.int32), [len(boxes) for boxes in self.boxes])


def crops_of_job(job: Job, files: Sequence[Path], best_only: bool) -> Crops:
    """Find the crops of a job's pictures.

    Args:
        job: its chain gives the detector.
        files: the pictures.
        best_only: one crop a picture, its most confident detection; a picture without one is taken whole.

    Raises:
        InputError: no picture gives a crop.
    """
    if job.chain is None:
        return Crops(tuple(files), tuple(central_box(open_photo(path).image, 1.0) for path in files))
    bundle = load_bundle(job.chain.bundle)
    detector = bundle.open_detector()
    boxes = []
    for path in progress(files, "crops", len(files), "picture"):
        image = open_photo(path).image
        found = detector.detect(image).xyxy
        boxes.append(np.concatenate([found, central_box(image, 1.0)])[:1] if best_only else found)
    crops = Crops(tuple(files), tuple(boxes), bundle.embedder.crop_margin)
    if not len(crops):
        raise InputError(f"the bundle's detector finds nothing in these {len(files)} pictures: give others")
    return crops
