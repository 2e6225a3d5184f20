"""ONNX to float LiteRT, held against the original before anything is built on it."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge.errors import ModelError
from edge.inference import open_session
from edge.preprocessing import Preprocessing
from export.bundles.reading import ModelReading
from export.quantize.litert.converter.environment import converter_python
from export.quantize.litert.flatbuffer import read_flatbuffer, write_flatbuffer
from export.quantize.litert.floating import order_that_agrees, transpose_output, write_float32

SCRIPT = Path(__file__).with_name("in_environment.py")
TOLERANCE = 1e-3
"""Largest difference between an output of the conversion and the original, as a share of the output's largest value."""


def convert_onnx(
    reading: ModelReading, target: Path, feeds: Iterable[npt.NDArray[np.float32]], python: Path | None = None
) -> Preprocessing:
    """Write the float32 LiteRT file of an ONNX model with one picture input.

    Its input is (1, h, w, 3), its outputs have the names and shapes of the original's.

    Args:
        reading: the ONNX model.
        target: the file to write.
        feeds: a few inputs of the original that the two are compared on, float32.
        python: the converter's Python; None makes or finds its environment.

    Returns:
        The original's preprocessing with the layout of the conversion.

    Raises:
        ModelError: the model cannot be converted, or the conversion does not compute the same.
        NetworkError, OutputError, UsageError: see `converter_python`.
    """
    rule = reading.preprocessing
    assert rule is not None, "a picture goes in"
    python = python or converter_python()
    with tempfile.TemporaryDirectory(prefix="taglet-convert-") as scratch:
        copy = Path(scratch) / "model.onnx"
        write_static_copy(reading, copy)
        write_float32(_run(python, copy, reading.path), target)
    converted = replace(rule, layout="NHWC")
    try:
        _match_outputs(reading, target, converted, list(feeds))
    except ModelError:
        target.unlink(missing_ok=True)
        raise
    return converted


def write_static_copy(reading: ModelReading, copy: Path) -> None:
    """Write a copy of an ONNX model whose batch is 1 and whose picture has the size of its preprocessing.

    Raises:
        ModelError: a side stays open, or there is no ONNX model.
    """
    import onnx

    model = onnx.load(reading.path)
    known = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in known]
    rule = reading.preprocessing
    assert rule is not None, "a picture goes in"
    width, height = rule.size_wh
    shape = (1, 3, height, width) if rule.layout == "NCHW" else (1, height, width, 3)
    for side, length in zip(given[0].type.tensor_type.shape.dim, shape, strict=True):
        side.dim_value = length
    kept = list(model.graph.input)
    del model.graph.input[:]
    model.graph.input.extend(value for value in kept if value.name not in known)
    del model.graph.value_info[:]
    for output in model.graph.output:
        if not all(side.HasField("dim_value") for side in output.type.tensor_type.shape.dim):
            output.type.tensor_type.ClearField("shape")  # inferred anew, from the sides that are known now
    try:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception as e:  # onnx raises its own classes without a common base
        raise ModelError(f"{reading.path}: its shapes cannot be inferred ({str(e).splitlines()[0][:200]})") from e
    onnx.save(model, copy)


def _run(python: Path, copy: Path, original: Path) -> Path:
    folder = copy.parent / "made"
    folder.mkdir()
    command = [str(python), str(SCRIPT), str(copy), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=copy.parent, check=False)
    last = done.stdout.strip().splitlines()[-1:] or [""]
    try:
        said = json.loads(last[0])
    except ValueError:
        said = {"error": _how_it_ended(done)}
    if "file" not in said:
        raise ModelError(f"{original}: onnx2tf cannot convert this model ({said['error']})")
    return Path(said["file"])


def _how_it_ended(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f"it was ended by signal {-done.returncode}, for lack of memory perhaps"
    lines = done.stderr.strip().splitlines()
    return lines[-1][:200] if lines else f"it ended with code {done.returncode} and no word"


def _match_outputs(
    reading: ModelReading, target: Path, rule: Preprocessing, feeds: list[npt.NDArray[np.float32]]
) -> None:
    """Give the conversion's outputs the original's shapes, then hold all values against the original's.

    Raises:
        ModelError: an output is missing, or its values differ.
    """
    original = open_session(reading.path)
    wanted = [original.run({original.inputs[0].name: feed}) for feed in feeds]
    found = _outputs(target, feeds, reading)
    model, turned = read_flatbuffer(target), False
    for name, values in wanted[0].items():
        if name not in found[0]:
            raise ModelError(f"{reading.path}: the conversion lacks the output {name}")
        if found[0][name].shape != values.shape:
            order = order_that_agrees(found[0][name], values)
            if order is None:
                shapes = f"{values.shape} became {found[0][name].shape}"
                raise ModelError(f"{reading.path}: output {name} of the conversion has another shape ({shapes})")
            transpose_output(model, name, order)
            turned = True
    if turned:
        write_flatbuffer(model, target)
        found = _outputs(target, feeds, reading)
    require_same(wanted, found, reading.path)


def _outputs(
    target: Path, feeds: list[npt.NDArray[np.float32]], reading: ModelReading
) -> list[Mapping[str, npt.NDArray[np.float32]]]:
    session = open_session(target)
    planar = reading.preprocessing is not None and reading.preprocessing.layout == "NCHW"
    turned = [np.ascontiguousarray(feed.transpose(0, 2, 3, 1)) if planar else feed for feed in feeds]
    return [session.run({session.inputs[0].name: feed}) for feed in turned]


def require_same(
    wanted: Sequence[Mapping[str, npt.NDArray[np.float32]]],
    found: Sequence[Mapping[str, npt.NDArray[np.float32]]],
    path: Path,
) -> None:
    """Raise `ModelError` unless two models gave the same values, within TOLERANCE of each output's largest."""
    for want, have in zip(wanted, found, strict=True):
        for name, values in want.items():
            largest = max(float(np.abs(values).max(initial=0)), 1e-6)
            apart = float(np.abs(values - have[name]).max(initial=0)) / largest
            if not apart <= TOLERANCE:
                raise ModelError(
                    f"{path}: the conversion computes other values (output {name}: {apart:.1%} of its largest apart)"
                )
