"""The TFLite backend: LiteRT (`ai-edge-litert`), or `tflite-runtime`, which has the same interface.

Tensors go by the names of the model's signature where it has exactly one, else by their own names; never by position.
Float arrays become the model's own type with the scale and zero point that the model states, and back.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge.errors import MissingExtra, ModelError
from edge.inference import Tensors, TensorSpec
from edge.inference.hardware import Hardware, choose
from edge.inference.plain_words import in_plain_words
from edge.inference.quantization import dequantize, quantize

Runtime = Literal["litert", "tflite"]
MODULES: dict[Runtime, str] = {"litert": "ai_edge_litert", "tflite": "tflite_runtime"}
PROVIDERS = {"xnnpack": "AUTO", "cpu": "BUILTIN_WITHOUT_DEFAULT_DELEGATES"}
"""What `Hardware.providers` may name, and the runtime's own name for that set of kernels."""
IDENTIFIER = b"TFL3"
WEIGHING = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
"""Operators whose second input is a weight."""
MOST_THREADS = 4
"""What is chosen where the caller leaves it open: small models do not gain from more."""


class TfliteSession:
    """A TFLite model loaded by one of its interpreters on the CPU."""

    def __init__(self, path: Path, hardware: Hardware | None = None, runtime: Runtime | None = None) -> None:
        hardware = hardware or Hardware()
        module, interpreter = _find_runtime(runtime)
        self._path = path
        self.runtime = f"{module.__name__.replace('_', '-')} {getattr(module, '__version__', '')}".strip()
        kernels, self.notes = choose(hardware.providers, list(PROVIDERS), self.runtime)
        require_identifier(path)
        try:
            with quiet_native_log():
                self._interpreter = interpreter.Interpreter(
                    str(path),
                    num_threads=hardware.threads or min(MOST_THREADS, os.cpu_count() or 1),
                    experimental_op_resolver_type=_resolver(interpreter, kernels),
                )
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as e:
            raise ModelError(f"{path}: {self.runtime} cannot load this model ({in_plain_words(e)})") from e
        names = _signature_names(self._interpreter)
        self._inputs = _by_name(self._interpreter.get_input_details(), names["inputs"])
        self._outputs = _by_name(self._interpreter.get_output_details(), names["outputs"])
        self._shapes = {details["index"]: tuple(details["shape"]) for details in self._inputs.values()}
        self.inputs = tuple(_spec(name, details) for name, details in self._inputs.items())
        self.outputs = tuple(_spec(name, details) for name, details in self._outputs.items())

    @property
    def dynamic_range(self) -> bool:
        """Whether weights are int8 and activations float: every runtime then rounds activations in steps of its own."""
        tensors = {details["index"]: details for details in self._interpreter.get_tensor_details()}
        return any(
            _dtype(tensors, operator["inputs"], 0) == np.float32 and _dtype(tensors, operator["inputs"], 1) == np.int8
            for operator in self._interpreter._get_ops_details()
            if operator["op_name"] in WEIGHING
        )

    def run(self, feeds: Tensors) -> dict[str, npt.NDArray[np.float32]]:
        """Run the model once; see `Session.run`."""
        try:
            for spec in self.inputs:
                index = self._inputs[spec.name]["index"]
                self._fit(index, feeds[spec.name].shape)
                self._interpreter.set_tensor(index, quantize(feeds[spec.name], spec))
            self._interpreter.invoke()
            return {
                spec.name: dequantize(self._interpreter.get_tensor(self._outputs[spec.name]["index"]), spec)
                for spec in self.outputs
            }
        except (ValueError, RuntimeError, KeyError) as e:
            raise ModelError(f"{self._path}: {self.runtime} failed ({in_plain_words(e)})") from e

    def _fit(self, index: int, shape: tuple[int, ...]) -> None:
        if self._shapes[index] != shape:
            with quiet_native_log():
                self._interpreter.resize_tensor_input(index, shape, strict=True)
                self._interpreter.allocate_tensors()
            self._shapes[index] = shape


def _dtype(tensors: dict[int, dict[str, Any]], indices: Sequence[int], place: int) -> Any:
    """Return the type of an operator's input, None where it has none or the runtime does not list it."""
    return tensors.get(int(indices[place]), {}).get("dtype") if len(indices) > place else None


def require_identifier(path: Path) -> None:
    """Raise `ModelError` unless the file starts like a TFLite flatbuffer."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as e:
        raise ModelError(f"{path}: cannot be read ({e.strerror or e})") from e
    if start[4:8] != IDENTIFIER:
        raise ModelError(f"{path}: not a TFLite model (the identifier {IDENTIFIER.decode()} is missing)")


def _find_runtime(wanted: Runtime | None) -> tuple[Any, Any]:
    """Return a runtime's package and its module `interpreter`."""
    for name in [wanted] if wanted else list(MODULES):
        with suppress(ImportError):
            module = importlib.import_module(MODULES[name])
            return module, importlib.import_module(f"{MODULES[name]}.interpreter")
    raise MissingExtra("a runtime for .tflite models", wanted or "litert")


def _resolver(interpreter: Any, kernels: tuple[str, ...]) -> Any:
    return interpreter.OpResolverType[PROVIDERS[kernels[0]] if kernels else "AUTO"]


def _signature_names(interpreter: Any) -> dict[str, dict[int, str]]:
    """Return tensor index -> name in the model's one signature, for inputs and outputs; empty without one."""
    signatures = interpreter.get_signature_list()
    if len(signatures) != 1:
        return {"inputs": {}, "outputs": {}}
    runner = interpreter.get_signature_runner(next(iter(signatures)))
    return {
        "inputs": {details["index"]: name for name, details in runner.get_input_details().items()},
        "outputs": {details["index"]: name for name, details in runner.get_output_details().items()},
    }


def _by_name(details: list[dict[str, Any]], names: dict[int, str]) -> dict[str, dict[str, Any]]:
    named: dict[str, dict[str, Any]] = {}
    for tensor in details:
        name = names.get(tensor["index"], tensor["name"])
        named[name if name not in named else f"{name}#{tensor['index']}"] = tensor
    return named


def _spec(name: str, details: dict[str, Any]) -> TensorSpec:
    signature = details.get("shape_signature", details["shape"])
    shape = tuple(int(side) if side > 0 else None for side in signature)
    scale, zero_point = details["quantization"]
    return TensorSpec(name, shape, np.dtype(details["dtype"]).name, float(scale), int(zero_point))


@contextmanager
def quiet_native_log() -> Iterator[None]:
    """Keep the runtime's own start-up lines off stderr, which belongs to the user's sentences."""
    try:
        kept = os.dup(2)
    except OSError:  # stderr is closed: nothing to keep quiet
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
