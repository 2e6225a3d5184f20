"""A fit centres, evens out and reduces; in the graph or beside it, the vectors are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.bundle import load_bundle
from edge.embedder import l2_normalize
from edge.errors import InputError, ModelError
from export.bundles.build import trial_picture
from export.bundles.fit import fit_projection, picture_files, with_projection
from export.cli import main
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

SIZE_WH = (64, 32)


def applied(rows: npt.NDArray[np.float32], vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return vectors @ rows[:-1] + rows[-1]


@pytest.mark.parametrize("vectors", [np.zeros((0, 5), np.float32), np.ones((9, 5), np.float32)])
def test_refuses_pictures_that_do_not_vary(vectors: npt.NDArray[np.float32]) -> None:
    with pytest.raises(InputError, match="vary in 0 of the embedder's 5 directions, 2 are needed"):
        fit_projection(vectors, 2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_fitted_vectors_are_centred_uncorrelated_and_evened_out(ndim: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = (rng.normal(size=(60, 8)) * np.geomspace(9, 0.5, 8) + 40).astype(np.float32)
    fitted = applied(fit_projection(vectors, ndim), vectors)
    covariance = np.cov(fitted.T, bias=True).reshape(ndim, ndim)
    before = np.sort(np.linalg.eigvalsh(np.cov(vectors.T, bias=True)))[::-1][:ndim]
    assert np.allclose(fitted.mean(axis=0), 0, atol=1e-3)
    assert np.allclose(covariance, np.diag(np.sqrt(before)), rtol=1e-3, atol=1e-3)


def test_evenly_chosen_pictures_are_found_in_subfolders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.bundles.fit.PICTURES", 3)
    (tmp_path / "below").mkdir()
    for i in range(6):
        (tmp_path / "below" / f"{i}.JPG").touch()
    (tmp_path / "notes.txt").touch()
    assert [path.name for path in picture_files(tmp_path)] == ["0.JPG", "2.JPG", "4.JPG"]


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two models and a folder of eight pictures, one of them broken."""
    constant_detector(tmp_path / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(tmp_path / "embedder.onnx")
    mean_embedder(tmp_path / "map.onnx", ("n", 3, 1, 1))
    (tmp_path / "pictures").mkdir()
    for i in range(7):
        colour = np.random.default_rng(i).integers(0, 255, (1, 1, 3), np.uint8)
        Image.fromarray(colour.repeat(30, 0).repeat(20, 1)).save(tmp_path / "pictures" / f"{i}.png")
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    return tmp_path


def build(shop: Path, out: str, *more: str) -> int:
    models = ["--detector", str(shop / "detector.onnx"), "--embedder", str(shop / "embedder.onnx")]
    fit = ["--fit", str(shop / "pictures"), "--ndim", "2", "--out", str(shop / out)]
    return main(["bundle", *models, *fit, *more])


def test_graph_and_matrix_hold_the_same_fit(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert build(shop, "graph") == 0
    assert "broken.png" in capsys.readouterr().err
    assert build(shop, "matrix", "--float-embedder", str(shop / "embedder.onnx")) == 0
    graph, matrix = load_bundle(shop / "graph"), load_bundle(shop / "matrix")
    assert graph.embedder.projection is None and matrix.embedder.projection is not None
    crops = [trial_picture(), np.full((3, 5, 3), 200, np.uint8)]
    one, other = graph.open_embedder().embed(crops), matrix.open_embedder().embed(crops)
    assert one.shape == (2, 2) and np.allclose(one, other, atol=1e-5)
    rows = np.load(shop / "matrix" / "projection.npy")
    raw = matrix.open_embedder().raw(crops)
    assert np.allclose(l2_normalize(applied(rows, raw)), other, atol=1e-6)


def test_a_fitted_model_is_not_fitted_twice(shop: Path) -> None:
    rows = np.eye(4, 2, dtype=np.float32)
    with_projection(shop / "embedder.onnx", "vector", rows, shop / "fitted.onnx")
    with pytest.raises(ModelError, match="carries a fit already"):
        with_projection(shop / "fitted.onnx", "fitted", rows, shop / "again.onnx")


@pytest.mark.parametrize(
    ("more", "code", "sentence"),
    [
        (("--fit", "nowhere"), 3, "is not a folder"),
        (("--ndim", "0"), 2, "at least 1"),
        (("--ndim", "7"), 3, "are needed"),
    ],
)
def test_refuses_a_fit_that_cannot_be(
    shop: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], code: int, sentence: str
) -> None:
    assert build(shop, "bundle", *more) == code
    assert sentence in capsys.readouterr().err
    assert not (shop / "bundle").exists()
