"""An embedder as a variant of a bundle's: it takes over the bundle's embedding space, once it is seen to live in it.

>>> variant = variant_of(load_bundle(Path("bundle")), read_model(Path("embedder.mixed.tflite")))
>>> settings = BundleSettings("phone", space_id=variant.space_id, projection=variant.projection)
>>> build_bundle(detector, variant.embedder, settings, Path("phone-bundle"))
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edge.bundle import Bundle, require_picture_input
from edge.detections import Float32s
from edge.embedder import Embedder
from edge.errors import ModelError
from edge.inference import open_session
from export.bundles.reading import ModelReading, VectorOutput
from export.bundles.unknown import why_no_embedder
from export.golden.pictures import golden_pictures

LEAST_COSINE = 0.7
"""As `export check`: vectors further off have left the space. Of unrelated models it is near 0."""


@dataclass(frozen=True)
class VariantOf:
    """An embedder that takes the place of a bundle's.

    Attributes:
        embedder: the variant, with the bundle's preprocessing and the layout of its own input.
        space_id: the bundle's.
        projection: the bundle's, float32 (raw + 1, ndim), or None.
    """

    embedder: ModelReading
    space_id: str
    projection: Float32s | None


def variant_of(bundle: Bundle, embedder: ModelReading) -> VariantOf:
    """Hold a model against a bundle's embedder, on pictures that are drawn for it.

    Args:
        bundle: names the space.
        embedder: float or quantized, of any format.

    Raises:
        ModelError: the model has no vector, vectors of another length, or gives other vectors than the bundle's.
    """
    if embedder.vector is None or embedder.preprocessing is None:
        raise ModelError(f"{embedder.path}: {why_no_embedder(embedder)}")
    part = bundle.embedder
    rule = replace(part.preprocessing, layout=embedder.preprocessing.layout)
    vector = embedder.vector
    if part.output in {output.name for output in embedder.outputs}:
        vector = VectorOutput(part.output, vector.ndim, part.pooling)
    reading = replace(embedder, preprocessing=rule, vector=vector, assumed="")
    theirs, session = bundle.open_embedder(), open_session(reading.path)
    mine = Embedder(session, rule, vector.name, part.ndim, theirs.projection, vector.pooling)
    pictures = list(golden_pictures().values())
    try:
        require_picture_input(session, rule, reading.path)
        found = mine.embed(pictures)
    except ModelError as e:
        raise ModelError(f"{e}: it is no variant of the embedder of {bundle.root}") from e
    agree = float(np.median((found * theirs.embed(pictures)).sum(axis=1)))
    if agree < LEAST_COSINE:
        raise ModelError(
            f"{embedder.path}: is no variant of the embedder of {bundle.root}: on trial pictures their vectors have a "
            f"cosine of {agree:.2f} (a variant: {LEAST_COSINE:g} or more): name the float model that it was made from"
        )
    fit = theirs.projection
    return VariantOf(reading, bundle.space_id, None if fit is None else np.concatenate([fit.matrix, fit.bias[None]]))
