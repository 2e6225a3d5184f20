"""`export catalog` as a user runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.shard import open_shard
from tests.catalog.pictures import paint, write_items
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

REPOSITORY = Path(__file__).resolve().parents[2]
SIZE_WH = (64, 32)


def export(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "export", *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)


def assert_one_sentence(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> None:
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and len(done.stderr.strip().splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    models = ("--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx")
    done = export("bundle", *models, "--out", folder / "bundle")
    assert done.returncode == 0, done.stderr
    return folder / "bundle"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number in range(3):
        paint(tmp_path / "images", f"{number}.png", number)
    rows = [(f"p{n % 2}", f"Title {n % 2}", f"{n}.png", "1.00") for n in range(3)]
    return write_items(tmp_path / "my items.csv", rows)


def test_builds_and_updates_and_says_what_it_did(table: Path, bundle: Path) -> None:
    common = (table, "--images", table.parent / "images", "--bundle", bundle, "--json", "-")
    done = export("catalog", *common, "--out", table.parent / "shard", "--thumbnails", "500")
    assert done.returncode == 0, done.stderr
    first = json.loads(done.stdout)
    assert (first["catalog"], first["version"], first["products"], first["views"]) == ("my-items", 1, 2, 3)
    assert (first["embedded"], first["thumbnails"], first["problems"], first["ndim"]) == (3, 2, [], 3)
    assert first["peak_memory_bytes"] > 1e7 and "pictures/s" in done.stderr and "peak" in done.stderr
    done = export("catalog", *common, "--update", table.parent / "shard", "--out", table.parent / "next")
    second = json.loads(done.stdout)
    assert (second["catalog"], second["version"], second["carried"], second["embedded"]) == ("my-items", 2, 3, 0)
    shard = open_shard(table.parent / "next")
    assert shard.sha256 == first["sha256"] == second["sha256"] and shard.space_id == second["space_id"]


def test_bad_row_is_said_and_the_others_are_done(table: Path, bundle: Path) -> None:
    table.write_text(table.read_text() + "p9,Nine,gone.png,1\n")
    arguments = ("--images", table.parent / "images", "--bundle", bundle, "--out", table.parent / "shard")
    assert_one_sentence(export("catalog", table, *arguments), 3, "line 5", "gone.png", "no such picture")
    assert open_shard(table.parent / "shard").views == 3


@pytest.mark.parametrize(
    ("change", "code", "parts"),
    [
        ({"--images": "nowhere"}, 2, ("nowhere: no such folder",)),
        ({"--thumbnails": "5000"}, 2, ("between 0 and 3000",)),
        ({"--version": "0"}, 2, ("a version is 1 or more",)),
        ({"--name": "a/b"}, 2, ("--name 'a/b'",)),
        ({"--bundle": "nowhere"}, 4, ("nowhere", "not a bundle")),
        ({"--update": "nowhere"}, 4, ("nowhere", "not a shard")),
        ({"--out": "images"}, 3, ("is not a shard",)),
    ],
)
def test_wrong_call_is_one_sentence(
    table: Path, bundle: Path, change: dict[str, str], code: int, parts: tuple[str, ...]
) -> None:
    paths = {"--images", "--bundle", "--update", "--out"}
    options = {"--images": "images", "--bundle": str(bundle), "--out": "shard", **change}
    given = [str(table.parent / v) if k in paths else v for k, v in options.items()]
    arguments = [word for pair in zip(options, given, strict=True) for word in pair]
    assert_one_sentence(export("catalog", table, *arguments), code, *parts)
    assert not (table.parent / "shard").exists()


def test_altered_old_shard_is_refused(table: Path, bundle: Path) -> None:
    arguments = ("--images", table.parent / "images", "--bundle", bundle)
    assert export("catalog", table, *arguments, "--out", table.parent / "shard").returncode == 0
    path = table.parent / "shard" / "vectors.npy"
    path.write_bytes(path.read_bytes()[:-1])
    done = export("catalog", table, *arguments, "--update", table.parent / "shard", "--out", table.parent / "next")
    assert_one_sentence(done, 4, "vectors.npy", "expected")


def test_grocery_store_becomes_a_shard_that_finds_its_own_pictures(shared: Path, tmp_path: Path) -> None:
    """The 61 catalogue pictures of real products, embedded by a real model."""
    import csv

    from edge.bundle import load_bundle
    from edge.gallery import Gallery
    from edge.media.pictures import read_picture

    store, models = shared / "data" / "grocery_store", shared / "models"
    with (store / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["role"] == "catalogue" or row["role"] == "catalog"]
    lines = ["product_id,title,image,category"]
    lines += [f"{row['product_id']},{row['product_id']},{row['path']},{row['category']}" for row in rows]
    (tmp_path / "items.csv").write_text("\n".join(lines), encoding="utf-8")
    for name in ("detectors/yolox_nano_416.onnx", "embedders/mobilenet_v1_100_embedder.onnx"):
        for found in (models / name).parent.glob(Path(name).stem + ".*"):
            shutil.copy(found, tmp_path / found.name)
    pair = ("--detector", tmp_path / "yolox_nano_416.onnx", "--embedder", tmp_path / "mobilenet_v1_100_embedder.onnx")
    done = export("bundle", *pair, "--out", tmp_path / "bundle")
    assert done.returncode == 0, done.stderr
    arguments = ("--images", store, "--bundle", tmp_path / "bundle", "--out", tmp_path / "shard", "--json", "-")
    done = export("catalog", tmp_path / "items.csv", *arguments)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["views"] == len(rows) == 61
    bundle, shard = load_bundle(tmp_path / "bundle"), open_shard(tmp_path / "shard")
    embeddings = bundle.open_embedder().embed([read_picture(str(store / row["path"])) for row in rows])
    matches = Gallery([shard], bundle.space_id, bundle.name).search(embeddings, 5)
    found = [shard.record(int(product)).product_id for product in matches.product[:, 0]]
    assert found == [row["product_id"] for row in rows] and matches.similarity[:, 0].min() > 0.999
