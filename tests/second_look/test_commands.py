"""The second look as a user meets it: pack and rule in, better answers and honest documents out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from tests.second_look.prints import draw_print
from tests.small_models import constant_detector, fcos_outputs, mean_embedder

pytest.importorskip("cv2")
REPOSITORY = Path(__file__).resolve().parents[2]
SIZE_WH = (64, 32)
PRINTS = range(3)


def run(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", program, *map(str, arguments)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False)


def done(program: str, *arguments: str | Path) -> dict[str, object]:
    result = run(program, *arguments, "--json", "-")
    assert result.returncode == 0, result.stderr
    value: dict[str, object] = json.loads(result.stdout)
    return value


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Prints that a mean colour hardly tells apart, a catalogue of them with a pack, and photos of them."""
    folder = tmp_path_factory.mktemp("shop")
    lines, queries = ["product_id,title,image"], ["path,product_id"]
    for number in PRINTS:
        picture = Image.fromarray(draw_print(number))
        picture.save(folder / f"{number}.png")
        picture.resize((260, 260)).rotate(5).save(folder / f"photo{number}.png")
        lines.append(f"p{number},Print {number},{number}.png")
        queries.append(f"photo{number}.png,p{(number)}")
    (folder / "items.csv").write_text("\n".join(lines))
    (folder / "queries.csv").write_text("\n".join(queries))
    models = ("--detector", folder / "detector.onnx", "--embedder", folder / "embedder.onnx")
    constant_detector(folder / "detector.onnx", SIZE_WH, fcos_outputs(SIZE_WH))
    mean_embedder(folder / "embedder.onnx")
    common = (*models, "--embedder-mean", "0", "--embedder-std", "255", "--similarity-threshold", "0.2")
    done("export", "bundle", *common, "--second-look", "--out", folder / "bundle")
    done("export", "bundle", *common, "--out", folder / "without")
    items = (folder / "items.csv", "--images", folder, "--bundle", folder / "bundle")
    made = done("export", "catalog", *items, "--second-look", "--out", folder / "shard")
    assert made["keypoints"] == len(PRINTS)
    assert done("export", "catalog", *items, "--out", folder / "bare")["keypoints"] == 0
    return folder


def test_evaluate_prints_both_rows(shop: Path) -> None:
    asked = ("--queries", shop / "queries.csv", "--images", shop, "--crop", "whole", "--bundle", shop / "bundle")
    document = done("export", "evaluate", *asked, "--shard", shop / "shard")
    assert document["second_look"] is True and document["recall_at_1"] == 1
    alone = done("export", "evaluate", *asked, "--shard", shop / "shard", "--no-second-look")
    bare = done("export", "evaluate", *asked, "--shard", shop / "bare")
    for without in (alone, bare):
        assert without["second_look"] is False and without["recall_at_1"] == without["embedder_alone"]["recall_at_1"]
        assert without["embedder_alone"] == document["embedder_alone"]
    table = run("export", "evaluate", *asked, "--shard", shop / "shard").stdout
    assert "all, with second look" in table and "all, embedder alone" in table


@pytest.mark.parametrize(
    ("bundle", "shard", "option", "field", "said"),
    [
        ("bundle", "shard", None, True, ""),
        ("bundle", "shard", "--no-second-look", False, ""),
        ("bundle", "bare", None, "absent", ""),
        ("bundle", "bare", "--second-look", False, "no catalogue has a keypoint pack"),
        ("without", "shard", None, "absent", ""),
        ("without", "shard", "--second-look", False, "the bundle has none"),
    ],
)
def test_tag_looks_again_where_it_can_and_says_why_not_if_asked(
    shop: Path, bundle: str, shard: str, option: str | None, field: object, said: str
) -> None:
    arguments = ["tag", shop / "photo1.png", "--bundle", shop / bundle, "--shard", shop / shard, "--json", "-"]
    result = run("edge", *arguments, *([option] if option else []))
    assert result.returncode == 0 and said in result.stderr and ("no second look" in result.stderr) == bool(said)
    document = json.loads(result.stdout)
    assert document.get("second_look", "absent") == field
    assert len(document["sources"][0]["tags"]) == 1


def test_an_altered_pack_is_refused_in_one_sentence(shop: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(shop / "shard", tmp_path / "shard")
    path = tmp_path / "shard" / "keypoints" / "sha256.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    arguments = ("tag", shop / "photo1.png", "--bundle", shop / "bundle", "--shard", tmp_path / "shard")
    result = run("edge", *arguments)
    assert result.returncode == 4 and "altered" in result.stderr and "Traceback" not in result.stderr
    assert run("edge", *arguments, "--no-second-look").returncode == 0


def test_a_calibrated_catalogue_is_looked_at_whatever_the_lead(shop: Path, tmp_path: Path) -> None:
    shard, nothing = tmp_path / "shard", tmp_path / "nothing"
    shutil.copytree(shop / "shard", shard)
    nothing.mkdir()
    for number in range(60):
        Image.new("RGB", (40, 30), (number, 2 * number, 3 * number)).save(nothing / f"{number}.png")
    models = ("--bundle", shop / "bundle", "--shard", shard)
    calibrated = done("export", "calibrate", *models, "--nothing", nothing, "--max-false-tags", "0.05")
    ways = cast("list[dict[str, dict[str, float]]]", calibrated["ways"])
    assert [way["second_look"] and way["second_look"]["margin_threshold"] for way in ways] == [2.0, None]
    judged = done("export", "evaluate", *models, "--queries", shop / "queries.csv", "--images", shop)
    assert judged["similarity_threshold"] == ways[0]["matching"]["similarity_threshold"]
    assert judged["promise"] is not None
    tagged = run("edge", "tag", shop / "photo0.png", *models, "--no-draft", "--json", "-")
    assert json.loads(tagged.stdout)["second_look"] is True
    assert "(calibrated)" in tagged.stderr and "is not used" not in tagged.stderr
    alone = run("edge", "tag", shop / "photo0.png", *models, "--no-draft", "--no-second-look", "--json", "-")
    assert "(calibrated)" in alone.stderr
