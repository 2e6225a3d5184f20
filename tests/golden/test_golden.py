"""The golden kit: this Python gives its values, and a port that differs in any one step is told which."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.defaults import default_bundle, demo_shard
from edge.errors import ArtefactRefused
from edge.golden import GOLDEN, check_golden, golden_folder, observe, read_golden, read_pixels, summary
from edge.inference.hardware import Hardware
from edge.pipeline import Kit
from edge.shard import open_shard
from export.golden.writing import write_golden

AGAIN = "the default bundle or the demo shard has changed: run `python -m export golden`"
STEPS = ("pixels", "input", "outputs", "boxes", "crops", "embeddings", "products")


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())], hardware=Hardware(1))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden_folder(), tmp_path / "golden"))


def add_detection(picture: dict[str, Any], confidence: float) -> None:
    """Add a detection that nobody makes, with the crop that every detection has."""
    picture["detections"].append({"xyxy": [0, 0, 9, 9], "confidence": confidence})
    picture["crops"].append({"input": {"shape": [1]}, "embedding": [1.0] * 128, "top": []})


def spoil(tensor: dict[str, Any]) -> None:
    tensor.update(sha256="0", samples=[value + 0.1 for value in tensor["samples"]])


def alter(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = read_golden(folder)
    change(value)
    (folder / GOLDEN).write_text(json.dumps(value))


def test_golden_values_are_those_of_the_default_bundle(kit: Kit) -> None:
    golden = read_golden(golden_folder())
    assert golden["bundle"]["sha256"] == kit.bundle.sha256, AGAIN
    assert golden["shard"]["sha256"] == kit.gallery.shards[0].sha256, AGAIN


def test_every_step_of_every_picture_is_golden(kit: Kit) -> None:
    steps = check_golden(kit)
    assert [step.sentence for step in steps if not step.passed] == [], AGAIN
    assert {step.name for step in steps} == set(STEPS)
    assert len({step.picture for step in steps}) >= 4


def test_input_tensors_are_the_same_bits(kit: Kit) -> None:
    said = {step.sentence.split(": ")[1] for step in check_golden(kit) if step.name in ("input", "crops")}
    assert said == {"the same bits", "none, as expected"}


def test_kit_covers_no_product_and_several(kit: Kit) -> None:
    pictures = read_golden(golden_folder())["pictures"].values()
    assert {0, 1} <= {len(picture["detections"]) for picture in pictures}
    assert any(len(picture["crops"]) > 1 for picture in pictures)
    assert all(len(crop["embedding"]) == kit.bundle.embedder.ndim for p in pictures for crop in p["crops"])
    assert all(len(crop["top"]) == 5 for p in pictures for crop in p["crops"])


def test_kit_stays_small() -> None:
    assert sum(path.stat().st_size for path in golden_folder().iterdir()) < 300_000


@pytest.mark.parametrize(
    "step, change",
    [
        ("pixels", lambda p: p.update(pixels_sha256="0" * 64)),
        ("input", lambda p: spoil(p["input"])),
        ("input", lambda p: p["input"].update(shape=[1, 320, 320, 3])),
        ("outputs", lambda p: p["outputs"].update({"other": p["outputs"].pop("scores")})),
        ("outputs", lambda p: spoil(p["outputs"]["scores"])),
        ("boxes", lambda p: p["detections"][0].update(xyxy=[v + 2.5 for v in p["detections"][0]["xyxy"]])),
        ("boxes", lambda p: p["detections"][0].update(confidence=0.1)),
        ("boxes", lambda p: add_detection(p, 0.9)),
        ("crops", lambda p: p["crops"][0]["input"].update(shape=[1])),
        ("embeddings", lambda p: p["crops"][0].update(embedding=p["crops"][0]["embedding"][::-1])),
        ("products", lambda p: p["crops"][0].update(top=p["crops"][0]["top"][1:])),
        ("products", lambda p: p["crops"][0]["top"][0].update(similarity=0.5)),
    ],
)
def test_a_step_that_differs_is_named(
    kit: Kit, copy: Path, step: str, change: Callable[[dict[str, Any]], object]
) -> None:
    alter(copy, lambda value: change(value["pictures"]["one"]))
    failed = {(found.picture, found.name) for found in check_golden(kit, copy) if not found.passed}
    assert ("one", step) in failed
    assert {picture for picture, _ in failed} == {"one"}


def test_a_box_at_the_threshold_may_come_and_go(kit: Kit, copy: Path) -> None:
    least = kit.bundle.detector.decoding.score_threshold
    alter(copy, lambda value: add_detection(value["pictures"]["none"], least + 0.001))
    assert [s for s in check_golden(kit, copy) if s.picture == "none" and s.name == "boxes" and not s.passed] == []


@pytest.mark.parametrize("change", [{"schema": 2}, {"bundle": {}}, {"tolerance": {}}, {"pictures": {"none": {}}}])
def test_rejects_a_kit_that_is_malformed_or_another_bundles(kit: Kit, copy: Path, change: dict[str, Any]) -> None:
    alter(copy, lambda value: value.update(change))
    with pytest.raises(ArtefactRefused, match=r"golden\.json"):
        check_golden(kit, copy)


def test_rejects_a_kit_without_its_pictures(kit: Kit, copy: Path) -> None:
    (copy / "one.png").unlink()
    with pytest.raises(ArtefactRefused, match=r"one\.png"):
        check_golden(kit, copy)


def test_writing_the_kit_again_gives_the_same_values(kit: Kit, tmp_path: Path) -> None:
    pictures = {path.stem: read_pixels(path) for path in sorted(golden_folder().glob("*.png"))}
    again = write_golden(kit, pictures, tmp_path / "golden")["pictures"]
    stored = read_golden(golden_folder())["pictures"]
    assert {name: entry["pixels_sha256"] for name, entry in again.items()} == {
        name: entry["pixels_sha256"] for name, entry in stored.items()
    }
    assert [step for step in check_golden(kit, tmp_path / "golden") if not step.passed] == []


def test_summary_of_nothing_and_of_something() -> None:
    assert summary(np.zeros((0, 4), np.float32))["samples"] == []
    tensor = np.arange(12, dtype=np.float32).reshape(3, 4)
    told = summary(tensor)
    assert (told["shape"], told["min"], told["max"], told["mean"]) == ([3, 4], 0, 11, 5.5)
    assert told["samples"] == list(range(12))


def test_samples_visit_every_column(kit: Kit) -> None:
    ramp = np.tile(np.arange(320, dtype=np.float32), (1, 3, 320, 1))
    assert len(set(summary(ramp)["samples"])) > 50


def test_observation_of_given_boxes_cuts_those(kit: Kit) -> None:
    image = read_pixels(golden_folder() / "one.png")
    found = observe(kit, image, np.float32([[0, 0, 20, 10], [5, 5, 50, 80]]))
    assert len(found["crops"]) == 2
