"""The commands of docs/quantize.md, run one after the other as they stand there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from export.golden.pictures import golden_pictures
from tests.docs.code_blocks import REPOSITORY, shown_commands


@pytest.mark.full
def test_the_guide_runs_from_top_to_bottom(tmp_path: Path) -> None:
    shutil.copytree(default_bundle(), tmp_path / "bundle")
    for name in ("detector.onnx", "embedder.onnx"):
        shutil.copy(default_bundle() / name, tmp_path)
    (tmp_path / "photos").mkdir()
    for seed in range(8):
        for name, image in golden_pictures(seed).items():
            Image.fromarray(image).save(tmp_path / "photos" / f"{seed}-{name}.png")
    commands = [c.words for c in shown_commands(REPOSITORY / "docs/quantize.md") if c.words[0] == "python"]
    assert [words[3] for words in commands] == ["quantize", "debug", "quantize", "bundle"]
    for words in commands:
        done = subprocess.run([sys.executable, *words[1:]], cwd=tmp_path, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    for folder in ("quantized", "quantized-embedder"):
        report = json.loads((tmp_path / folder / "report.json").read_text())
        assert all((tmp_path / folder / file).is_file() for file in report["recommended"].values())
    assert load_bundle(tmp_path / "web-bundle").space_id == load_bundle(default_bundle()).space_id
