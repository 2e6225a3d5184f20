"""`export evaluate` as a user runs it, on pictures of one colour whose right answers are known."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.bundle import load_bundle
from edge.shard import ProductRecord, write_shard
from edge.shard.content import canonical_columns
from edge.shard.vectors import quantize
from edge.verdict import read_verdict
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

REPOSITORY = Path(__file__).resolve().parents[2]
SIZE_WH = (64, 32)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}
PRODUCTS = ("red", "green", "blue")
# the detector finds one box on the left side of every picture
FOUND_XYWH = [4, 4, 16, 16]


def export(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "export", *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def picture(path: Path, left: str, right: str) -> None:
    pixels = np.empty((SIZE_WH[1], SIZE_WH[0], 3), np.uint8)
    pixels[:, :32], pixels[:, 32:] = COLOURS[left], COLOURS[right]
    Image.fromarray(pixels).save(path)


def shard_of_colours(out: Path, space_id: str) -> Path:
    records = [ProductRecord(name, name.title()) for name in PRODUCTS]
    vectors = quantize(np.array([COLOURS[name] for name in PRODUCTS], np.float32))
    columns = canonical_columns(records, np.arange(3, dtype=np.uint64), vectors, np.arange(3))
    write_shard(out, "colours", 1, space_id, columns)
    return out


@pytest.fixture(scope="module")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kit")
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    done = export(
        *("bundle", "--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx"),
        *("--embedder-mean", "0", "--embedder-std", "255", "--out", folder / "bundle"),
        *("--similarity-threshold", "0.7", "--margin-threshold", "0.05"),
    )
    assert done.returncode == 0, done.stderr
    shard_of_colours(folder / "shard", load_bundle(folder / "bundle").space_id)
    (folder / "photos").mkdir()
    for left, right in (("red", "green"), ("green", "red"), ("blue", "red"), ("white", "white"), ("white", "red")):
        picture(folder / "photos" / f"{left}-{right}.png", left, right)
    return folder


def evaluate(kit: Path, queries: str, *options: str | Path) -> subprocess.CompletedProcess[str]:
    file = kit / "queries.csv"
    file.write_text(queries)
    models = ("--bundle", kit / "bundle", "--shard", kit / "shard")
    return export("evaluate", *models, "--queries", file, "--images", kit / "photos", "--json", "-", *options)


def figures(document: dict[str, Any]) -> list[float | None]:
    names = ("recall_at_1", "recall_at_5", "tag_precision", "tag_recall", "false_tag_rate")
    return [document[name] for name in names]


QUERIES = """path,product_id,group
red-green.png,red,near
green-red.png,green,near
blue-red.png,red,far
white-white.png,,far
"""


def test_no_query_is_an_ordinary_result(kit: Path) -> None:
    done = evaluate(kit, "path,product_id\n")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["queries"] == 0
    assert figures(document) == [None] * 5


def test_figures_of_photos_with_known_answers(kit: Path) -> None:
    done = evaluate(kit, QUERIES)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["queries"] == 4
    assert figures(document) == pytest.approx([2 / 3, 1, 2 / 3, 2 / 3, 0], abs=1e-4)
    assert set(document["by"]) == {"near", "far"}
    assert figures(document["by"]["near"]) == [1, 1, 1, 1, None]
    assert document["ci95"]["recall_at_1"][0] < 2 / 3 < document["ci95"]["recall_at_1"][1]
    assert document["shard"]["items"] == 3
    assert (document["crop"], document["crops"], document["skipped"]) == ("detector", 4, 0)
    assert "recall@1" in done.stderr and "near" in done.stderr


@pytest.mark.parametrize(("crop", "expected"), [("centre", [1, 0]), ("whole", [1, 0])])
def test_other_crops_leave_the_detector_out(kit: Path, crop: str, expected: list[int]) -> None:
    """Half red, half green is as near to either: among the first, and ambiguous."""
    done = evaluate(kit, "path,product_id\nred-green.png,red\ngreen-red.png,green\n", "--crop", crop)
    document = json.loads(done.stdout)
    assert [document["recall_at_5"], document["tag_recall"]] == expected
    assert document["tag_precision"] is None


def test_names_the_lines_that_cannot_be_used_and_measures_the_others(kit: Path) -> None:
    done = evaluate(kit, QUERIES + "nowhere.png,red,\nred-green.png,purple,\n,red,\n")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert (document["queries"], document["skipped"]) == (4, 3)
    for part in ("queries.csv, line 6: ", "line 7: product 'purple' is not in the shard", "line 8: no path is given"):
        assert part in done.stderr


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["--queries", "q.csv"], 2, "--queries needs --shard"),
        (
            ["--queries", "q.csv", "--shard", "s", "--verdict", "v.json"],
            2,
            "--verdict and --min-recall belong",
        ),
        (["--coco", "c.json", "--verdict", "v.json", "--min-recall", "0.5"], 2, "--verdict is about a shard"),
        (["--queries", "q.csv", "--verdict", "v", "--min-recall", "2"], 2, "--min-recall 2: between 0 and 1"),
        (["--queries", "q.csv", "--coco", "c.json"], 2, "not allowed with"),
        ([], 2, "one of the arguments --queries --coco --clips is required"),
        (["--coco", "c.json", "--shard", "shard"], 2, "leave --shard away"),
        (["--coco", "nowhere.json"], 3, "nowhere.json: cannot be read as a COCO file"),
        (["--queries", "nowhere.csv", "--shard", "shard"], 3, "nowhere.csv: cannot be read"),
    ],
)
def test_refuses_a_wrong_call(kit: Path, options: list[str], code: int, part: str) -> None:
    done = export("evaluate", "--bundle", kit / "bundle", "--images", kit / "photos", *options)
    assert done.returncode == code, done.stderr
    assert part in done.stderr
    assert "Traceback" not in done.stderr


def test_refuses_a_shard_of_another_space(kit: Path, tmp_path: Path) -> None:
    shard = shard_of_colours(tmp_path / "shard", "0" * 64)
    done = evaluate(kit, QUERIES, "--shard", shard)
    assert done.returncode == 4
    assert "embedding space 000000000000" in done.stderr


def coco(path: Path, images: list[str], boxes: list[tuple[int, list[int]]]) -> Path:
    labels = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(images)],
        "annotations": [{"image_id": number, "bbox": box, "category_id": 1} for number, box in boxes],
        "categories": [{"id": 1, "name": "thing"}],
    }
    path.write_text(json.dumps(labels))
    return path


def detect(kit: Path, labels: Path) -> subprocess.CompletedProcess[str]:
    images = kit / "photos"
    return export("evaluate", "--bundle", kit / "bundle", "--coco", labels, "--images", images, "--json", "-")


@pytest.mark.parametrize(
    ("images", "boxes", "ap50", "recall", "precision"),
    [
        ([], [], None, None, None),
        (["red-green.png"], [], None, None, 0),
        (["red-green.png"], [(0, FOUND_XYWH)], 1, 1, 1),
        (["red-green.png"], [(0, [40, 4, 16, 16])], 0, 0, 0),
        (["red-green.png", "blue-red.png"], [(0, FOUND_XYWH), (1, [40, 4, 16, 16])], 0.5, 0.5, 0.5),
    ],
    ids=["no image", "no box", "found", "missed", "one of two"],
)
def test_detector_against_labelled_boxes(
    kit: Path,
    tmp_path: Path,
    images: list[str],
    boxes: list[tuple[int, list[int]]],
    ap50: float | None,
    recall: float | None,
    precision: float | None,
) -> None:
    done = detect(kit, coco(tmp_path / "labels.json", images, boxes))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["images"], document["boxes"]) == (len(images), len(boxes))
    assert document["ap50"] == pytest.approx(ap50, abs=0.01)
    assert (document["recall_at_threshold"], document["precision_at_threshold"]) == (recall, precision)
    assert document["threshold"] == load_bundle(kit / "bundle").detector.decoding.score_threshold


def test_missing_image_is_named_and_the_others_are_measured(kit: Path, tmp_path: Path) -> None:
    done = detect(kit, coco(tmp_path / "labels.json", ["nowhere.png", "red-green.png"], [(1, FOUND_XYWH)]))
    assert done.returncode == 3
    assert "nowhere.png" in done.stderr
    document = json.loads(done.stdout)
    assert (document["images"], document["ap50"], document["skipped"]) == (1, 1, 1)


@pytest.mark.parametrize("content", ["", "[]", '{"images": []}', '{"images": [{"id": 1}], "annotations": []}'])
def test_refuses_what_is_no_coco_file(kit: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "labels.json").write_text(content)
    done = detect(kit, tmp_path / "labels.json")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "labels.json" in done.stderr


def test_a_verdict_says_whether_the_recall_was_reached(kit: Path) -> None:
    path = kit / "verdict.json"
    for minimum, code in ((0.6, 0), (0.7, 5)):
        done = evaluate(kit, QUERIES, "--verdict", path, "--min-recall", str(minimum))
        assert done.returncode == code, done.stderr
        verdict = read_verdict(path)
        assert verdict.shard == json.loads(done.stdout)["shard"]["sha256"]
        assert verdict.passed == (code == 0)
        (check,) = verdict.checks
        assert (check["name"], check["minimum"], check["queries"]) == ("recall_at_1", minimum, 4)
    assert "recall@1 is below --min-recall 0.7" in done.stderr


def test_a_verdict_on_no_photo_is_not_passed(kit: Path) -> None:
    done = evaluate(kit, "path,product_id\n", "--verdict", kit / "none.json", "--min-recall", "0")
    assert done.returncode == 5 and not read_verdict(kit / "none.json").passed
