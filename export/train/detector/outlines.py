"""The outlines of labelled objects, found once and kept in a file: to find one takes a tenth of a second.

The file is numpy's `.npz`: one packed mask a box, by set, name of the picture and row of the box; an empty one says
that no plausible outline was found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from edge.command_line import progress
from edge.errors import InputError
from edge.files import whole_file
from export.train.detector.cutting import outline, tight
from export.train.detector.samples import Sample
from export.train.detector.scenes import Cutout, Mask

Outlines = list[list[Mask | None]]
"""Masks (H, W) of every box of every sample; None where there is no plausible one."""


def outlines_of(sets: Mapping[str, Sequence[Sample]], memory: Path) -> dict[str, Outlines]:
    """Return the outlines of the boxes of labelled sets.

    Args:
        sets: samples by the name of their set; each has a `name`.
        memory: file of what was found before; written anew where boxes are missing from it.

    Raises:
        InputError: the file is not such a file.
    """
    known = _read(memory) if memory.exists() else {}
    boxes = [(name, s, row) for name, samples in sets.items() for s in samples for row in range(len(s.xyxy))]
    missing = [box for box in boxes if _key(*box) not in known]
    if missing:
        for box in progress(missing, "cutting out", unit="object"):
            mask = outline(box[1], box[2])
            known[_key(*box)] = np.zeros(0, np.uint8) if mask is None else np.packbits(mask > 0)
        with whole_file(memory) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, **known)  # type: ignore[arg-type]
    return {name: [_of_sample(known, name, sample) for sample in samples] for name, samples in sets.items()}


def cutouts(samples: Sequence[Sample], outlines: Outlines) -> list[Cutout]:
    """Cut out what has an outline."""
    pairs = zip(samples, outlines, strict=True)
    cuts = (tight(sample.image, mask) for sample, masks in pairs for mask in masks if mask is not None)
    return [cut for cut in cuts if cut is not None]


def _read(memory: Path) -> dict[str, npt.NDArray[np.uint8]]:
    try:
        with np.load(memory) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, BadZipFile) as e:
        raise InputError(f"{memory}: cannot be read as outlines ({e}): remove it, and they are found anew") from e


def _key(name: str, sample: Sample, row: int) -> str:
    return f"{name}/{sample.name}/{row}"


def _of_sample(known: Mapping[str, npt.NDArray[np.uint8]], name: str, sample: Sample) -> list[Mask | None]:
    rows = range(len(sample.xyxy))
    return list(_unpacked((known[_key(name, sample, row)] for row in rows), sample.image.shape[:2]))


def _unpacked(packed: Iterator[npt.NDArray[np.uint8]], shape: tuple[int, ...]) -> Iterator[Mask | None]:
    for bits in packed:
        if bits.size == 0:
            yield None
        else:
            yield np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape) * np.uint8(255)
