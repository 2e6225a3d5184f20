"""`make bench`: what the package ships is no slower in a browser than the float models restored from it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import onnx
import pytest

from edge.defaults import default_bundle
from export.bundles.reading import read_model
from export.golden.pictures import golden_pictures
from export.quantize.preparing import prepare
from tests.bench.bench_web_models import RUNTIME, Case, measure, table

SLOWER = 1.1
"""Between the least times of a run: they move least on a machine that does other things too."""


@pytest.mark.bench
def test_shipped_models_are_as_fast_as_float_in_chromium(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not RUNTIME.is_dir() or shutil.which(os.environ.get("CHROMIUM", "chromium")) is None:
        pytest.skip("needs Chromium, and npm ci --ignore-scripts --prefix tests/bench/web_models")
    asked: list[Case] = []
    for role in ("detector", "embedder"):
        reading = read_model(default_bundle() / f"{role}.onnx")
        assert reading.preprocessing is not None
        feed = reading.preprocessing.apply(golden_pictures()["one"])[0]
        onnx.save(prepare(reading).model, tmp_path / f"{role}.onnx")
        asked += [Case(role, "float", tmp_path / f"{role}.onnx", feed), Case(role, "as shipped", reading.path, feed)]
    answer = measure(asked)
    with capsys.disabled():
        print(f"\n{table(asked, answer)}")
    runs = [min(each["runs"]) for each in answer["cases"]]
    for floating, shipped in zip(runs[::2], runs[1::2], strict=True):
        assert shipped <= SLOWER * floating
