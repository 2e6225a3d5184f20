"""The walk of docs/your-model.md, run as it is written, for each export that it speaks of."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.geometry import iou
from edge.preprocessing import ImageArray
from export.render import demo_products
from export.render.camera import Pose
from export.render.packshot import render_pose
from tests.docs import walk_models
from tests.docs.code_blocks import REPOSITORY, shown_commands

WALK = REPOSITORY / "docs/your-model.md"
LEFT, TOP = 310, 90
PRODUCT = 5
EXPORTS: dict[str, Callable[[Path], Path]] = {
    "yolov8": lambda path: walk_models.yolov8_layout(path, classes=80),
    "yolov8, one class": lambda path: walk_models.yolov8_layout(path, classes=1),
    "end_to_end": walk_models.with_suppression_inside,
}


def on_grey(cutout: ImageArray, size_wh: tuple[int, int], left: int, top: int) -> ImageArray:
    canvas = np.full((size_wh[1], size_wh[0], 3), 114, np.uint8)
    height, width = cutout.shape[:2]
    share = cutout[..., 3:].astype(np.float32) / 255
    window = canvas[top : top + height, left : left + width]
    window[:] = np.rint(cutout[..., :3] * share + window * (1 - share))
    return canvas


@pytest.fixture
def workshop(tmp_path: Path) -> Path:
    """Return a folder with products, a photo of one of them in another pose, and the embedder; its sidecar as shown."""
    products = demo_products(8)
    (tmp_path / "packshots").mkdir()
    with (tmp_path / "items.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["product_id", "title", "image"])
        for product in products:
            cutout = render_pose(product, Pose(0.0, 0.05, 0.0, 5.0), 200)
            picture = on_grey(cutout, (cutout.shape[1], cutout.shape[0]), 0, 0)
            Image.fromarray(picture).save(tmp_path / "packshots" / f"{product.product_id}.png")
            rows.writerow([product.product_id, product.title, f"{product.product_id}.png"])
    cutout = render_pose(products[PRODUCT], Pose(0.12, 0.08, 0.0, 4.0), 330)
    Image.fromarray(on_grey(cutout, (800, 600), LEFT, TOP)).save(tmp_path / "photo.jpg", quality=95, subsampling=0)
    ys, xs = np.nonzero(cutout[..., 3] > 127)
    box = [LEFT + xs.min(), TOP + ys.min(), LEFT + xs.max() + 1, TOP + ys.max() + 1]
    (tmp_path / "truth.json").write_text(json.dumps([float(v) for v in box]))
    walk_models.embedder(tmp_path / "embedder.onnx")
    sidecar = re.search(r"^```toml\n(.*?)^```", WALK.read_text(), re.MULTILINE | re.DOTALL)
    assert sidecar is not None
    (tmp_path / "embedder.onnx.toml").write_text(sidecar[1])
    return tmp_path


@pytest.mark.parametrize("export", EXPORTS)
def test_the_walk_leads_to_the_right_tag(workshop: Path, export: str) -> None:
    EXPORTS[export](workshop / "detector.onnx")
    said = [run(words[1:], workshop) for words in (command.words for command in shown_commands(WALK))]
    assert len(said) == 5
    assert f"family         {export.split(',')[0]}" in said[0] and "kind           embedder" in said[1]
    [source] = json.loads((workshop / "tags.json").read_text())["sources"]
    [tag] = source["tags"]
    assert (tag["product_id"], tag["status"]) == (demo_products(8)[PRODUCT].product_id, "match")
    truth = json.loads((workshop / "truth.json").read_text())
    assert iou(np.float32([tag["best"]["xyxy"]]), np.float32([truth]))[0, 0] > 0.95
    assert source["unmatched"] == []
    with Image.open(workshop / "tagged.jpg") as tagged:
        assert tagged.size == (800, 600)


def run(words: tuple[str, ...], folder: Path) -> str:
    environment = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout
