"""`export debug`: the tensors of a quantized file, worst first, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from export.cli import main
from export.quantize.compacting import compacted
from export.quantize.layers import Layers
from export.quantize.preparing import prepare
from export.quantize.ranges import float_tensors, observe_ranges
from export.quantize.static import quantized
from tests.quantize.judging_kit import pictures as photos
from tests.quantize.small_networks import SIDECAR, network, pictures, reading_of


@pytest.fixture
def models(tmp_path: Path) -> tuple[Path, Path]:
    """Return a float model and a static one whose range of the boxes is too small."""
    prepared = prepare(reading_of(network(11), tmp_path / "float.onnx")).model
    ranges = observe_ranges(prepared, pictures(8)).ranges("min_max")
    ranges["boxes"] = (ranges["boxes"][0] / 20, ranges["boxes"][1] / 20)
    static = compacted(quantized(prepared, ranges, Layers.of(prepared)), float_tensors(prepared))
    onnx.save(static, tmp_path / "int8.onnx")
    (tmp_path / "int8.onnx.toml").write_text(SIDECAR)
    photos(tmp_path / "photos")
    return tmp_path / "int8.onnx", tmp_path / "float.onnx"


def test_worst_tensor_comes_first(
    models: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["debug", str(models[0]), "--reference", str(models[1]), "--images", str(tmp_path / "photos")]
    assert main([*words, "--worst", "2", "--json", str(tmp_path / "tensors.json")]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 3
    tensors = json.loads((tmp_path / "tensors.json").read_text())["tensors"]
    ratios = [tensor["snr_db"] for tensor in tensors]
    assert ratios == sorted(ratios)
    by_name = {tensor["name"]: tensor["snr_db"] for tensor in tensors}
    assert by_name["boxes"] < 10 < by_name["logits"]


def test_a_model_beside_itself_has_no_noise(models: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["debug", str(models[1]), "--reference", str(models[1]), "--images", str(tmp_path / "photos")]
    assert main([*words, "--json", str(tmp_path / "tensors.json")]) == 0
    tensors = json.loads((tmp_path / "tensors.json").read_text())["tensors"]
    assert tensors and min(tensor["snr_db"] for tensor in tensors) > 100


def test_tflite_files_are_sent_to_check(
    models: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["debug", "m.tflite", "--reference", str(models[1]), "--images", str(tmp_path / "photos")]
    assert main(words) == 3
    assert "python -m export check compares the results of both" in capsys.readouterr().err
