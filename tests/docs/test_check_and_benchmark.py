"""The commands of docs/check.md and docs/benchmark.md, run as they are written, on small models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from export.bundles.build import BundleSettings, build_bundle
from export.bundles.reading import read_model
from tests.docs.code_blocks import REPOSITORY, run, shown_commands
from tests.quantize import judging_kit as kit

PRODUCTS = ("red", "red", "green", "green", "blue", "blue")


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """Return a folder with everything that the two documents name."""
    photos = kit.pictures(tmp_path / "photos", copies=2)
    kit.bundle_and_shard(tmp_path)
    kit.detector(tmp_path / "detector-int8.onnx", distance=0.98, score=0.74)
    kit.embedder(tmp_path / "embedder-int8.onnx", bias=(0.01, 0, 0))
    variants = (read_model(tmp_path / f"{role}-int8.onnx") for role in ("detector", "embedder"))
    build_bundle(*variants, BundleSettings("small-int8"), tmp_path / "bundle-int8")
    kit.queries(tmp_path / "queries.csv", {photo.name: PRODUCTS[n % 8] for n, photo in enumerate(photos) if n % 8 < 6})
    images = [{"id": n, "file_name": photo.name} for n, photo in enumerate(photos)]
    boxes = [{"image_id": n, "bbox": [4, 4, 16, 16], "category_id": 1} for n in range(len(photos))]
    (tmp_path / "labels.json").write_text(json.dumps({"images": images, "annotations": boxes}))
    return tmp_path


def test_commands_of_check_judge_the_variants(workshop: Path) -> None:
    said = [run(command.words, workshop) for command in shown_commands(REPOSITORY / "docs/check.md")]
    assert len(said) == 5 and "quantization   float" in said[0]
    assert all("holds the budget" in text for text in said[1:])
    assert "tag recall, float" in said[4]
    assert json.loads((workshop / "check.json").read_text())["passed"] is True


def test_commands_of_benchmark_measure_both_bundles(workshop: Path) -> None:
    said = [run(command.words, workshop) for command in shown_commands(REPOSITORY / "docs/benchmark.md")]
    assert len(said) == 3 and "taglet" in said[0] and "AP50" in said[2]
    assert {row["name"] for row in json.loads((workshop / "benchmark.json").read_text())["rows"]} == {
        "small",
        "small-int8",
    }
    assert (workshop / "benchmark.png").stat().st_size > 10_000
