"""Model sessions: one small interface, one file for each runtime.

A `Session` takes and gives float32 arrays by name, whatever the model's own types are; quantized inputs and outputs
are converted with the scale and zero point that the model states.

    >>> session = open_session(Path("detector.onnx"), Hardware(threads=2))
    >>> outputs = session.run({session.inputs[0].name: tensor})
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from edge.errors import ModelError
from edge.inference.hardware import Hardware

Tensors = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a model.

    Attributes:
        name: as the model file names it.
        shape: lengths of the dimensions, None where the model leaves one open.
        dtype: numpy name of the model's own type, "float32", "uint8", ...
        scale: quantization step, 0 where the tensor is not quantized.
        zero_point: quantized value that stands for 0.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


class Session(Protocol):
    """A loaded model that can run."""

    @property
    def runtime(self) -> str:
        """Name and version of the runtime, such as "onnxruntime 1.32.0"."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each thing that was asked for and cannot be had here; the session runs without it."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """Inputs in the order of the model file."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """Outputs in the order of the model file."""

    def run(self, feeds: Tensors) -> dict[str, npt.NDArray[np.float32]]:
        """Run the model once.

        Args:
            feeds: one float32 array for each input, by name.

        Returns:
            One float32 array for each output, by name.

        Raises:
            ModelError: the runtime refused the feeds or failed while running.
        """


def open_session(path: Path, hardware: Hardware | None = None) -> Session:
    """Load a model with the runtime that its suffix asks for and that is installed.

    Args:
        path: an `.onnx` or `.tflite` file.
        hardware: what it may use; None leaves everything to the runtime.

    Raises:
        ModelError: the file is missing, is not a model, or has a suffix that no runtime here reads.
        MissingExtra: the runtime for this suffix is not installed.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    if path.suffix == ".onnx":
        from edge.inference.onnx_session import OnnxSession

        return OnnxSession(path, hardware)
    if path.suffix == ".tflite":
        from edge.inference.tflite_session import TfliteSession

        return TfliteSession(path, hardware)
    raise ModelError(f"{path}: a model must be an .onnx or .tflite file, this one ends in {path.suffix!r}")
