"""Bundles: what is built is what is loaded; whatever is not as described is refused before it is opened."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import DESCRIPTION, load_bundle
from edge.bundle_description import SecondLookPart, from_json, to_json
from edge.errors import ArtefactRefused, ModelError, OutputError
from edge.preprocessing import Preprocessing
from export.bundles.build import BundleSettings, Matching, build_bundle, space_id, trial_picture
from export.bundles.reading import read_model
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

SIZE_WH = (64, 32)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    constant_detector(tmp_path / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(tmp_path / "embedder.onnx")
    return tmp_path


@pytest.fixture
def bundle_folder(models: Path) -> Path:
    build(models, models / "bundle")
    return models / "bundle"


def build(models: Path, out: Path, **settings: Any) -> None:
    detector, embedder = read_model(models / "detector.onnx"), read_model(models / "embedder.onnx")
    build_bundle(detector, embedder, BundleSettings("shop", **settings), out)


def rewrite(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads((folder / DESCRIPTION).read_text())
    change(value)
    (folder / DESCRIPTION).write_text(json.dumps(value))


def refresh_hash(folder: Path, part: str) -> None:
    def change(value: dict[str, Any]) -> None:
        file = folder / value[part]["model"]["file"]
        content = file.read_bytes()
        value[part]["model"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    rewrite(folder, change)


def test_a_built_bundle_detects_and_embeds(bundle_folder: Path) -> None:
    bundle = load_bundle(bundle_folder)
    assert bundle.open_detector().detect(np.zeros((32, 64, 3), np.uint8)).xyxy.tolist() == [[4, 4, 20, 20]]
    vectors = bundle.open_embedder().embed([trial_picture(), np.full((1, 1, 3), 255, np.uint8)])
    assert vectors.shape == (2, 3)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert bundle.open_embedder().embed([]).shape == (0, 3)


def test_description_survives_reading_and_writing(bundle_folder: Path) -> None:
    value = json.loads((bundle_folder / DESCRIPTION).read_text())
    assert to_json(from_json(value, "here")) == value


def test_a_second_look_is_off_unless_it_is_described(models: Path, bundle_folder: Path) -> None:
    assert "second_look" not in json.loads((bundle_folder / DESCRIPTION).read_text())
    assert load_bundle(bundle_folder).second_look is None
    rule = SecondLookPart(weight=0.3, margin_threshold=0.2, products=4)
    build(models, models / "again", second_look=rule)
    assert load_bundle(models / "again").second_look == rule
    assert load_bundle(models / "again").space_id == load_bundle(bundle_folder).space_id


def test_the_same_models_give_the_same_bundle(models: Path) -> None:
    build(models, models / "a")
    build(models, models / "b")
    assert load_bundle(models / "a").sha256 == load_bundle(models / "b").sha256


def test_a_projection_is_applied_and_is_part_of_the_space(models: Path) -> None:
    rows = np.float32([[1, 0], [0, 1], [0, 0], [0.5, 0.5]])
    build(models, models / "fitted", projection=rows)
    build(models, models / "plain")
    fitted = load_bundle(models / "fitted")
    assert fitted.embedder.ndim == 2
    assert fitted.open_embedder().embed([trial_picture()]).shape == (1, 2)
    assert fitted.space_id != load_bundle(models / "plain").space_id


def test_a_quantized_variant_keeps_the_space_of_its_float_model(models: Path) -> None:
    mean_embedder(models / "variant.onnx", metadata={"made": "smaller"})
    float_model = read_model(models / "embedder.onnx")
    build(models, models / "float")
    variant = BundleSettings("variant", float_embedder=float_model)
    build_bundle(read_model(models / "detector.onnx"), read_model(models / "variant.onnx"), variant, models / "small")
    small, whole = load_bundle(models / "small"), load_bundle(models / "float")
    assert small.space_id == whole.space_id
    assert small.embedder.model.sha256 != whole.embedder.model.sha256


def test_space_follows_the_preprocessing() -> None:
    stretched = Preprocessing((16, 16), resize="stretch")
    assert space_id("0" * 64, Preprocessing((16, 16)), None) != space_id("0" * 64, stretched, None)
    assert space_id("0" * 64, stretched, None) == space_id("0" * 64, Preprocessing((16, 16), "stretch"), None)


@pytest.mark.parametrize("shape", [["n", 3], ["n", 3, 1, 1]])
def test_every_shape_of_one_vector_is_an_embedding(models: Path, shape: list[int | str]) -> None:
    mean_embedder(models / "embedder.onnx", shape)
    build(models, models / "bundle")
    assert load_bundle(models / "bundle").embedder.ndim == 3


def test_a_feature_map_is_averaged(models: Path) -> None:
    from onnx import helper

    from tests.small_models import save_model

    node = helper.make_node("MaxPool", ["x"], ["features"], kernel_shape=[4, 4], strides=[4, 4])
    save_model(models / "embedder.onnx", [node], {"x": [1, 3, 16, 16]}, {"features": [1, 3, 4, 4]})
    build(models, models / "bundle")
    bundle = load_bundle(models / "bundle")
    assert (bundle.embedder.ndim, bundle.embedder.pooling) == (3, "mean")
    flat = bundle.open_embedder().embed([np.full((16, 16, 3), (255, 0, 128), np.uint8)])
    expected = np.float32([1, -1, 0.5 / 127.5])
    assert np.allclose(flat[0], expected / np.linalg.norm(expected), atol=1e-6)


def test_failed_build_keeps_the_previous_bundle(models: Path, bundle_folder: Path) -> None:
    before = load_bundle(bundle_folder).sha256
    with pytest.raises(ModelError, match="vectors of 3 numbers, expected 7"):
        build(models, bundle_folder, projection=np.ones((8, 2), np.float32))
    assert load_bundle(bundle_folder).sha256 == before
    assert sorted(p.name for p in models.iterdir()) == ["bundle", "detector.onnx", "embedder.onnx"]


def test_rebuild_replaces_the_bundle_and_nothing_else(models: Path, bundle_folder: Path) -> None:
    build(models, bundle_folder, matching=Matching(0.9, 0.1))
    assert load_bundle(bundle_folder).matching.similarity_threshold == 0.9
    (models / "photos").mkdir()
    (models / "photos" / "dear.jpg").write_bytes(b"mine")
    with pytest.raises(OutputError, match="holds something else"):
        build(models, models / "photos")
    assert (models / "photos" / "dear.jpg").read_bytes() == b"mine"


def test_folder_that_is_not_writable_is_one_sentence(models: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        build(models, models / "detector.onnx" / "bundle")


def test_rejects_detector_and_embedder_swapped(models: Path) -> None:
    detector, embedder = read_model(models / "detector.onnx"), read_model(models / "embedder.onnx")
    with pytest.raises(ModelError, match="not of a detector family known here"):
        build_bundle(embedder, embedder, BundleSettings("x"), models / "out")
    with pytest.raises(ModelError, match="no single output that holds a vector"):
        build_bundle(detector, detector, BundleSettings("x"), models / "out")


def test_rejects_fewer_labels_than_classes(models: Path) -> None:
    constant_detector(models / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH, classes=3))
    (models / "detector.toml").write_text('labels = ["box"]')
    with pytest.raises(ModelError, match="1 labels were given"):
        build(models, models / "out")
    assert not (models / "out").exists()


@pytest.mark.parametrize("missing", ["detector.onnx", "embedder.onnx", DESCRIPTION])
def test_rejects_a_missing_file(bundle_folder: Path, missing: str) -> None:
    (bundle_folder / missing).unlink()
    with pytest.raises(ArtefactRefused, match=missing):
        load_bundle(bundle_folder)


@pytest.mark.parametrize("position", [0, 100, -1])
def test_rejects_an_altered_file(bundle_folder: Path, position: int) -> None:
    content = bytearray((bundle_folder / "detector.onnx").read_bytes())
    content[position] ^= 1
    (bundle_folder / "detector.onnx").write_bytes(content)
    with pytest.raises(ArtefactRefused, match="altered since the bundle was made"):
        load_bundle(bundle_folder)


def test_rejects_a_longer_file(bundle_folder: Path) -> None:
    with (bundle_folder / "embedder.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(ArtefactRefused, match="altered"):
        load_bundle(bundle_folder)


def set_in(*path: str | int, to: Any) -> Callable[[dict[str, Any]], object]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "change, part",
    [
        (lambda v: v.clear(), "schema is None"),
        (set_in("schema", to=2), "newer than this version reads"),
        (set_in("schema", to="1"), "schema is '1'"),
        (set_in("schema", to=True), "schema is True"),
        (set_in("surprise", to=1), "unknown keys"),
        (lambda v: v.pop("embedder"), "lacks the keys"),
        (set_in("name", to=""), "name must be text"),
        (set_in("target", to="toaster"), "target is 'toaster'"),
        (set_in("space_id", to="abc"), "64 hexadecimal digits"),
        (set_in("detector", to=[]), "detector must be an object"),
        (set_in("detector", "model", "file", to="../detector.onnx"), "plain name"),
        (set_in("detector", "model", "file", to="/etc/passwd"), "plain name"),
        (set_in("detector", "model", "file", to="a\\..\\b.onnx"), "plain name"),
        (set_in("detector", "model", "file", to=".."), "plain name"),
        (set_in("detector", "model", "bytes", to=-1), "bytes is -1"),
        (set_in("detector", "model", "extra", to=1), "unknown keys"),
        (set_in("detector", "labels", to=[1]), "labels must be text"),
        (set_in("detector", "decoding", "family", to="magic"), "unknown detector family 'magic'"),
        (set_in("detector", "decoding", "family", to=["fcos"]), "malformed"),
        (set_in("detector", "decoding", "outputs", to={"scores": "scores"}), "lacks the keys"),
        (set_in("detector", "decoding", "options", to={"depth": 3}), "unknown keys"),
        (set_in("detector", "decoding", "strides", to=[0]), "strides is 0"),
        (set_in("detector", "decoding", "score_threshold", to=float("nan")), "finite number"),
        (set_in("detector", "decoding", "score_threshold", to=1.5), "expected 0 to 1"),
        (set_in("detector", "decoding", "max_detections", to=0), "max_detections"),
        (set_in("detector", "preprocessing", "size_wh", to=[64]), "preprocessing"),
        (set_in("embedder", "ndim", to=0), "ndim"),
        (set_in("embedder", "ndim", to=1e3), "ndim"),
        (set_in("embedder", "pooling", to="max"), "pooling"),
        (set_in("embedder", "crop_margin", to=float("inf")), "crop_margin"),
        (set_in("matching", "similarity_threshold", to=float("nan")), "similarity_threshold is nan"),
        (set_in("matching", "similarity_threshold", to="0.5"), "similarity_threshold is '0.5'"),
        (set_in("matching", "margin_threshold", to=-0.1), "margin_threshold"),
        (set_in("second_look", to=None), "second_look must be an object"),
        (set_in("second_look", to={"weight": 0.5}), "second_look lacks the keys"),
        (set_in("second_look", to={"weight": 11, "margin_threshold": 0.1, "products": 5}), "second_look weight is 11"),
        (set_in("second_look", to={"weight": 1, "margin_threshold": 0.1, "products": 1}), "second_look products is 1"),
        (set_in("second_look", to={"weight": 1, "margin_threshold": 3, "products": 5}), "second_look margin_threshold"),
        (set_in("licences", to=["free"]), "licences must be an object"),
        (set_in("licences", to=3), "malformed"),
    ],
)
def test_rejects_a_malformed_description(
    bundle_folder: Path, change: Callable[[dict[str, Any]], object], part: str
) -> None:
    rewrite(bundle_folder, change)
    with pytest.raises(ArtefactRefused, match=part) as caught:
        load_bundle(bundle_folder)
    assert "\n" not in str(caught.value) and str(bundle_folder) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_rejects_a_description_that_is_no_object(bundle_folder: Path, content: bytes) -> None:
    (bundle_folder / DESCRIPTION).write_bytes(content)
    with pytest.raises(ArtefactRefused):
        load_bundle(bundle_folder)


def test_rejects_a_model_that_takes_another_picture(bundle_folder: Path) -> None:
    constant_detector(bundle_folder / "detector.onnx", (32, 32), fcos_outputs((32, 32)))
    refresh_hash(bundle_folder, "detector")
    with pytest.raises(ArtefactRefused, match="its preprocessing makes"):
        load_bundle(bundle_folder).open_detector()


def test_rejects_a_model_without_the_described_output(bundle_folder: Path) -> None:
    shutil.copy(bundle_folder / "embedder.onnx", bundle_folder / "detector.onnx")
    refresh_hash(bundle_folder, "detector")
    rewrite(bundle_folder, set_in("detector", "preprocessing", "size_wh", to=[16, 16]))
    with pytest.raises(ArtefactRefused, match="the model has"):
        load_bundle(bundle_folder).open_detector()


def test_rejects_a_file_that_is_no_model(bundle_folder: Path) -> None:
    (bundle_folder / "detector.onnx").write_bytes(b"not a model at all")
    refresh_hash(bundle_folder, "detector")
    with pytest.raises(ArtefactRefused, match="cannot load this model"):
        load_bundle(bundle_folder).open_detector()


@pytest.mark.parametrize("rows", [np.zeros(3, np.float32), np.zeros((4, 3)), np.zeros((1, 3), np.float32)])
def test_rejects_a_projection_of_another_shape(models: Path, rows: np.ndarray[Any, Any]) -> None:
    build(models, models / "bundle", projection=np.eye(4, 3, dtype=np.float32))
    np.save(models / "bundle" / "projection.npy", rows)

    def change(value: dict[str, Any]) -> None:
        content = (models / "bundle" / "projection.npy").read_bytes()
        value["embedder"]["projection"] |= {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    rewrite(models / "bundle", change)
    with pytest.raises(ArtefactRefused, match="expected float32"):
        load_bundle(models / "bundle").open_embedder()
