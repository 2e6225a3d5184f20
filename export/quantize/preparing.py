"""Bring a float ONNX model into the form that quantization needs, without changing what it computes.

Weights that are stored in fewer bits become float32 again, constants are folded, BatchNorm goes into the convolution
before it, initializers are no longer listed as inputs, open dimensions are fixed, the operator set is raised to one
that knows scales for each channel (13 and later), and every tensor has a shape and every node a name.

    >>> prepared = prepare(read_model(Path("detector.onnx")))
    >>> prepared.model.opset_import[0].version
    17
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort
from onnx import shape_inference, version_converter

from edge.errors import MissingExtra, ModelError
from export.bundles.build import trial_picture
from export.bundles.reading import ModelReading

OPSET = 17
IR_VERSION = 8
GROWN = 1.3
"""A file that is this many times as large after folding stored its weights in fewer bits."""
RESTORED = (
    "The file stores its weights in fewer than 32 bits; float weights were restored from it, so the float figures are "
    "those of the rounded weights, and sizes are shares of the restored file."
)
TOLERANCE = 1e-3
"""Outputs may differ by this share of their largest value: folding rounds, it does not change."""


@dataclass(frozen=True)
class Prepared:
    """A float model that is ready to be quantized.

    Attributes:
        reading: the model as it was given.
        model: opset 17 or later, batch of one, all shapes known where they can be.
        float_bytes: length of the float model: of the file, or of the restored one where the file stores fewer bits.
        note: a sentence where float weights had to be restored, else empty.
    """

    reading: ModelReading
    model: onnx.ModelProto
    float_bytes: int
    note: str = ""


def prepare(reading: ModelReading) -> Prepared:
    """Prepare a model.

    Args:
        reading: an ONNX model that takes a picture.

    Raises:
        ModelError: its operator set cannot be raised, or folding would change what it computes.
        MissingExtra: onnxslim is not installed.
    """
    model = onnx.load(reading.path)
    _drop_listed_initializers(model.graph)
    _fix_input(model.graph, reading)
    folded = _slimmed(_raised(model, reading))
    if not _alike(model, folded, reading):
        raise ModelError(f"{reading.path}: computes something else after its constants are folded: export it again")
    _name_nodes(folded.graph)
    restored = folded.ByteSize() > GROWN * reading.facts.bytes
    return Prepared(
        reading, folded, folded.ByteSize() if restored else reading.facts.bytes, RESTORED if restored else ""
    )


def with_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with the shape of every tensor that can be inferred."""
    return shape_inference.infer_shapes(model, data_prop=True)


def _drop_listed_initializers(graph: onnx.GraphProto) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)


def _fix_input(graph: onnx.GraphProto, reading: ModelReading) -> None:
    """Give the picture the shape that its preprocessing makes, and let shapes behind it be inferred anew."""
    assert reading.preprocessing is not None, "only models that take a picture come here"
    width, height = reading.preprocessing.size_wh
    sides = (1, 3, height, width) if reading.preprocessing.layout == "NCHW" else (1, height, width, 3)
    [value] = graph.input
    open_sides = any(not dim.HasField("dim_value") for dim in value.type.tensor_type.shape.dim)
    for dim, side in zip(value.type.tensor_type.shape.dim, sides, strict=True):
        dim.dim_value = side
    if open_sides:
        del graph.value_info[:]
        for output in graph.output:
            for dim in output.type.tensor_type.shape.dim:
                if not dim.HasField("dim_value"):
                    dim.Clear()


def _raised(model: onnx.ModelProto, reading: ModelReading) -> onnx.ModelProto:
    if (reading.facts.opset or 0) < OPSET:
        try:
            model = version_converter.convert_version(model, OPSET)
        except Exception as e:  # the converter's errors share no base class
            reason = (str(e).strip() or type(e).__name__).splitlines()[0][:160]
            raise ModelError(
                f"{reading.path}: its operator set {reading.facts.opset} cannot be raised to {OPSET}, which scales for "
                f"each channel need ({reason}): export the model with opset {OPSET}"
            ) from e
    model.ir_version = max(model.ir_version, IR_VERSION)
    return model


def _slimmed(model: onnx.ModelProto) -> onnx.ModelProto:
    try:
        import onnxslim
    except ImportError as e:
        raise MissingExtra("onnxslim, which folds constants,", "quantize") from e
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        slim: onnx.ModelProto = onnxslim.slim(model)
    return with_shapes(slim)


def _alike(model: onnx.ModelProto, folded: onnx.ModelProto, reading: ModelReading) -> bool:
    assert reading.preprocessing is not None
    picture, _ = reading.preprocessing.apply(trial_picture())
    before, after = (run_once(m, picture) for m in (model, folded))
    return all(
        a.shape == b.shape
        and float(np.abs(a - b).max(initial=0)) <= TOLERANCE * max(1.0, float(np.abs(a).max(initial=0)))
        for a, b in zip(before, after, strict=True)
    )


def run_once(model: onnx.ModelProto, picture: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[np.ndarray]:
    """Return the outputs of one run, float64."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    [spec] = session.get_inputs()
    return [np.asarray(value, np.float64) for value in session.run(None, {spec.name: picture})]


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give every node a name of its own; layers are spoken of by them."""
    seen: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in seen:
            node.name = f"{node.op_type}_{number}"
        seen.add(node.name)
