"""Embedders of every shape give the same vector for the same picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from edge.embedder import Embedder, l2_normalize
from edge.inference import open_session
from edge.preprocessing import ImageArray
from export.bundles.reading import read_model
from tests.small_models import save_model

HEIGHT, WIDTH = 16, 32
COLOUR = (200, 90, 30)
SHAPES: dict[str, tuple[str, tuple[int | str, ...], dict[str, Any]]] = {
    "one vector": ("NCHW", (1, 3), {}),
    "open batch": ("NCHW", ("n", 3), {}),
    "no batch": ("NCHW", (3,), {}),
    "channels last, one vector": ("NHWC", (1, 3), {}),
    "1x1 map": ("NCHW", ("n", 3, 1, 1), {}),
    "channels last, 1x1 map": ("NHWC", (1, 1, 1, 3), {}),
    "one token": ("NCHW", (1, 1, 3), {}),
    "map of 2x4": ("NCHW", (1, 3, 2, 4), {}),
    "channels last, map of 2x4": ("NHWC", (1, 2, 4, 3), {}),
    "eight tokens": ("NCHW", (1, 8, 3), {"pooling": "mean"}),
}


def embedder_of(path: Path, layout: str, shape: tuple[int | str, ...]) -> Path:
    """Write an embedder of colours, in one of the shapes that backbones end in."""
    planar = layout == "NCHW"
    batch = "n" if shape[0] == "n" else 1
    nodes = [] if planar else [helper.make_node("Transpose", ["x"], ["planes"], perm=[0, 3, 1, 2])]
    maps = 8 in shape or 2 in shape
    kernel = [8, 8] if maps else [HEIGHT, WIDTH]
    source = "x" if planar else "planes"
    nodes.append(helper.make_node("AveragePool", [source], ["pooled"], kernel_shape=kernel, strides=kernel))
    moved = "pooled"
    if not planar or 8 in shape:
        nodes.append(helper.make_node("Transpose", ["pooled"], ["moved"], perm=[0, 2, 3, 1]))
        moved = "moved"
    target = np.int64([-1 if side == "n" else side for side in shape])
    nodes.append(helper.make_node("Reshape", [moved, "target"], ["y"]))
    picture = [batch, 3, HEIGHT, WIDTH] if planar else [batch, HEIGHT, WIDTH, 3]
    return save_model(path, nodes, {"x": picture}, {"y": shape}, {"target": target})


def open_embedder(path: Path, overrides: dict[str, Any]) -> Embedder:
    reading = read_model(path, overrides=overrides)
    assert reading.kind == "embedder" and reading.vector and reading.preprocessing
    vector = reading.vector
    return Embedder(open_session(path), reading.preprocessing, vector.name, vector.ndim, None, vector.pooling)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_output_is_the_same_vector(tmp_path: Path, name: str) -> None:
    layout, shape, overrides = SHAPES[name]
    embedder = open_embedder(embedder_of(tmp_path / "e.onnx", layout, shape), overrides)
    assert embedder.preprocessing.size_wh == (WIDTH, HEIGHT) and embedder.preprocessing.layout == layout
    assert embedder.embed([]).shape == (0, 3)
    picture: ImageArray = np.full((8, 16, 3), COLOUR, np.uint8)
    found = embedder.embed([picture, picture[:, ::2]])
    assert found.shape == (2, 3)
    expected = l2_normalize((np.float32([COLOUR]) - 127.5) / 127.5)
    assert np.abs(found[0] - expected[0]).max() < 1e-5


def test_a_map_that_looks_like_a_detectors_is_an_embedder_where_the_sidecar_says_so(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("AveragePool", ["x"], ["pooled"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Concat", ["pooled", "pooled"], ["y"], axis=1),
    ]
    save_model(tmp_path / "e.onnx", nodes, {"x": [1, 3, 32, 32]}, {"y": [1, 6, 2, 2]})
    assert read_model(tmp_path / "e.onnx").family == "fastestdet"
    (tmp_path / "e.toml").write_text("pooling = 'mean'")
    reading = read_model(tmp_path / "e.onnx")
    assert reading.kind == "embedder" and reading.vector is not None
    assert (reading.vector.ndim, reading.vector.pooling) == (6, "mean")


def test_tokens_without_a_word_on_pooling_stay_unknown(tmp_path: Path) -> None:
    assert read_model(embedder_of(tmp_path / "e.onnx", "NCHW", (1, 8, 3))).kind == "unknown"


@pytest.mark.parametrize(
    "file, ndim",
    [
        ("mobilenet_v1_025_embedder.onnx", 256),
        ("mobilenet_v1_100_embedder.onnx", 1024),
        ("mobilenet_v1_025_float_embedder.tflite", 256),
        ("mobilenet_v1_100_quant_embedder.tflite", 1024),
        ("mobilenet_v1_025_classifier.onnx", 1001),
        ("mobilenet_v1_025_float.tflite", 1001),
        ("mobilenet_v1_025_quant.tflite", 1001),
        ("mlkit_object_labeler.tflite", 631),
    ],
)
def test_real_embedders_and_classifiers_give_unit_vectors(shared: Path, file: str, ndim: int) -> None:
    path = shared / "models" / "embedders" / file
    reading = read_model(path)
    assert reading.vector is not None and reading.preprocessing is not None
    embedder = Embedder(open_session(path), reading.preprocessing, reading.vector.name, reading.vector.ndim)
    rng = np.random.default_rng(3)
    crops = [rng.integers(0, 256, (h, w, 3), np.uint8) for h, w in ((40, 90), (224, 224))]
    vectors = embedder.embed(crops)
    assert vectors.shape == (2, ndim)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert vectors[0] @ vectors[1] < 0.9999
