"""The browser's steps, each held to the golden kit: the same pixels, tensors, boxes, crops, vectors, products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.golden import golden_folder, read_golden
from tests.web.engine.harness import Harness

GOLDEN = read_golden(golden_folder())
NAMES = sorted(GOLDEN["pictures"])


@pytest.fixture(scope="module", params=NAMES)
def seen(request: pytest.FixtureRequest, chromium: Any, address: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the browser makes of one picture, and what is golden."""
    golden = GOLDEN["pictures"][request.param]
    harness = Harness(chromium, address)
    boxes = [one["xyxy"] for one in golden["detections"]]
    script = """async (h, url, boxes) =>
        h.observe('/bundle/', await h.catalogOf('/shard/', true), await h.fileOf(url), boxes)"""
    observed = harness.call(script, f"/golden/{request.param}.png", boxes)
    harness.page.close()
    return observed, golden


def test_pixels_and_input_tensor_are_the_same_bits(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    observed, golden = seen
    assert observed["pixels_sha256"] == golden["pixels_sha256"]
    assert observed["input"]["sha256"] == golden["input"]["sha256"]


def test_boxes_are_within_two_pixels(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    observed, golden = seen
    tolerance = GOLDEN["tolerance"]
    assert len(observed["detections"]) == len(golden["detections"])
    for found, wanted in zip(observed["detections"], golden["detections"], strict=True):
        assert np.abs(np.subtract(found["xyxy"], wanted["xyxy"])).max() <= tolerance["box_pixels"]
        assert abs(found["confidence"] - wanted["confidence"]) <= tolerance["confidence"]


def test_crops_are_the_same_bits_and_vectors_and_products_agree(seen: tuple[dict[str, Any], dict[str, Any]]) -> None:
    observed, golden = seen
    tolerance = GOLDEN["tolerance"]
    for found, wanted in zip(observed["crops"], golden["crops"], strict=True):
        assert found["resolution_wh"] == wanted["resolution_wh"]
        assert found["input"]["sha256"] == wanted["input"]["sha256"]
        assert np.dot(found["embedding"], wanted["embedding"]) >= tolerance["cosine"]
        assert [one["product_id"] for one in found["top"]] == [one["product_id"] for one in wanted["top"]]
        assert (
            np.abs([f["similarity"] - w["similarity"] for f, w in zip(found["top"], wanted["top"], strict=True)]).max()
            <= 0.01
        )
