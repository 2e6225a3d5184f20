"""Pictures kept in files: rendered once for all trainings, by several processes, and read while they still write.

A folder of chunks: `pictures-00000.npy` (n, k, s, s, 3) uint8 RGB, k pictures of one thing, and `group-00000.npy` (n,)
int64, what belongs together: a family of look-alikes, or a product's row in an album.

Invariants: a chunk depends on the seed and its number only and is written whole or not at all; chunks that exist are
kept, so an interrupted writing goes on.

    >>> write_chunks(folder, RenderedChunks(size=176), count=24, seed=1, workers=2)
    >>> pool = Pool(folder, torch.device("cpu"), most=16_000)
    >>> pool.take(np.array([0, 5])).shape
    torch.Size([2, 3, 176, 176, 3])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from edge.errors import InputError
from edge.files import whole_file
from export.render.opencv import cv2
from export.train.ahead import drawn_ahead

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chunk:
    """Pictures (n, k, s, s, 3) uint8 and the group (n,) int64 of each row."""

    pictures: npt.NDArray[np.uint8]
    group: Ints


Draw = Callable[[np.random.Generator], Chunk]


def write_chunks(folder: Path, draw: Draw, count: int, seed: int = 0, workers: int = 1) -> None:
    """Write those of the first `count` chunks of a folder that are not there yet.

    Args:
        folder: made where it does not exist.
        draw: makes one chunk.
        count: how many chunks the folder shall hold.
        seed: of all that is drawn.
        workers: processes that write at the same time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [number for number in range(count) if not _path(folder, number).exists()]
    others = workers if workers > 1 else 0
    if others:
        cv2.setNumThreads(0)  # its threads do not survive in other processes
    with drawn_ahead(partial(_write, folder, draw, seed), missing, others) as written:
        for _ in written:
            pass


class Pool:
    """The chunks of a folder in one tensor on a device; once it is full, a new chunk takes the place of the oldest.

    Attributes:
        group: (rows,) int64 of the rows that are there; -1 where there is none yet.
        rows: how many are there.
    """

    def __init__(self, folder: Path, device: torch.device, most: int) -> None:
        self._folder, self._device, self._most = folder, device, most
        self._next_chunk = self._next_row = self.rows = 0
        self._pictures: Tensor | None = None
        self.group: Ints = np.full(most, -1, np.int64)
        while self.rows < most and self.read_along():
            pass
        if not self.rows:
            raise InputError(f"{folder}: holds no chunks of pictures: make them first")

    def read_along(self) -> bool:
        """Read the next chunk, if it is written by now; tell whether there was one."""
        path = _path(self._folder, self._next_chunk)
        if not path.exists():
            return False
        chunk = _read(self._folder, self._next_chunk)
        pictures = torch.from_numpy(chunk.pictures)[: self._most]
        if self._pictures is None:
            self._pictures = torch.empty((self._most, *pictures.shape[1:]), dtype=torch.uint8, device=self._device)
        rows = (self._next_row + np.arange(len(pictures))) % self._most
        self._pictures[torch.from_numpy(rows).to(self._device)] = pictures.to(self._device)
        self.group[rows] = chunk.group[: self._most]
        self._next_row = int(rows[-1] + 1) % self._most
        self.rows = min(self._most, self.rows + len(rows))
        self._next_chunk += 1
        return True

    def take(self, rows: Ints) -> Tensor:
        """Return (n, k, s, s, 3) uint8 on the device."""
        assert self._pictures is not None
        return self._pictures[torch.from_numpy(rows).to(self._device)]


def _path(folder: Path, number: int, what: str = "pictures") -> Path:
    return folder / f"{what}-{number:05d}.npy"


def _write(folder: Path, draw: Draw, seed: int, number: int) -> None:
    """Write the groups first: a chunk is there when its pictures are."""
    chunk = draw(np.random.default_rng([seed, number]))
    for what, array in (("group", chunk.group), ("pictures", chunk.pictures)):
        with whole_file(_path(folder, number, what)) as temporary, temporary.open("wb") as file:
            np.save(file, array)


def _read(folder: Path, number: int) -> Chunk:
    path = _path(folder, number)
    try:
        pictures, group = np.load(path), np.load(_path(folder, number, "group"))
    except (OSError, ValueError) as e:
        raise InputError(f"{path}: is not a chunk of pictures ({e}): remove it and make it again") from e
    if pictures.ndim != 5 or len(pictures) != len(group):
        raise InputError(f"{path}: does not fit its groups: remove it and make it again")
    return Chunk(pictures, group)
