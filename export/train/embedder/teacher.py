"""A larger model as a teacher: what it sees at five depths, in few numbers.

Maps of a file that the user names (Romero et al. 2014, FitNets, arXiv 1412.6550): it lends no weights. Activations
after ReLU are skewed, so their square root is taken; then they are centred, reduced to their main directions and
half whitened (each direction divided by the square root of its deviation), so that one loud channel does not speak
for all. Five maps, since what is printed on a packaging shows early in a network and its kind late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from edge.errors import MissingExtra, ModelError
from export.render.opencv import cv2
from export.train.embedder.rendered import Pictures

Floats = npt.NDArray[np.float32]
CHANNELS = (48, 96, 96, 128, 192)
STRIDES = (8, 16, 16, 32, 32)
STEPS_TO_ONE = 16
BATCH = 16
MOST_CELLS = 60_000


@dataclass(frozen=True)
class Basis:
    """Main directions of one map: `mean` (channels,), `directions` (channels, kept), float32."""

    mean: Floats
    directions: Floats

    def reduce(self, maps: Floats) -> Floats:
        """Reduce (n, h, w, channels) to (n, h, w, kept), about 1 in size."""
        return (np.sqrt(np.maximum(maps, 0)) - self.mean) @ self.directions


class Teacher:
    """Five maps of an ONNX file that takes (n, 3, s, s), (pixel - 127.5) / 127.5 RGB."""

    def __init__(self, path: Path, names: Sequence[str], size: int = 224, threads: int = 1) -> None:
        if len(names) != len(CHANNELS):
            raise ModelError(f"{path}: {len(names)} maps were named, a lesson holds {len(CHANNELS)}")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        self.size, self._names = size, list(names)
        self._session = ort.InferenceSession(_with_outputs(path, names), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def fit(self, pictures: Pictures) -> list[Basis]:
        """Find the main directions of every map on some pictures (n, s, s, 3)."""
        levels = zip(*(self._look(batch) for batch in _batches(pictures)), strict=True)
        return [_main_directions(np.concatenate(level), kept) for level, kept in zip(levels, CHANNELS, strict=True)]

    def lesson(self, pictures: Pictures, bases: Sequence[Basis], student_size: int) -> list[npt.NDArray[np.int8]]:
        """Look at pictures (n, s, s, 3); return int8 (n, h, w, kept) a map, 16 steps to one, on the pupil's grid."""
        sides = [-(-student_size // stride) for stride in STRIDES]
        parts = []
        for batch in _batches(pictures):
            reduced = [basis.reduce(level) for level, basis in zip(self._look(batch), bases, strict=True)]
            parts.append([_in_steps(level, side) for level, side in zip(reduced, sides, strict=True)])
        return [np.concatenate(level) for level in zip(*parts, strict=True)]

    def _look(self, pictures: Pictures) -> list[Floats]:
        """Return the maps of one batch, (n, h, w, channels) each."""
        tensor = ((pictures.astype(np.float32) - 127.5) / 127.5).transpose(0, 3, 1, 2)
        return [level.transpose(0, 2, 3, 1) for level in self._session.run(self._names, {self._input: tensor})]


def _batches(pictures: Pictures) -> list[Pictures]:
    return [pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH)]


def _in_steps(maps: Floats, side: int) -> npt.NDArray[np.int8]:
    small = np.stack([_resized(level, side) for level in maps])
    return np.clip(np.round(small * STEPS_TO_ONE), -127, 127).astype(np.int8)


def _main_directions(maps: Floats, kept: int) -> Basis:
    cells = np.sqrt(np.maximum(maps.reshape(-1, maps.shape[-1]), 0))
    cells = cells[:: max(1, len(cells) // MOST_CELLS)]
    mean = cells.mean(axis=0)
    _, size, axes = np.linalg.svd(cells - mean, full_matrices=False)
    if len(axes) < kept:
        raise ModelError(f"the teacher's map has {len(axes)} directions, a lesson needs {kept}: give more pictures")
    directions = axes[:kept].T / np.sqrt(size[:kept] / np.sqrt(len(cells)))
    loudness = np.sqrt(np.mean(np.square((cells - mean) @ directions)))
    return Basis(mean.astype(np.float32), (directions / loudness).astype(np.float32))


def _resized(image: Floats, side: int) -> Floats:
    """Resize (h, w, c) by area; OpenCV resizes four channels at a time."""
    if image.shape[:2] == (side, side):
        return image
    parts = np.array_split(image, range(4, image.shape[2], 4), axis=2)
    resized = [cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA) for part in parts]
    return np.concatenate([part.reshape(side, side, -1) for part in resized], axis=2)


def _with_outputs(path: Path, names: Sequence[str]) -> bytes:
    try:
        import onnx
    except ImportError as e:
        raise MissingExtra("onnx, which reads the teacher's file,", "train") from e
    try:
        model = onnx.load(path)
    except Exception as e:  # onnx and protobuf share no public base class
        raise ModelError(f"{path}: cannot be read as an ONNX model") from e
    known = {output for node in model.graph.node for output in node.output}
    if missing := [name for name in names if name not in known]:
        raise ModelError(f"{path}: has no values named {', '.join(missing)}: look for its ReLU outputs in a viewer")
    del model.graph.output[:]
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return bytes(model.SerializeToString())
