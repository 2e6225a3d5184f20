"""How the kit would read a model: its kind, family, preprocessing and outputs, from the file and its sidecar.

What a person says (sidecar, then options of the command) goes before what the family assumes; what contradicts the
model is refused.

    >>> reading = read_model(Path("yolox_nano_416.onnx"))
    >>> reading.kind, reading.family
    ('detector', 'yolox')
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edge.bundle import require_picture_input
from edge.bundle_description import decoding_from_json
from edge.decoders import FAMILIES, Decoding, Recognised, recognise
from edge.decoders.family import image_input
from edge.errors import ArtefactRefused, ModelError
from edge.inference import Session, TensorSpec, open_session
from edge.preprocessing import Preprocessing
from export.bundles.graph import GraphFacts, describe_graph
from export.bundles.sidecar import (
    DECODING_KEYS,
    EMBEDDER_KEYS,
    PREPROCESSING_KEYS,
    Sidecar,
    find_sidecar,
    parse_sidecar,
    read_sidecar,
)

Kind = Literal["detector", "embedder", "classifier", "unknown"]
CLASSIFIER_OPERATORS = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax", "SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "ARG_MAX")
CLASSIFIER_NAMES = ("logits", "prob", "softmax", "class")
EMBEDDER_ASSUMED = "RGB, (values - 127.5) / 127.5, letterbox with 114: write a sidecar if it was trained otherwise"


@dataclass(frozen=True)
class VectorOutput:
    """The output of an embedder: its name, its length, and whether it is a feature map to be averaged."""

    name: str
    ndim: int
    pooling: Literal["none", "mean"]


@dataclass(frozen=True)
class ModelReading:
    """How the kit would read a model.

    Attributes:
        path: the file.
        kind: what it is taken for.
        inputs: as the file says.
        outputs: as the file says.
        facts: what else the file says.
        preprocessing: how a picture becomes the input, None where no picture goes in.
        decoding: detectors: how the outputs are read.
        vector: embedders and classifiers: the output that holds the vector.
        labels: names of the classes, empty where nobody gave them.
        assumed: what neither the file nor a sidecar says, in words; empty where all is said.
    """

    path: Path
    kind: Kind
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    facts: GraphFacts
    preprocessing: Preprocessing | None = None
    decoding: Decoding | None = None
    vector: VectorOutput | None = None
    labels: tuple[str, ...] = ()
    assumed: str = ""

    @property
    def family(self) -> str | None:
        """Family of a detector, None for everything else."""
        return self.decoding.family if self.decoding else None


def read_model(path: Path, sidecar: Path | None = None, overrides: dict[str, Any] | None = None) -> ModelReading:
    """Read a model and whatever describes it.

    Args:
        path: the model file.
        sidecar: its sidecar; None looks beside the model, then into the model's own metadata.
        overrides: values that go before the sidecar's, same keys.

    Raises:
        ModelError: the file is not a model, or the sidecar is malformed or contradicts it.
    """
    session = open_session(path)
    facts = describe_graph(path)
    written = _sidecar(path, sidecar, facts)
    said = written.overridden_by(overrides or {})
    said = Sidecar(said.where, {**_stated(session.inputs, facts), **said.values})
    try:
        reading = _read(path, session, facts, said)
    except ArtefactRefused as e:
        raise ModelError(str(e)) from e
    _require_a_detector(reading, written)
    if reading.preprocessing is not None:
        require_picture_input(session, reading.preprocessing, path)
    return reading


def with_known_size(inputs: Sequence[TensorSpec], model: Path, sidecar: Path | None = None) -> tuple[TensorSpec, ...]:
    """Return inputs with the open sides that the sidecar (None: the one beside the model) gives a size for."""
    found = sidecar or find_sidecar(model)
    try:
        return _with_size(inputs, read_sidecar(found)) if found else tuple(inputs)
    except ModelError:  # whoever reads the model says so
        return tuple(inputs)


def _sidecar(path: Path, explicit: Path | None, facts: GraphFacts) -> Sidecar:
    found = explicit or find_sidecar(path)
    if found is not None:
        return read_sidecar(found)
    if facts.sidecar:
        return parse_sidecar(facts.sidecar, f"{path} (its own metadata)", path.parent)
    return Sidecar(str(path))


def _require_a_detector(reading: ModelReading, written: Sidecar) -> None:
    """Refuse a sidecar that says how boxes are read where the model gives none."""
    needless = sorted(written.part(DECODING_KEYS))
    if needless and reading.kind in ("embedder", "classifier"):
        raise ModelError(
            f"{written.where}: {', '.join(needless)} describe a detector, and {reading.path} is read as one of "
            f"kind {reading.kind}: name its family if it is a detector, else leave them out"
        )


def _stated(inputs: Sequence[TensorSpec], facts: GraphFacts) -> dict[str, Any]:
    """Return what the file itself says; a quantized picture takes its pixels as they are, whatever their scale."""
    spec = inputs[0] if len(inputs) == 1 else None
    if spec is None or spec.dtype not in ("uint8", "int8"):
        return dict(facts.stated)
    zero = spec.zero_point + (128 if spec.dtype == "int8" else 0)
    return {**facts.stated, "mean": [float(zero)] * 3, "std": [1 / spec.scale if spec.scale else 1.0] * 3}


def _read(path: Path, session: Session, facts: GraphFacts, said: Sidecar) -> ModelReading:
    reading = ModelReading(path, "unknown", session.inputs, session.outputs, facts)
    inputs = _with_size(session.inputs, said)
    picture = image_input(inputs)
    if picture is None:
        return reading
    meant_as_embedder = bool(said.part(EMBEDDER_KEYS)) and "family" not in said.values
    recognised = None if meant_as_embedder else _detector(inputs, session.outputs, said)
    if recognised is not None:
        labels = tuple(said.values.get("labels", ()))
        assumed = "" if {"mean", "std", "colour", "resize"} <= set(said.values) else recognised.assumed
        rule = _preprocessing(recognised.preprocessing, said)
        return replace(
            reading,
            kind="detector",
            preprocessing=rule,
            decoding=recognised.decoding,
            labels=labels,
            assumed=assumed,
        )
    layout, size_wh = picture
    vector = _vector(session.outputs, said, layout)
    rule = _preprocessing(Preprocessing(size_wh, layout=layout, mean=(127.5,) * 3, std=(127.5,) * 3), said)
    if vector is None:
        return replace(reading, preprocessing=rule if said.part(PREPROCESSING_KEYS) else None)
    return replace(
        reading,
        kind="classifier" if _classifies(vector, facts) else "embedder",
        preprocessing=rule,
        vector=vector,
        labels=tuple(said.values.get("labels", ())),
        assumed="" if {"mean", "std"} <= set(said.values) else EMBEDDER_ASSUMED,
    )


def _with_size(inputs: Sequence[TensorSpec], said: Sidecar) -> tuple[TensorSpec, ...]:
    size = said.values.get("size_wh")
    if not (isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size)):
        return tuple(inputs)
    width, height = size
    filled = []
    for spec in inputs:
        planar = len(spec.shape) == 4 and spec.shape[1] == 3
        wanted = (None, 3, height, width) if planar else (None, height, width, 3)
        known = [want if have is None else have for have, want in zip(spec.shape, wanted, strict=False)]
        filled.append(replace(spec, shape=tuple(known)))
    return tuple(filled)


def _detector(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], said: Sidecar) -> Recognised | None:
    name = said.values.get("family")
    if name is None:
        found = recognise(inputs, outputs)
    elif name in FAMILIES:
        found = FAMILIES[name].recognise(inputs, outputs) or _described(inputs, outputs, said)
    else:
        raise ModelError(f"{said.where}: unknown family {name!r}, known are {', '.join(sorted(FAMILIES))}")
    if found is None:
        return None
    read = found.decoding
    values = {
        "family": read.family,
        "outputs": dict(read.outputs),
        "strides": list(read.strides),
        "options": dict(read.options),
        "score_threshold": read.score_threshold,
        "iou_threshold": read.iou_threshold,
        "max_detections": read.max_detections,
        **said.part(DECODING_KEYS),
    }
    decoding = decoding_from_json(values, said.where)
    names = [spec.name for spec in outputs]
    if missing := sorted(set(decoding.outputs.values()) - set(names)):
        raise ModelError(f"{said.where}: names the outputs {missing}, the model has {names}")
    return replace(found, decoding=decoding)


def _described(inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec], said: Sidecar) -> Recognised:
    family = FAMILIES[said.values["family"]]
    roles = dict(zip(family.roles, (spec.name for spec in outputs), strict=False)) if len(outputs) == 1 else {}
    picture = image_input(inputs)
    assert picture is not None, "the caller has looked for a picture input"
    layout, size_wh = picture
    assumed = "what the sidecar leaves out: RGB, values / 255, letterbox with 114"
    return Recognised(Decoding(family.name, roles), Preprocessing(size_wh, layout=layout, std=(255.0,) * 3), assumed)


def _preprocessing(default: Preprocessing, said: Sidecar) -> Preprocessing:
    return Preprocessing.from_json({**default.to_json(), **said.part(PREPROCESSING_KEYS)}, said.where)


def _vector(outputs: Sequence[TensorSpec], said: Sidecar, layout: str) -> VectorOutput | None:
    asked = said.part(EMBEDDER_KEYS)
    name = asked.get("output")
    if name is not None and name not in [spec.name for spec in outputs]:
        names = [spec.name for spec in outputs]
        raise ModelError(f"{said.where}: names the output {name!r}, the model has {names}")
    chosen = [spec for spec in outputs if name in (None, spec.name)]
    if len(chosen) != 1:
        return None
    return _as_vector(chosen[0], asked.get("pooling"), layout)


def _as_vector(spec: TensorSpec, pooling: str | None, layout: str) -> VectorOutput | None:
    sides = spec.shape[1:] if len(spec.shape) > 1 else spec.shape
    if not sides or len(spec.shape) > 4:
        return None
    long = [side for side in sides if side != 1]
    if len(long) == 1 and long[0] is not None:
        return VectorOutput(spec.name, long[0], "none")
    if len(sides) == 2 and sides[1] and pooling == "mean":
        return VectorOutput(spec.name, sides[1], "mean")
    depth = sides[0] if layout == "NCHW" else sides[-1]
    if len(sides) == 3 and depth and pooling != "none":
        return VectorOutput(spec.name, depth, "mean")
    return None


def _classifies(vector: VectorOutput, facts: GraphFacts) -> bool:
    named = any(part in vector.name.lower().split("/")[-1] for part in CLASSIFIER_NAMES)
    return named or facts.makers.get(vector.name) in CLASSIFIER_OPERATORS
