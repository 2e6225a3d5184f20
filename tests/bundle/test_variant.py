"""One catalogue serves all variants of an embedder: what a bundle's space is handed on to, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from PIL import Image

from edge.bundle import load_bundle
from edge.defaults import PACKAGED, default_bundle, demo_shard
from edge.gallery import Gallery
from edge.media.sources import open_source
from edge.pipeline import Kit, tag_source
from edge.shard import open_shard
from export.bundles.reading import read_model
from export.cli import main
from export.quantize.half_weights import with_half_weights
from export.quantize.preparing import prepare
from tests.small_models import constant_detector, fcos_outputs, mean_embedder, save_model

SIZE_WH = (64, 32)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    constant_detector(tmp_path / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(tmp_path / "embedder.onnx")
    mean_embedder(tmp_path / "smaller.onnx", metadata={"made": "smaller"})
    return tmp_path


def bundled(shop: Path, embedder: str, out: str, *more: object) -> int:
    words = ["--detector", shop / "detector.onnx", "--embedder", shop / embedder, "--out", shop / out, *more]
    return main(["bundle", *map(str, words)])


def test_variant_takes_space_preprocessing_and_projection_of_a_bundle(shop: Path) -> None:
    (shop / "pictures").mkdir()
    for i in range(4):
        colour = np.random.default_rng(i).integers(0, 255, (1, 1, 3), np.uint8)
        Image.fromarray(colour.repeat(30, 0).repeat(20, 1)).save(shop / "pictures" / f"{i}.png")
    fit = ("--float-embedder", shop / "embedder.onnx", "--fit", shop / "pictures", "--ndim", 2)
    described = ("--embedder-mean", 100, "--embedder-std", 50, "--embedder-colour", "BGR")
    assert bundled(shop, "embedder.onnx", "former", *fit, *described) == 0
    assert bundled(shop, "smaller.onnx", "variant", "--float-embedder", shop / "former") == 0
    former, variant = load_bundle(shop / "former"), load_bundle(shop / "variant")
    assert variant.space_id == former.space_id
    assert variant.embedder.preprocessing == former.embedder.preprocessing
    assert variant.embedder.model.sha256 != former.embedder.model.sha256
    assert variant.embedder.projection == former.embedder.projection is not None
    picture = np.random.default_rng(1).integers(0, 255, (20, 30, 3), np.uint8)
    assert np.allclose(former.open_embedder().embed([picture]), variant.open_embedder().embed([picture]))


def test_another_embedder_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0, axes=[2, 3]),
        helper.make_node("MatMul", ["mean", "turn"], ["vector"]),
    ]
    save_model(
        shop / "other.onnx",
        nodes,
        {"picture": ["n", 3, 16, 16]},
        {"vector": ["n", 3]},
        {"turn": -np.eye(3, dtype=np.float32)},
    )
    assert bundled(shop, "embedder.onnx", "former") == 0
    assert bundled(shop, "other.onnx", "variant", "--float-embedder", shop / "former") == 3
    assert "is no variant of the embedder" in capsys.readouterr().err
    assert not (shop / "variant").exists()


def test_another_input_size_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundled(shop, "embedder.onnx", "former") == 0
    assert bundled(shop, "detector.onnx", "variant", "--float-embedder", shop / "former") == 3
    nodes = [helper.make_node("ReduceMean", ["picture"], ["vector"], keepdims=0, axes=[2, 3])]
    save_model(shop / "larger.onnx", nodes, {"picture": ["n", 3, 32, 32]}, {"vector": ["n", 3]})
    assert bundled(shop, "larger.onnx", "variant", "--float-embedder", shop / "former") == 3
    assert "its preprocessing makes [1, 3, 16, 16]" in capsys.readouterr().err


def test_fit_and_the_space_of_a_bundle_contradict_each_other(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundled(shop, "embedder.onnx", "former") == 0
    words = ("--float-embedder", shop / "former", "--fit", shop)
    assert bundled(shop, "smaller.onnx", "variant", *words) == 2
    assert "--fit makes a new space" in capsys.readouterr().err


def test_demo_catalogue_serves_a_variant_of_the_packaged_embedder(tmp_path: Path) -> None:
    package = default_bundle()
    prepared = prepare(read_model(package / "embedder.onnx"))
    onnx.save(with_half_weights(prepared.model), tmp_path / "embedder.fp16.onnx")
    words = ["--detector", package / "detector.onnx", "--embedder", tmp_path / "embedder.fp16.onnx"]
    assert main(["bundle", *map(str, [*words, "--float-embedder", package, "--out", tmp_path / "bundle"])]) == 0
    variant, shipped = load_bundle(tmp_path / "bundle"), load_bundle(package)
    assert variant.space_id == shipped.space_id
    assert variant.embedder.model.sha256 != shipped.embedder.model.sha256
    gallery = Gallery([open_shard(demo_shard())], variant.space_id)
    kit = Kit(variant, variant.open_detector(), variant.open_embedder(), gallery)
    result = tag_source(kit, open_source(str(PACKAGED / "golden" / "two.png")))
    assert len({tag.candidates[0].product_id for tag in result.tags}) == 2
