"""A user's ITEMS.csv and photos: read, checked for doubles, dealt by product."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.errors import InputError  # noqa: E402
from export.fingerprint import fingerprint  # noqa: E402
from export.train.embedder.own_files import Given, OwnFiles, read_own_files, reduced  # noqa: E402
from export.train.embedder.own_products import OwnProducts, OwnSource, deal  # noqa: E402
from tests.train.own_catalogue import add_rows, picture, write_csv, write_items, write_photos  # noqa: E402

pytestmark = pytest.mark.torch


def _read(folder: Path, photos: Path | None = None, test: Path | None = None) -> OwnFiles:
    return read_own_files(Given(folder / "ITEMS.csv", folder, photos, test))


def test_refuses_a_catalogue_without_products(tmp_path: Path) -> None:
    write_csv(tmp_path / "ITEMS.csv", ["product_id", "title", "image"], [])
    with pytest.raises(InputError):
        _read(tmp_path)


def test_refuses_one_product(tmp_path: Path) -> None:
    write_items(tmp_path, 1, views=3)
    with pytest.raises(InputError, match=r"ITEMS\.csv: 1 product with .* needs at least 2"):
        _read(tmp_path)


def test_refuses_when_only_one_product_can_be_read_and_says_why(tmp_path: Path) -> None:
    write_items(tmp_path, 2)
    (tmp_path / "shots/1-0.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"1 product with .*1 rows or pictures could not be used: .*1-0\.png"):
        _read(tmp_path)


def test_names_corrupt_pictures_and_uses_the_rest(tmp_path: Path) -> None:
    write_items(tmp_path, 4)
    photos = write_photos(tmp_path, 4, 3)
    (tmp_path / "shots/3-0.png").write_bytes((tmp_path / "shots/3-0.png").read_bytes()[:90])
    (tmp_path / "photos/0-11.png").write_bytes(b"nothing")
    files = _read(tmp_path, photos)
    assert files.product_ids == ("p0", "p1", "p2") and len(files.photos) == 8
    named = "\n".join(files.problems)
    assert "3-0.png" in named and "0-11.png" in named
    assert "line 11: 3 photos from here on of product 'p3', which has no usable picture in" in named
    assert len(files.problems) == 3, "one sentence for each cause"


def test_photos_of_products_that_are_not_in_the_catalogue_are_named(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    photos = add_rows(write_photos(tmp_path, 3, 2), [["photos/0-10.png", "else"], ["photos/0-11.png", ""]])
    files = _read(tmp_path, photos)
    assert len(files.problems) == 1 and "one photo of product 'else', which" in files.problems[0]
    assert any("that show no product" in note for note in files.notes)


def test_refuses_a_test_picture_that_is_learnt_from_however_it_is_packed(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    photos, test = write_photos(tmp_path, 3, 3), write_photos(tmp_path, 3, 2, "test", first=30)
    assert len(_read(tmp_path, photos, test).test) == 6
    Image.open(tmp_path / "photos/1-11.png").save(tmp_path / "test/twin.bmp")
    add_rows(test, [["test/twin.bmp", "p1"]])
    with pytest.raises(InputError, match=r"test\.csv: 1 of its pictures .*twin\.bmp is .*1-11\.png"):
        _read(tmp_path, photos, test)


def test_refuses_a_packshot_to_compare_on(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    test = write_csv(tmp_path / "test.csv", ["path", "product_id"], [["shots/1-0.png", "p1"]])
    with pytest.raises(InputError, match="also learnt from"):
        _read(tmp_path, write_photos(tmp_path, 3, 3), test)


def test_packshot_is_no_photo_and_one_picture_shows_no_two_products(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    photos = write_photos(tmp_path, 3, 2)
    shutil.copy(tmp_path / "photos/0-10.png", tmp_path / "photos/2-10.png")
    files = _read(tmp_path, add_rows(photos, [["shots/0-0.png", "p0"]]))
    assert any("0-0.png: is the same picture as" in note for note in files.notes)
    assert len(files.problems) == 2 and all("said to be another product" in p for p in files.problems)
    assert len(files.photos) == 4


def test_equal_packshots_of_two_products_are_told(tmp_path: Path) -> None:
    write_items(tmp_path, 2)
    shutil.copy(tmp_path / "shots/0-0.png", tmp_path / "shots/1-0.png")
    assert any("nothing can tell the two apart" in note for note in _read(tmp_path).notes)


def test_products_that_are_kept_aside_are_not_learnt(tmp_path: Path) -> None:
    write_items(tmp_path, 12)
    for seed in range(4):
        files = _read(tmp_path, write_photos(tmp_path, 12, 4))
        products = deal(files, 0.25, seed)
        compared = {q.product for q in products.comparing if not q.learnt}
        stopping = {q.product for q in products.stopping if not q.learnt}
        assert len(compared) == 3 and len(stopping) == 2 and not compared & stopping
        assert not (compared | stopping) & set(products.learning) and len(products.learning) == 7
        sides = [_contents(p for photos in products.learning.values() for p in photos)]
        sides += [_contents(q.picture for q in side) for side in (products.stopping, products.comparing)]
        assert not sides[1] & sides[2]
        assert sum(len(photos) for photos in products.learning.values()) + len(sides[1]) + len(sides[2]) == 48
        assert not products.drawn and products == deal(files, 0.25, seed)


def _contents(pictures: object) -> set[str]:
    return {fingerprint(picture) for picture in pictures}  # type: ignore[attr-defined]


def test_equal_photos_stay_on_one_side(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    photos = write_photos(tmp_path, 3, 4)
    for take in (11, 12):
        shutil.copy(tmp_path / "photos/0-10.png", tmp_path / f"photos/0-{take}.png")
    for seed in range(5):
        products = deal(_read(tmp_path, photos), 0.4, seed)
        shared = _contents(q.picture for q in products.stopping) & _contents(q.picture for q in products.comparing)
        assert not shared


def test_few_products_are_all_learnt_and_that_is_told(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    products = deal(_read(tmp_path, write_photos(tmp_path, 3, 4)), 0.2, 0)
    assert len(products.learning) == 3 and all(q.learnt for q in products.comparing)
    assert "only 3 products have photos" in products.notes[0]


def test_refuses_too_few_photos(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    with pytest.raises(InputError, match=r"3 photos can be used, too few to learn .* \(at least 6"):
        deal(_read(tmp_path, write_photos(tmp_path, 3, 1)), 0.2, 0)


def test_refuses_photos_of_which_the_learnt_products_have_none_left(tmp_path: Path) -> None:
    write_items(tmp_path, 4)
    photos = write_photos(tmp_path, 1, 9)
    for product in (1, 2, 3):
        picture(tmp_path / f"one/{product}.png", product, 20)
        add_rows(photos, [[f"one/{product}.png", f"p{product}"]])
    for seed in range(6):
        try:
            products = deal(_read(tmp_path, photos), 0.25, seed)
        except InputError as e:
            assert "12 photos can be used, too few" in str(e)
        else:
            assert products.stopping and products.comparing and any(products.learning.values())


def test_refuses_a_file_of_photos_none_of_which_can_be_used(tmp_path: Path) -> None:
    write_items(tmp_path, 3)
    photos = write_csv(tmp_path / "photos.csv", ["path", "product_id"], [["absent.jpg", "p1"]])
    with pytest.raises(InputError, match=r"photos\.csv: names no photo that can be used \(.*absent\.jpg"):
        _read(tmp_path, photos)


def test_test_photos_are_all_compared_on(tmp_path: Path) -> None:
    write_items(tmp_path, 5)
    photos, test = write_photos(tmp_path, 5, 4), write_photos(tmp_path, 5, 2, "test", first=30)
    products = deal(_read(tmp_path, photos, test), 0.2, 0)
    assert len(products.comparing) == 10 and sum(not q.learnt for q in products.comparing) == 2
    assert len(products.learning) == 4


def test_one_packshot_a_product_is_enough(tmp_path: Path) -> None:
    write_items(tmp_path, 4)
    products = deal(_read(tmp_path), 0.25, 0)
    assert products.drawn and len(products.learning) == 3
    assert {q.product for q in products.comparing} == {0, 1, 2, 3} and len(products.stopping) >= 6
    pictures = _contents(q.picture for q in (*products.stopping, *products.comparing))
    assert len(pictures) == len(products.stopping) + len(products.comparing), "no scene is drawn twice"


def test_source_draws_each_learnt_product_once_by_any_of_its_packshots() -> None:
    shots = tuple(tuple(np.full((40, 30, 3), 20 * row + view, np.uint8) for view in range(2)) for row in range(4))
    source = OwnSource(OwnProducts(shots, {0: (), 2: (np.full((50, 50, 3), 7, np.uint8),), 3: ()}, (), (), False), 32)
    assert len(source.draw(0, np.random.default_rng(0)).packshots) == 0
    seen = set()
    for seed in range(8):
        views = source.draw(9, np.random.default_rng(seed))
        assert views.packshots.shape == (3, 32, 32, 3) and views.photos.shape == (3, 2, 32, 32, 3)
        seen |= {int(shot[16, 16, 0]) for shot in views.packshots}
    assert seen == {0, 1, 40, 41, 60, 61}


def test_pictures_are_reduced_but_never_enlarged(tmp_path: Path) -> None:
    assert reduced(np.zeros((300, 900, 3), np.uint8), 90).shape == (30, 90, 3)
    assert reduced(np.zeros((1, 900, 3), np.uint8), 90).shape == (1, 90, 3)
    small = np.asarray(Image.open(picture(tmp_path / "a.png", 0)))
    assert np.array_equal(reduced(small, 200), small)
