"""`export calibrate` as a user runs it, on pictures of one colour, and what the other commands make of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from edge.bundle import load_bundle
from edge.shard import open_shard
from edge.shard.calibration import CALIBRATION, read_calibration
from tests.calibration.colours import PHOTOS, photos_of_colours, run, small_kit
from tests.evaluation.test_evaluate_command import shard_of_colours


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with models, and photos of three colours and of others."""
    folder = tmp_path_factory.mktemp("made")
    small_kit(folder)
    photos_of_colours(folder)
    return folder


@pytest.fixture
def shard(made: Path, tmp_path: Path) -> Path:
    return shard_of_colours(tmp_path / "shard", load_bundle(made / "bundle").space_id)


def calibrate(made: Path, shard: Path, *words: str | Path, promise: str = "0.05") -> subprocess.CompletedProcess[str]:
    models = ("--bundle", made / "bundle", "--shard", shard)
    return run("export", "calibrate", *models, "--max-false-tags", promise, *words)


def with_photos(made: Path) -> tuple[str | Path, ...]:
    return "--queries", made / "queries.csv", "--images", made / "photos", "--nothing", made / "nothing"


def test_thresholds_hold_on_other_photos_and_tagging_uses_them(made: Path, shard: Path, tmp_path: Path) -> None:
    done = calibrate(made, shard, *with_photos(made), "--json", "-")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    (way,) = document["ways"]
    assert document["basis"] == "photos" and way["second_look"] is None
    assert {trial["name"]: trial["count"] for trial in way["trials"]} == {"nothing": PHOTOS, "shows": PHOTOS}
    assert all(trial["bound"] <= 0.05 for trial in way["trials"])
    assert way["kept"]["kept"] >= 0.9 * PHOTOS
    threshold = way["matching"]["similarity_threshold"]
    assert threshold > 0.6 and "photos of nothing from the catalogue" in done.stderr

    labelled = ("--queries", made / "others.csv", "--images", made / "photos")
    done = run("export", "evaluate", "--bundle", made / "bundle", "--shard", shard, *labelled, "--json", "-")
    judged = json.loads(done.stdout)
    assert done.returncode == 0 and judged["similarity_threshold"] == threshold
    promise = judged["promise"]
    assert promise["held"] is True and promise["max_false_tags"] == 0.05
    assert promise["measured"]["nothing"]["photos"] == PHOTOS
    assert promise["measured"]["nothing"]["rate"] == judged["false_tag_rate"] <= 0.05
    assert promise["measured"]["shows"]["rate"] == judged["wrong_tag_rate"]
    assert "promise of at most 5.00% false tags: held" in done.stderr

    one = made / "photos" / "0.png"
    models = ("--bundle", made / "bundle", "--shard", shard, "--home", tmp_path / "home")
    done = run("edge", "tag", one, *models, "--no-draft", "--report", tmp_path / "report.html")
    assert done.returncode == 0 and "colours: at most 5.0% false tags (calibrated)" in done.stdout
    page = (tmp_path / "report.html").read_text()
    assert f"where {threshold:.2f} is needed" in page and "at most 5.0% of photos get a false tag" in page
    status = json.loads(run("edge", "status", *models, "--json", "-").stdout)
    assert status["shards"][0]["calibration"]["ways"][0]["similarity_threshold"] == threshold


def test_labelled_photos_alone_are_asked_without_their_product(made: Path, shard: Path) -> None:
    done = calibrate(made, shard, *with_photos(made)[:4], "--json", "-")
    assert done.returncode == 0, done.stderr
    trials = json.loads(done.stdout)["ways"][0]["trials"]
    assert {trial["name"] for trial in trials} == {"left_out", "shows"}
    labelled = ("--queries", made / "others.csv", "--images", made / "photos")
    done = run("export", "evaluate", "--bundle", made / "bundle", "--shard", shard, *labelled, "--json", "-")
    assert set(json.loads(done.stdout)["promise"]["measured"]) == {"nothing", "left_out", "shows"}


def test_by_product_evaluate_counts_a_product_once(made: Path, shard: Path) -> None:
    done = calibrate(made, shard, *with_photos(made), "--by", "product")
    assert done.returncode == 5
    assert "3 products with photos of a product are too few" in done.stderr and "59 are needed" in done.stderr
    done = calibrate(made, shard, *with_photos(made), "--by", "product", "--json", "-", promise="0.7")
    trials = {trial["name"]: trial for trial in json.loads(done.stdout)["ways"][0]["trials"]}
    assert trials["shows"]["products"] == 3 and trials["nothing"]["products"] is None
    labelled = ("--queries", made / "others.csv", "--images", made / "photos")
    done = run("export", "evaluate", "--bundle", made / "bundle", "--shard", shard, *labelled, "--json", "-")
    measured = json.loads(done.stdout)["promise"]["measured"]
    assert measured["shows"]["products"] == 3 and measured["shows"]["ci95"][1] > 0.5
    assert "70 of 3 products" in done.stderr


def test_photos_of_nothing_alone_say_nothing_of_right_tags(made: Path, shard: Path) -> None:
    done = calibrate(made, shard, "--nothing", made / "nothing", "--json", "-")
    assert done.returncode == 0, done.stderr
    (way,) = json.loads(done.stdout)["ways"]
    assert way["kept"] is None and way["matching"]["margin_threshold"] == 0.05


def test_a_shard_that_changed_needs_another_calibration(made: Path, shard: Path, tmp_path: Path) -> None:
    assert calibrate(made, shard, *with_photos(made)).returncode == 0
    other = shard_of_colours(tmp_path / "other", "0" * 64)
    shutil.copy(shard / CALIBRATION, other / CALIBRATION)
    assert open_shard(other).calibration is None
    changed = json.loads((shard / CALIBRATION).read_text()) | {"shard": "0" * 64}
    (shard / CALIBRATION).write_text(json.dumps(changed))
    done = run("edge", "tag", made / "photos" / "0.png", "--bundle", made / "bundle", "--shard", shard, "--no-draft")
    assert done.returncode == 0 and "calibration.json is not used" in done.stderr
    assert "(calibrated)" not in done.stdout


def test_the_catalogue_s_own_picture_and_a_repeated_photo_are_left_out(made: Path, tmp_path: Path) -> None:
    items = tmp_path / "items.csv"
    items.write_text("product_id,title,image\nred,Red,0.png\ngreen,Green,1.png\n")
    done = run(
        "export", "catalog", items, "--images", made / "photos", "--bundle", made / "bundle", "--out", tmp_path / "s"
    )
    assert done.returncode == 0, done.stderr
    shutil.copy(made / "nothing" / "3.png", made / "nothing" / "again.png")
    queries = tmp_path / "queries.csv"
    queries.write_text("path,product_id\n0.png,red\n3.png,red\n")
    words = ("--queries", queries, "--images", made / "photos", "--nothing", made / "nothing")
    done = calibrate(made, tmp_path / "s", *words)
    (made / "nothing" / "again.png").unlink()
    assert done.returncode == 5 and "1 photos of a product are too few" in done.stderr
    assert "queries.csv, line 2: 0.png is the catalogue picture of red: it would only find itself" in done.stderr
    assert "again.png is the same picture as" in done.stderr


@pytest.mark.parametrize("promise", ["0", "1", "1.5", "-0.1", "nan"])
def test_a_promise_that_nobody_can_keep_is_a_wrong_call(made: Path, shard: Path, promise: str) -> None:
    done = calibrate(made, shard, promise=promise)
    assert done.returncode == 2 and "--max-false-tags" in done.stderr and "Traceback" not in done.stderr


def test_a_catalogue_too_small_to_be_set_against_itself_is_refused(made: Path, shard: Path) -> None:
    done = calibrate(made, shard)
    assert done.returncode == 5
    assert "3 products with a picture are too few" in done.stderr and "at least 59 are needed" in done.stderr
    assert "not about photos" in done.stderr and read_calibration(shard) is None


def bad_calls(made: Path, folder: Path) -> dict[str, tuple[tuple[Any, ...], int, str]]:
    (folder / "empty.csv").write_text("path,product_id\n")
    (folder / "gone.csv").write_text("path,product_id\ngone.png,red\n0.png,purple\n")
    (folder / "strange.csv").write_text("who,what\n1,2\n")
    (folder / "none").mkdir()
    images = ("--images", made / "photos")
    return {
        "no photo in the file": (("--queries", folder / "empty.csv", *images), 5, "no photo can be used: at least 59"),
        "no photo that can be read": (("--queries", folder / "gone.csv", *images), 5, "no photo can be used"),
        "a file that is no table of photos": (
            ("--queries", folder / "strange.csv", *images),
            3,
            "column 'path'",
        ),
        "a missing file": (("--queries", folder / "no.csv", *images), 3, "no.csv: cannot be read"),
        "no folder of the paths": (("--queries", folder / "empty.csv"), 2, "--queries and --images belong together"),
        "an empty folder": (("--nothing", folder / "none"), 3, "none"),
        "no folder": (("--nothing", folder / "nowhere"), 2, "is no folder of photos"),
        "a confidence of 1": ((*with_photos(made), "--confidence", "1"), 2, "--confidence 1: above 0 and below 1"),
        "feedback that is none": ((*with_photos(made), "--feedback", folder / "strange.csv"), 3, "'device_id' is miss"),
        "feedback that is not there": ((*with_photos(made), "--feedback", folder / "no.csv"), 3, "no.csv: cannot be"),
    }


def test_a_bad_call_gets_one_sentence_and_changes_nothing(made: Path, shard: Path, tmp_path: Path) -> None:
    for case, (words, code, part) in bad_calls(made, tmp_path).items():
        done = calibrate(made, shard, *words)
        assert done.returncode == code, (case, done.stderr)
        assert part in done.stderr and "Traceback" not in done.stderr, case
        assert read_calibration(shard) is None, case


def test_a_calibration_that_is_refused_leaves_the_former_one(made: Path, shard: Path) -> None:
    assert calibrate(made, shard, *with_photos(made)).returncode == 0
    before = read_calibration(shard)
    assert calibrate(made, shard, *with_photos(made), promise="0.001").returncode == 5
    assert read_calibration(shard) == before
