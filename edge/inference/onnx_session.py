"""The onnxruntime backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from edge.errors import ModelError
from edge.inference import Tensors, TensorSpec
from edge.inference.hardware import Hardware, choose, short_name
from edge.inference.plain_words import in_plain_words

DO_NOT_SPIN = "session.intra_op.allow_spinning"
"""Threads that spin while they wait take the cores from the other model and the video decoder."""
CPU = "CPUExecutionProvider"
_NUMPY_NAMES = {"float": "float32", "double": "float64", "float16": "float16"}


class OnnxSession:
    """An ONNX model loaded by onnxruntime, on the CPU where nothing else is asked for."""

    def __init__(self, path: Path, hardware: Hardware | None = None) -> None:
        hardware = hardware or Hardware()
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = hardware.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry(DO_NOT_SPIN, "0")
        usable, self.notes = choose(hardware.providers, ort.get_available_providers(), "onnxruntime")
        self._session = _load(path, options, usable)
        self.notes += _refused(usable, self.providers)
        self._path = path
        self.inputs = tuple(_spec(node) for node in self._session.get_inputs())
        self.outputs = tuple(_spec(node) for node in self._session.get_outputs())

    @property
    def runtime(self) -> str:
        """Name and version of the runtime."""
        return f"onnxruntime {ort.__version__}"

    @property
    def providers(self) -> tuple[str, ...]:
        """What runs the model, onnxruntime's own names, most wanted first."""
        return tuple(self._session.get_providers())

    def run(self, feeds: Tensors) -> dict[str, npt.NDArray[np.float32]]:
        """Run the model once; see `Session.run`."""
        typed = {spec.name: _cast(feeds[spec.name], spec.dtype) for spec in self.inputs if spec.name in feeds}
        try:
            values = self._session.run(None, typed)
        except Exception as e:
            raise ModelError(f"{self._path}: onnxruntime failed ({in_plain_words(e)})") from e
        return {s.name: np.asarray(v, np.float32) for s, v in zip(self.outputs, values, strict=True)}


def _load(path: Path, options: ort.SessionOptions, providers: tuple[str, ...]) -> ort.InferenceSession:
    """Load a model; a provider that raises while it starts is gone on without."""
    try:
        return ort.InferenceSession(path, options, providers=list(dict.fromkeys([*providers, CPU])))
    except Exception as e:  # onnxruntime's exceptions share no public base class
        if set(providers) - {CPU}:
            return _load(path, options, ())
        raise ModelError(f"{path}: onnxruntime cannot load this model ({in_plain_words(e)})") from e


def _refused(wanted: tuple[str, ...], taken: tuple[str, ...]) -> tuple[str, ...]:
    """Return a sentence for each provider that is installed but did not start (a driver or a device is missing)."""
    return tuple(
        f"onnxruntime could not start its provider {short_name(name)!r} on this machine: going on without it"
        for name in wanted
        if name not in taken
    )


def _spec(node: ort.NodeArg) -> TensorSpec:
    kind = node.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(d if isinstance(d, int) and d > 0 else None for d in node.shape)
    return TensorSpec(node.name, shape, _NUMPY_NAMES.get(kind, kind))


def _cast(value: npt.NDArray[np.generic], dtype: str) -> npt.NDArray[np.generic]:
    wanted = np.dtype(dtype)
    if value.dtype == wanted:
        return value
    if wanted.kind in "iu":
        limits = np.iinfo(wanted)
        value = np.clip(np.rint(value.astype(np.float32)), limits.min, limits.max)
    return value.astype(wanted)
