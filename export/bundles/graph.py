"""What a model file says about itself beyond inputs and outputs: opset, quantization, final operators, metadata.

>>> describe_graph(Path("detector.onnx")).quantization
'float'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import MissingExtra, ModelError

SIDECAR_KEY = "taglet.sidecar"
"""Metadata property of an ONNX file that holds the text of a sidecar, for models that describe themselves."""


@dataclass(frozen=True)
class GraphFacts:
    """What a model file says about itself.

    Attributes:
        format: "onnx" or "tflite".
        opset: ONNX operator set, None for other formats.
        quantization: "float", "static" (activations too), "dynamic", "weight_only" or "fp16"; see
            `export.bundles.onnx_quantization`.
        makers: output name -> operator that computes it.
        sidecar: text of a sidecar that the model carries in itself, "" if none.
        bytes: length of the file.
        stated: keys of a sidecar that the file's own metadata answers: labels, mean, std.
        int8_layers: how many convolutions and matrix products take int8 activations and weights.
        layers: how many there are.
    """

    format: str
    opset: int | None
    quantization: str
    bytes: int
    makers: Mapping[str, str] = field(default_factory=dict)
    sidecar: str = ""
    stated: Mapping[str, Any] = field(default_factory=dict)
    int8_layers: int = 0
    layers: int = 0


def describe_graph(path: Path) -> GraphFacts:
    """Read a model file without running it.

    Raises:
        ModelError: the file is not a model.
        MissingExtra: the package that reads it is not installed.
    """
    return _describe_tflite(path) if path.suffix == ".tflite" else _describe_onnx(path)


def _describe_tflite(path: Path) -> GraphFacts:
    from export.bundles.tflite_graph import describe_tflite

    facts = describe_tflite(path)
    stated = {"labels": facts.labels, "mean": facts.mean, "std": facts.std}
    return GraphFacts(
        format="tflite",
        opset=None,
        quantization=facts.quantization,
        int8_layers=facts.int8_layers,
        layers=facts.layers,
        bytes=path.stat().st_size,
        makers=facts.makers,
        stated={key: list(value) for key, value in stated.items() if value},
    )


def _describe_onnx(path: Path) -> GraphFacts:
    try:
        import onnx
    except ImportError as e:
        raise MissingExtra("onnx, which reads model files,", "export") from e
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as e:  # protobuf's decode errors have no public base class
        raise ModelError(f"{path}: not an ONNX model ({type(e).__name__})") from e
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ModelError(f"{path}: keeps its weights in other files: save it as one file (onnx.save does by default)")
    from export.bundles.onnx_quantization import quantization_of

    quantization = quantization_of(model.graph)
    return GraphFacts(
        format="onnx",
        opset=max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=None),
        quantization=quantization.scheme,
        int8_layers=quantization.int8_layers,
        layers=quantization.layers,
        bytes=path.stat().st_size,
        makers={name: node.op_type for node in model.graph.node for name in node.output},
        sidecar=next((p.value for p in model.metadata_props if p.key == SIDECAR_KEY), ""),
    )
