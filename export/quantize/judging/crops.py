"""What an embedder is judged on: the crops that it will get.

With a bundle these are what its detector cuts out; without one each picture is taken whole.
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
from edge.errors import InputError
from edge.preprocessing import ImageArray
from export.evaluation.photos import open_photo
from export.quantize.job import Job


@dataclass(frozen=True)
class Crops:
    """Crops of a set of pictures.

    Attributes:
        images: n crops, (h, w, 3) uint8 RGB each.
        picture: int32 (n,) row of the picture that each is cut from.
        pictures: how many pictures there are; those without a crop count.
    """

    images: tuple[ImageArray, ...]
    picture: npt.NDArray[np.int32]
    pictures: int


def crops_of_job(job: Job, files: Sequence[Path], best_only: bool) -> Crops:
    """Cut the crops of a job's pictures.

    Args:
        job: its chain gives the detector.
        files: the pictures.
        best_only: one crop a picture, its most confident detection; a picture without one is taken whole.

    Raises:
        InputError: no picture gives a crop.
    """
    images, picture = [], []
    for row, crops in enumerate(_cut(job, files, best_only)):
        images += [np.ascontiguousarray(crop) for crop in crops]
        picture += [row] * len(crops)
    if not images:
        raise InputError(f"the bundle's detector finds nothing in these {len(files)} pictures: give others")
    return Crops(tuple(images), np.array(picture, np.int32), len(files))


def _cut(job: Job, files: Sequence[Path], best_only: bool) -> Iterator[list[ImageArray]]:
    bundle = load_bundle(job.chain.bundle) if job.chain else None
    detector = bundle.open_detector() if bundle else None
    for path in progress(files, "crops", len(files), "picture"):
        image = open_photo(path).image
        if bundle is None or detector is None:
            yield [image]
            continue
        crops = cut_crops(image, detector.detect(image).xyxy, bundle.embedder.crop_margin)
        yield (crops or [image])[:1] if best_only else crops
