"""Real models: what plain int8 makes of yolox_nano must not happen here."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.detections import Detections
from export.bundles.reading import read_model
from export.evaluation.photos import open_photo
from export.quantize import run as spine
from export.quantize.asking import Request, ask
from export.quantize.judging.running import open_detector
from export.quantize.run import quantize

PER_FOLDER = 24


@pytest.mark.full
def test_hot_dog_and_cat_of_yolox_nano_survive(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spine, "litert_forms", lambda *_: iter(()))
    model, photos = shared / "models/detectors/yolox_nano_416.onnx", tmp_path / "photos"
    photos.mkdir()
    for name in ("bottles_cups_det", "fork_scissors_det", "grocery_store/query", "clothing"):
        found = sorted((shared / "data" / name).rglob("*.jpg"))
        for path in found[:: max(1, len(found) // PER_FOLDER)]:
            (photos / f"{len(list(photos.iterdir())):03}.jpg").symlink_to(path)
    job, remarks = ask(model, Request(photos, targets=("pi",)))
    document = quantize(job, tmp_path / "out", remarks)
    [static] = [v for v in document["variants"] if v["scheme"] in ("qdq", "mixed")]
    assert static["passed"] and static["int8_macs_share"] >= 0.7 and static["size_ratio"] < 0.3
    labels = (shared / "models/labels/coco_classes.txt").read_text().split("\n")
    found_in = {name: _found(tmp_path / "out" / static["file"], shared, name) for name in ("hot_dog", "cat_720p")}
    names = {name: [labels[c] for c in found.class_id] for name, found in found_in.items()}
    assert "hot dog" in names["hot_dog"] and "pizza" not in names["hot_dog"]
    assert names["cat_720p"] == ["cat"] and found_in["cat_720p"].confidence[0] > 0.74


def _found(model: Path, shared: Path, name: str) -> Detections:
    return open_detector(read_model(model)).detect(open_photo(shared / f"models/images/{name}.jpg").image)
