"""`export lint` on a catalogue of real pictures into which one fault is planted at a time."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from edge.shard import open_shard
from edge.verdict import read_verdict
from export.cli import main
from tests.lint.shop import Shop, found, packshot, state


def with_pictures(shop: Shop) -> tuple[str | Path, ...]:
    return "--items", shop.items, "--images", shop.images


def test_a_sound_catalogue_passes_and_its_verdict_is_of_this_shard(shop: Shop) -> None:
    document = shop.lint(*with_pictures(shop), "--verdict", shop.folder / "verdict.json")
    assert document["passed"] and document["problems"] == []
    assert not any(found(document, check) for check in ("same_picture", "misfits", "blank_pictures", "broken_pictures"))
    verdict = read_verdict(shop.folder / "verdict.json")
    assert verdict.passed and verdict.shard == open_shard(shop.shard).sha256
    assert {check["name"] for check in verdict.checks} == {f"lint_{name}" for name in state(document)}


def test_finds_one_picture_under_two_products_and_leaves_it_out_of_the_wrong_one(shop: Shop) -> None:
    first, second = shop.products[:2]
    (shop.images / "twin.jpg").write_bytes((shop.images / f"{first.product_id}-1.jpg").read_bytes())
    mine = next(row for row in shop.rows() if row["product_id"] == second.product_id)
    shop.write([*shop.rows(), {**mine, "image": "twin.jpg"}])
    shop.build()
    document = shop.lint(*with_pictures(shop), "--exclude-list", shop.folder / "list.csv", code=5)
    (finding,) = found(document, "same_picture")
    assert (finding["product_id"], finding["image"], finding["exclude"]) == (second.product_id, "twin.jpg", True)
    assert finding["other"]["product_id"] == first.product_id
    assert not state(document)["same_picture"] and not document["passed"]
    shop.build("--exclude", shop.folder / "list.csv")
    assert not found(shop.lint(), "same_picture")


def test_a_check_may_be_allowed_and_every_check_may_be_made_to_fail(shop: Shop) -> None:
    (shop.images / "twin.jpg").write_bytes((shop.images / f"{shop.products[0].product_id}-1.jpg").read_bytes())
    mine = next(row for row in shop.rows() if row["product_id"] == shop.products[1].product_id)
    shop.write([*shop.rows(), {**mine, "image": "twin.jpg"}])
    shop.build()
    assert shop.lint("--allow", "same_picture")["passed"]
    document = shop.lint("--allow", "same_picture", "--strict", code=5)
    assert not state(document)["misfits"] and state(document)["same_picture"]


def test_finds_a_picture_that_shows_another_product(shop: Shop) -> None:
    wrong, shown = shop.products[3], shop.products[8]
    shop.add_view(3, packshot(shown, 2), "swapped.jpg")
    shop.build()
    document = shop.lint(*with_pictures(shop), "--report", shop.folder / "lint.html")
    (finding,) = found(document, "misfits")
    assert (finding["product_id"], finding["image"], finding["exclude"]) == (wrong.product_id, "swapped.jpg", True)
    assert finding["other"]["product_id"] == shown.product_id
    assert document["passed"], "a picture that fits less is for a person to judge"
    page = (shop.folder / "lint.html").read_text()
    assert "swapped.jpg" in page and "<script" not in page and page.count("data:image/webp") >= 2


def test_finds_a_blank_picture_by_file_and_by_thumbnail(shop: Shop) -> None:
    shop.add_view(2, np.full((60, 80, 3), 250, np.uint8), "blank.jpg")
    rows = shop.rows()
    shop.write([rows[-1], *rows[:-1]])
    shop.build("--thumbnails", "3000")
    (by_file,) = found(shop.lint(*with_pictures(shop), code=5), "blank_pictures")
    (by_thumbnail,) = found(shop.lint(code=5), "blank_pictures")
    assert by_file["image"] == "blank.jpg" and by_file["product_id"] == shop.products[2].product_id
    assert by_file["key"] == by_thumbnail["key"] and by_file["exclude"]


@pytest.mark.parametrize("what", ["pictures", "keys"])
def test_finds_a_thumbnail_that_is_altered_and_a_pack_that_is(shop: Shop, what: str) -> None:
    column = shop.shard / "thumbnails" / f"{what}.npy"
    content = bytearray(column.read_bytes())
    content[-1] ^= 1
    column.write_bytes(content)
    (finding,) = found(shop.lint("--report", shop.folder / "lint.html", code=5), "broken_pictures")
    assert "altered" in finding["sentence"]
    assert (shop.folder / "lint.html").is_file()


def test_a_picture_that_is_gone_is_a_problem_of_the_call(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    (shop.images / f"{shop.products[0].product_id}-2.jpg").unlink()
    document = shop.lint(*with_pictures(shop), code=3)
    assert "no such picture" in document["problems"][0] and document["passed"]
    assert "1 of 32 views are not of a picture in ITEMS.csv" in capsys.readouterr().err


def canaries(shop: Shop, *rows: str) -> Path:
    path = shop.folder / "canaries.csv"
    path.write_text("photo,product_id\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_canaries_sing_until_their_pictures_are_swapped(shop: Shop) -> None:
    ids = [product.product_id for product in shop.products]
    asked = ("--canaries", canaries(shop, f"photo-0.jpg,{ids[0]}", f"photo-2.jpg,{ids[2]}"), "--images", shop.images)
    assert state(shop.lint(*asked))["canaries"]
    first, second = (shop.images / f"{one}-1.jpg" for one in (ids[0], ids[2]))
    first_bytes, second_bytes = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_bytes)
    second.write_bytes(first_bytes)
    shop.write(row for row in shop.rows() if not row["image"].endswith("-2.jpg"))
    shop.build()
    document = shop.lint(*asked, "--verdict", shop.folder / "verdict.json", code=5)
    lost = found(document, "canaries")
    assert [(one["product_id"], one["other"]["product_id"]) for one in lost] == [(ids[0], ids[2]), (ids[2], ids[0])]
    assert "lint_canaries" in read_verdict(shop.folder / "verdict.json").failed


def test_a_canary_of_nothing_and_one_of_a_product_that_is_gone(shop: Shop) -> None:
    rows = ("photo-0.jpg,", "photo-1.jpg,no-such-product")
    document = shop.lint("--canaries", canaries(shop, *rows), "--images", shop.images, code=5)
    nothing, gone = found(document, "canaries")
    assert nothing["product_id"] == shop.products[0].product_id and "shows nothing" in nothing["sentence"]
    assert gone["product_id"] == "no-such-product" and "does not have it" in gone["sentence"]


def test_a_canary_that_cannot_be_read_is_said(shop: Shop) -> None:
    document = shop.lint("--canaries", canaries(shop, "gone.jpg,x", ",y"), "--images", shop.images, code=3)
    assert ["no photo is named" in problem or "gone.jpg" in problem for problem in document["problems"]] == [True, True]


def test_evaluate_and_lint_write_into_one_verdict(shop: Shop) -> None:
    queries, verdict = shop.folder / "queries.csv", shop.folder / "verdict.json"
    queries.write_text(f"path,product_id\nphoto-0.jpg,{shop.products[0].product_id}\n")
    words = ("evaluate", "--shard", shop.shard, "--queries", queries, "--images", shop.images)
    assert main([str(word) for word in (*words, "--verdict", verdict, "--min-recall", "0.5")]) == 0
    shop.lint("--verdict", verdict)
    assert [check["name"] for check in read_verdict(verdict).checks][:2] == ["recall_at_1", "lint_canaries"]
    shop.build("--exclude", exclusion(shop, f"{shop.products[0].product_id},"))
    shop.lint("--verdict", verdict)
    assert "recall_at_1" not in {check["name"] for check in read_verdict(verdict).checks}, "that was of another shard"


def exclusion(shop: Shop, *rows: str, header: str = "product_id,key") -> Path:
    path = shop.folder / "leave-out.csv"
    path.write_text(f"{header}\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_a_list_leaves_out_views_and_products_and_says_what_it_does_not_know(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shard = open_shard(shop.shard)
    whole, one = shop.products[0].product_id, shop.products[1].product_id
    row = shard.find(one)
    assert row is not None
    key = f"{int(shard.keys[shard.views_of(row)][0]):016x}"
    shop.build("--exclude", exclusion(shop, f"{whole},", f"{one},{key}", "unknown,", f"{one},{'0' * 16}"))
    left = open_shard(shop.shard)
    assert left.products == 15 and left.views == 29 and left.find(whole) is None
    assert capsys.readouterr().err.count("of the list of exclusions is not here") == 2


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("product_id", "a", "column 'key' is missing"),
        ("product_id,key", "a,xyz", "16 hexadecimal digits"),
        ("exclude,product_id,key", "perhaps,a,", "neither yes nor no"),
        ("exclude,product_id,key", "yes,,", "needs a product_id"),
    ],
)
def test_a_list_that_is_only_half_understood_is_refused(
    shop: Shop, capsys: pytest.CaptureFixture[str], header: str, row: str, said: str
) -> None:
    before = open_shard(shop.shard).sha256
    shop.build("--exclude", exclusion(shop, row, header=header), code=3)
    assert said in capsys.readouterr().err and open_shard(shop.shard).sha256 == before


def test_a_list_that_leaves_nothing_writes_no_shard(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.build("--exclude", exclusion(shop, *(f"{p.product_id}," for p in shop.products)), code=3)
    assert "leaves out all 32 views" in capsys.readouterr().err and open_shard(shop.shard).views == 32


def test_the_list_keeps_its_no(shop: Shop) -> None:
    shop.build("--exclude", exclusion(shop, f"no,{shop.products[0].product_id},", header="exclude,product_id,key"))
    assert open_shard(shop.shard).products == 16


def test_what_is_written_as_a_list_is_read_as_one(shop: Shop) -> None:
    shop.add_view(3, packshot(shop.products[8], 2), "swapped.jpg")
    shop.build()
    shop.lint(*with_pictures(shop), "--exclude-list", shop.folder / "list.csv")
    with (shop.folder / "list.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["exclude"], row["image"]) for row in rows if row["exclude"] == "yes"] == [("yes", "swapped.jpg")]
    shop.build("--exclude", shop.folder / "list.csv")
    assert open_shard(shop.shard).views == 32


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--items", "items.csv"), 2, "need --images"),
        (("--images", "."), 2, "--images alone says nothing"),
        (("--canaries", "canaries.csv", "--images", "nowhere"), 2, "no such folder"),
        (("--canaries", "gone.csv", "--images", "."), 3, "cannot be read"),
        (("--bundle", "."), 4, "not a bundle"),
    ],
)
def test_wrong_calls_get_one_sentence(
    drawn: Shop, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, said: str
) -> None:
    assert main(["lint", str(drawn.shard), *options]) == code
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1


def test_something_that_is_no_verdict_is_not_overwritten(drawn: Shop, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["lint", str(drawn.shard), "--verdict", str(tmp_path / "notes.txt")]) == 4
    assert (tmp_path / "notes.txt").read_text() == "mine"
