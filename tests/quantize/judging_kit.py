"""Small detectors, embedders, pictures and catalogues whose right judgement is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import helper
from PIL import Image

from edge.bundle import Bundle
from edge.shard import ProductRecord, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import quantize
from export.bundles.build import BundleSettings, build_bundle
from export.bundles.reading import read_model
from tests.small_models import constant_detector, fcos_outputs, save_model

SIZE_WH = (64, 32)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
# two of the eight colours are told apart by the second number alone, so that a small change of it is seen
SHADES = ((255, 0, 0), (255, 60, 0), (0, 255, 0), (0, 255, 60), (0, 0, 255), (60, 0, 255), (255, 255, 0), (255, 200, 0))
IDENTITY = np.eye(3)
PLAIN = "mean = 0\nstd = 255"


def pictures(folder: Path, n: int = 8, copies: int = 1) -> list[Path]:
    """Write pictures of one shade each, with noise that tells copies apart."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(n * copies):
        rng = np.random.default_rng(number)
        pixels = np.empty((SIZE_WH[1], SIZE_WH[0], 3), np.float64)
        pixels[:] = SHADES[number % n]
        noisy = np.clip(pixels + rng.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8)
        files.append(folder / f"{number:02}.png")
        Image.fromarray(noisy).save(files[-1])
    return files


def detector(path: Path, distance: float = 1.0, score: float = 0.75, class_id: int = 1) -> Path:
    """Write a detector of two classes that finds one box in every picture."""
    outputs = fcos_outputs(SIZE_WH, classes=2)
    cell = int(outputs["scores"].max(axis=2)[0].argmax())
    scores = np.zeros_like(outputs["scores"])
    scores[0, cell, class_id] = score
    distances = np.full_like(outputs["distances"], distance)
    return constant_detector(path, SIZE_WH, {"scores": scores, "distances": distances})


def embedder(path: Path, matrix: npt.ArrayLike = IDENTITY, bias: Sequence[float] = (0, 0, 0)) -> Path:
    """Write an embedder whose vector is ``mean colour @ matrix + bias``."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0, axes=[2, 3]),
        helper.make_node("MatMul", ["mean", "matrix"], ["turned"]),
        helper.make_node("Add", ["turned", "bias"], ["vector"]),
    ]
    constants = {"matrix": np.asarray(matrix, np.float32), "bias": np.asarray(bias, np.float32)}
    sidecar = {"taglet.sidecar": PLAIN}
    return save_model(path, nodes, {"picture": ["n", 3, 16, 16]}, {"vector": ["n", 3]}, constants, sidecar)


def queries(path: Path, shown: dict[str, str]) -> Path:
    """Write a queries file."""
    path.write_text("path,product_id\n" + "".join(f"{name},{product}\n" for name, product in shown.items()))
    return path


def bundle_and_shard(folder: Path) -> tuple[Bundle, Path]:
    """Write a bundle of the two models, and a shard with a product for each of three colours."""
    models = (detector(folder / "detector.onnx"), embedder(folder / "embedder.onnx"))
    bundle = build_bundle(*(read_model(path) for path in models), BundleSettings("small"), folder / "bundle")
    order = sorted(COLOURS)
    records = [ProductRecord(name, name.title()) for name in order]
    vectors = quantize(np.array([COLOURS[name] for name in order], np.float32))
    columns = canonical_columns(records, np.arange(3, dtype=np.uint64), vectors, np.arange(3))
    write_shard(folder / "shard", "colours", 1, bundle.space_id, columns)
    return bundle, folder / "shard"
