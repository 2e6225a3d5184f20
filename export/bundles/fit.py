"""Make vectors of any backbone fit for retrieval: centre, half whiten, reduce, from pictures without labels.

The vectors of a classifier share a large mean, and a few loud directions decide every comparison. Subtracting the
mean and dividing each main direction by the square root of its deviation makes them speak more evenly (Jégou and
Chum 2012, ECCV, "Negative evidences and co-occurences in image retrieval"). Only half of the whitening is done: all
of it makes noise as loud as signal.

The fit is linear, ``x @ matrix + bias``. It is written into the graph where the model is a float ONNX file, and else
lies beside it as a matrix that the device applies.

    >>> projection = fit_projection(vectors, 128)           # (raw + 1, 128), the last row is the bias
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.command_line import say
from edge.crops import cut_crops
from edge.detections import Float32s
from edge.embedder import Embedder
from edge.errors import InputError, MediaError, MissingExtra, ModelError
from edge.inference import open_session
from edge.preprocessing import ImageArray
from export.bundles.graph import describe_graph
from export.bundles.reading import ModelReading, VectorOutput
from export.evaluation.photos import CENTRE_SHARE, central_box, open_photo

PICTURES = 2000
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
WHITENING = 0.5
FLAT = 1e-6
OUTPUT = "fitted"


def fit_embedder(
    embedder: ModelReading, float_embedder: ModelReading | None, folder: Path, ndim: int, scratch: Path
) -> tuple[ModelReading, Float32s | None]:
    """Fit an embedder on the pictures of a folder.

    Args:
        embedder: what ships.
        float_embedder: the float model of a quantized embedder; the fit is then its, so that both share one space.
        folder: pictures without labels, like those that will be asked about.
        ndim: length of the fitted vectors.
        scratch: existing folder for the model with the fit in its graph.

    Returns:
        The embedder to bundle, and the matrix that lies beside it: None where the graph holds the fit.
    """
    space = float_embedder or embedder
    if space.vector is None or space.preprocessing is None:
        raise ModelError(f"{space.path}: has no output that holds a vector, so nothing can be fitted")
    vector = space.vector
    running = Embedder(open_session(space.path), space.preprocessing, vector.name, vector.ndim, pooling=vector.pooling)
    projection = fit_projection(vectors_of(running, folder, say), ndim)
    computes_in_float = embedder.facts.quantization in ("float", "weight_only")
    in_graph = float_embedder is None and embedder.facts.format == "onnx" and computes_in_float
    if not in_graph or vector.pooling != "none":
        return embedder, projection
    target = scratch / f"{embedder.path.stem}-fitted.onnx"
    with_projection(embedder.path, vector.name, projection, target)
    fitted = VectorOutput(OUTPUT, ndim, "none")
    return replace(embedder, path=target, vector=fitted, facts=describe_graph(target)), None


def fit_projection(vectors: Float32s, ndim: int) -> Float32s:
    """Fit centring, half whitening and reduction.

    Args:
        vectors: float32 (n, raw), as the model gives them, of n pictures.
        ndim: length of the fitted vectors.

    Returns:
        float32 (raw + 1, ndim), the last row being the bias.

    Raises:
        InputError: the vectors vary in fewer than `ndim` directions.
    """
    mean = vectors.mean(axis=0, dtype=np.float64) if len(vectors) else np.zeros(vectors.shape[1])
    _, size, axes = np.linalg.svd(vectors - mean, full_matrices=False)
    varied = int(np.count_nonzero(size > FLAT * size.max(initial=FLAT)))
    if varied < ndim:
        raise InputError(
            f"the pictures to fit on vary in {varied} of the embedder's {vectors.shape[1]} directions, {ndim} are "
            f"needed: give more pictures (several times {ndim}), or fewer dimensions"
        )
    deviation = size[:ndim] / np.sqrt(len(vectors))
    matrix = axes[:ndim].T / deviation**WHITENING
    return np.concatenate([matrix, -(mean @ matrix)[None]]).astype(np.float32)


def vectors_of(embedder: Embedder, folder: Path, warn: Callable[[str], None]) -> Float32s:
    """Look at the pictures of a folder, each as a whole and by its centre; at most 2000, evenly chosen.

    Args:
        embedder: without a projection.
        folder: searched with its subfolders.
        warn: told of each picture that cannot be read.

    Returns:
        float32 (2 * pictures, raw).

    Raises:
        InputError: there is no picture that can be read.
    """
    rows = [embedder.raw(views) for views in _views(picture_files(folder), warn)]
    if not rows:
        raise InputError(f"{folder}: holds no picture to fit on")
    return np.concatenate(rows)


def picture_files(folder: Path) -> list[Path]:
    """List at most 2000 pictures of a folder and its subfolders, evenly chosen in the order of their names."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return [found[i * len(found) // PICTURES] for i in range(PICTURES)] if len(found) > PICTURES else found


def with_projection(model: Path, output: str, projection: Float32s, target: Path) -> None:
    """Write a float ONNX model with the projection as its last nodes; the output is then called "fitted".

    Args:
        model: the embedder.
        output: name of its output, (batch, raw) or (batch, raw, 1, 1).
        projection: float32 (raw + 1, ndim).
        target: file to write.

    Raises:
        ModelError: the model has a value that is already called so.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as e:
        raise MissingExtra("onnx, which writes the fit into the model,", "export") from e
    extended = onnx.load(model)
    graph = extended.graph
    if any(name == OUTPUT for node in graph.node for name in node.output):
        raise ModelError(f"{model}: carries a fit already: give the model from before it was fitted")
    matrix, bias = projection[:-1], projection[-1]
    graph.initializer.extend(
        numpy_helper.from_array(a, f"{OUTPUT}.{n}") for n, a in (("matrix", matrix), ("bias", bias))
    )
    graph.node.append(helper.make_node("Flatten", [output], [f"{OUTPUT}.flat"]))
    graph.node.append(helper.make_node("Gemm", [f"{OUTPUT}.flat", f"{OUTPUT}.matrix", f"{OUTPUT}.bias"], [OUTPUT]))
    batch = next(value for value in graph.output if value.name == output).type.tensor_type.shape.dim[0]
    side = batch.dim_param or batch.dim_value or None
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [side, projection.shape[1]]))
    onnx.checker.check_model(extended)
    onnx.save(extended, target)


def _views(files: Sequence[Path], warn: Callable[[str], None]) -> Iterator[list[ImageArray]]:
    for path in files:
        try:
            image = open_photo(path).image
        except MediaError as e:
            warn(str(e))
            continue
        yield [image, *cut_crops(image, central_box(image, CENTRE_SHARE))]
