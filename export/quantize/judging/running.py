"""How a variant is run: fed as its float model is, decoded as its float model is, whatever runtime it is for.

A variant brings its own layout, number types and names of outputs. What it does not say, and few files do, is taken
from the float model: order of colours, normalisation, resizing, thresholds. A variant with a sidecar of its own is
believed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge.detector import Detector
from edge.embedder import Embedder, Projection
from edge.errors import ModelError
from edge.inference import Session, open_session
from edge.inference.hardware import Hardware
from edge.preprocessing import Preprocessing
from export.bundles.reading import ModelReading
from export.bundles.sidecar import find_sidecar
from export.bundles.unknown import tensors

ONE_THREAD = Hardware(threads=1)


def open_detector(reading: ModelReading, like: ModelReading | None = None) -> Detector:
    """Load a detector; `like` is the float model that it is a variant of.

    Raises:
        ModelError: it cannot be loaded, or is not of the float model's family.
    """
    like = like or reading
    assert like.decoding is not None
    own = reading.decoding
    if own is None and _same_outputs(reading, like):
        own = like.decoding
    if own is None or own.family != like.decoding.family:
        found = f"of the family {own.family}" if own else f"{reading.kind} (outputs {tensors(reading.outputs)})"
        raise ModelError(
            f"{reading.path}: is {found}, its float model is a detector of the family {like.decoding.family}: give "
            f"the float model that it was made from, or describe it in a sidecar {reading.path.name}.toml"
        )
    options = {**like.decoding.options, **own.options}
    decoding = replace(like.decoding, outputs=own.outputs, options=options)
    return Detector(open_session(reading.path, ONE_THREAD), fed_like(reading, like), decoding)


def open_embedder(
    reading: ModelReading, like: ModelReading | None = None, projection: Projection | None = None
) -> Embedder:
    """Load an embedder; `like` is the float model that it is a variant of.

    Raises:
        ModelError: it cannot be loaded, or has no vector of the float model's length.
    """
    like = like or reading
    assert like.vector is not None
    vector = reading.vector
    if vector is None or vector.ndim != like.vector.ndim:
        found = f"vectors of {vector.ndim}" if vector else f"no single vector (outputs {tensors(reading.outputs)})"
        raise ModelError(
            f"{reading.path}: gives {found}, its float model gives vectors of {like.vector.ndim} numbers: give the "
            "float model that it was made from"
        )
    ndim = vector.ndim if projection is None else projection.matrix.shape[1]
    session = open_session(reading.path, ONE_THREAD)
    return Embedder(session, fed_like(reading, like), vector.name, ndim, projection, vector.pooling)


def fed_like(reading: ModelReading, like: ModelReading) -> Preprocessing:
    """Return how a picture becomes the input of a variant: as the float model's, in the variant's own layout and size.

    An integer input without a scale takes pixels: what normalised them has become a part of the graph.
    """
    if reading.preprocessing is None or like.preprocessing is None:
        raise ModelError(f"{reading.path}: takes no picture (inputs {tensors(reading.inputs)})")
    own, spec = reading.preprocessing, reading.inputs[0]
    raw = spec.dtype in ("uint8", "int8") and not spec.scale
    if reading.path == like.path or raw or find_sidecar(reading.path) or reading.facts.sidecar:
        return own
    return replace(like.preprocessing, layout=own.layout, size_wh=own.size_wh)


def _same_outputs(reading: ModelReading, like: ModelReading) -> bool:
    return {(s.name, s.shape) for s in reading.outputs} == {(s.name, s.shape) for s in like.outputs}


def require_runs(session: Session) -> None:
    """Raise `ModelError` if the runtime itself cannot run a model; a model that gives nonsense passes."""
    session.run({s.name: np.zeros([side or 1 for side in s.shape], np.float32) for s in session.inputs})
