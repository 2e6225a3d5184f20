import csv
import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from edge.errors import OutputError, UsageError
from export.render.demo_media import VIEWS_PER_PRODUCT, DemoMedia, write_demo_media


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> DemoMedia:
    return write_demo_media(tmp_path_factory.mktemp("demo"), seed=0)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_items_list_every_view_of_forty_products(media: DemoMedia) -> None:
    items = rows(media.items_csv)
    assert len(items) == 40 * VIEWS_PER_PRODUCT
    assert len({item["product_id"] for item in items}) == 40
    assert {item["image"] for item in items} == {path.name for path in media.images.iterdir()}
    for item in items:
        assert float(item["price"]) > 0 and item["in_stock"] in {"yes", "no"} and item["title"]


def test_truth_names_products_of_the_catalogue(media: DemoMedia) -> None:
    truth = json.loads(media.truth_json.read_text(encoding="utf-8"))
    known = {item["product_id"] for item in rows(media.items_csv)}
    told = [appearance["product_id"] for appearance in truth["appearances"]]
    assert told.count(None) == 1
    assert {product_id for product_id in told if product_id} <= known
    assert truth["duration_s"] == 10.0 and truth["resolution_wh"] == [640, 360]
    assert all(a["start_s"] < a["end_s"] and len(a["boxes"]) > 10 for a in truth["appearances"])


def test_queries_hold_products_and_honest_blanks(media: DemoMedia) -> None:
    queries = rows(media.queries_csv)
    known = {item["product_id"] for item in rows(media.items_csv)}
    assert {query["path"] for query in queries} == {p.name for p in media.photos.glob("*.jpg")}
    assert {query["group"] for query in queries} == {"clear", "hard", "unlisted"}
    for query in queries:
        assert (query["product_id"] == "") == (query["group"] == "unlisted")
        assert query["product_id"] == "" or query["product_id"] in known
        with Image.open(media.photos / query["path"]) as photo:
            assert photo.size == (640, 480)


@pytest.mark.full
def test_second_run_writes_the_same_bytes(media: DemoMedia, tmp_path: Path) -> None:
    def digest(folder: Path) -> dict[str, str]:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    write_demo_media(tmp_path, seed=0)
    assert digest(tmp_path) == digest(media.folder)


def test_rejects_a_catalogue_too_small_for_the_story(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 16"):
        write_demo_media(tmp_path, count=5)


def test_says_where_it_could_not_write(tmp_path: Path) -> None:
    (tmp_path / "images").write_text("a file where a folder should be")
    with pytest.raises(OutputError, match="images"):
        write_demo_media(tmp_path)
