"""Learning to embed from a teacher and from real products: albums, lessons, imitation, fine-tuning, measuring."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.torch
PRODUCTS = 6
CATEGORIES = ("Milk", "Apple")


def _picture(path: Path, product: int, seed: int) -> None:
    from PIL import Image

    rng = np.random.default_rng(product)
    blocks = rng.integers(0, 200, (4, 4, 3), np.uint8).repeat(32, 0).repeat(32, 1)
    noise = np.random.default_rng([product, seed]).integers(0, 40, blocks.shape, np.uint8)
    image = np.full((200, 200, 3), 255, np.uint8)
    image[36:164, 36:164] = blocks + noise
    Image.fromarray(image).save(path)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Six products of two categories, each with a packshot, two photos that train and one that is kept aside."""
    rows = []
    for product in range(PRODUCTS):
        for number, (role, split) in enumerate([("catalog", "-"), *[("query", "train")] * 2, ("query", "val")]):
            name = f"{product}-{number}.png"
            _picture(tmp_path / name, product, number)
            rows.append([name, f"p{product}", CATEGORIES[product % 2], role, split])
    return _write(tmp_path / "manifest.csv", rows)


def _write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["path", "product_id", "category", "role", "split"], *rows])
    return path


def test_album_without_products_is_refused(tmp_path: Path) -> None:
    from edge.errors import InputError
    from export.train.embedder.albums import read_album

    with pytest.raises(InputError, match="no product"):
        read_album(_write(tmp_path / "empty.csv", []))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [(["a.png", "other", "Milk", "query", "val"], "no picture of the catalog"), (["a.png", "", "", "", ""], "missing")],
)
def test_album_with_an_unusable_row_is_refused(tmp_path: Path, row: list[str], sentence: str) -> None:
    from edge.errors import InputError
    from export.train.embedder.albums import read_album

    with pytest.raises(InputError, match=sentence):
        read_album(_write(tmp_path / "a.csv", [["s.png", "p", "Milk", "catalog", "-"], row]))


def test_folds_part_each_group_evenly_and_always_alike(manifest: Path) -> None:
    from export.train.embedder.albums import read_album

    album = read_album(manifest)
    fold = album.folds(3, apart=["Milk"])
    for group in (album.within(["Milk"]), ~album.within(["Milk"])):
        assert sorted(fold[group]) == [0, 1, 2]
    assert np.array_equal(fold, read_album(manifest).folds(3, apart=["Milk"]))


def test_photo_on_both_sides_is_refused(manifest: Path) -> None:
    from edge.errors import InputError
    from export.train.embedder.albums import read_album, refuse_duplicates

    refuse_duplicates(read_album(manifest))
    (manifest.parent / "0-3.png").write_bytes((manifest.parent / "0-1.png").read_bytes())
    with pytest.raises(InputError, match="same file"):
        refuse_duplicates(read_album(manifest))


def test_photo_that_is_kept_aside_never_trains(manifest: Path) -> None:
    from export.train.detector.samples import read_image
    from export.train.embedder.albums import read_album
    from export.train.embedder.stages import _products

    album = read_album(manifest)
    products = _products(album, np.ones(len(album), np.bool_))
    kept = read_image(manifest.parent / "0-3.png")
    assert len(products) == PRODUCTS and all(len(product.photos) == 2 for product in products)
    assert not any(np.array_equal(photo, kept) for product in products for photo in product.photos)


def test_lifted_product_has_no_white_ground(manifest: Path) -> None:
    from export.train.detector.samples import read_image
    from export.train.embedder.real import lift

    cutout = lift(read_image(manifest.parent / "0-0.png"))
    assert 120 <= cutout.shape[0] <= 130 and 120 <= cutout.shape[1] <= 130
    assert cutout[10:-10, 10:-10, 3].min() == 255


def test_packshot_of_white_alone_is_lifted_whole() -> None:
    from export.train.embedder.real import lift

    assert lift(np.full((40, 30, 3), 255, np.uint8)).shape == (40, 30, 4)


def test_real_products_stand_once_in_a_draw(manifest: Path) -> None:
    from export.train.embedder.albums import read_album
    from export.train.embedder.real import RealProducts
    from export.train.embedder.stages import _products

    album = read_album(manifest)
    milk = album.within(["Milk"])
    source = RealProducts(_products(album, milk), _products(album, ~milk), [], 64)
    for count in (0, 1, 4, 50):
        views = source.draw(count, np.random.default_rng(count))
        assert len(views.packshots) == min(count, PRODUCTS) and views.photos.shape[1:] == (2, 64, 64, 3)
        assert len({shot.tobytes() for shot in views.packshots}) == len(views.packshots)


def test_mixture_keeps_the_shares_of_its_sources() -> None:
    from export.train.embedder.rendered import Views
    from export.train.embedder.training import Mixture

    class Flat:
        def __init__(self, value: int) -> None:
            self.value = value

        def draw(self, count: int, rng: np.random.Generator) -> Views:
            shape = (count, 8, 8, 3)
            shots = np.full(shape, self.value, np.uint8)
            return Views(shots, np.stack([shots, shots], axis=1))

    views = Mixture([(20, Flat(1)), (12, Flat(2))]).draw(32, np.random.default_rng(0))
    assert [int((views.packshots[:, 0, 0, 0] == value).sum()) for value in (1, 2)] == [20, 12]


def _teacher(path: Path) -> Path:
    """Write a small network whose five values have the strides of a real teacher's."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng, nodes, constants, value, channels = np.random.default_rng(0), [], [], "input", 3
    for i, (width, stride) in enumerate(zip((64, 128, 128, 160, 224), (8, 2, 1, 2, 1), strict=True)):
        kernel = rng.normal(0, 0.2, (width, channels, 3, 3)).astype(np.float32)
        constants.append(numpy_helper.from_array(kernel, f"w{i}"))
        nodes.append(helper.make_node("Conv", [value, f"w{i}"], [f"c{i}"], strides=[stride] * 2, pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"]))
        value, channels = f"r{i}", width
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("input", ["n", 3, 96, 96]), (value, None))
    ]
    graph = helper.make_graph(nodes, "teacher", ends[:1], ends[1:], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def _lessons(folder: Path, monkeypatch: pytest.MonkeyPatch, seed: int = 0) -> Path:
    from export.train.embedder import lessons
    from export.train.embedder.teacher import Teacher

    monkeypatch.setattr(lessons, "PRODUCTS", 2)
    monkeypatch.setattr(lessons, "CUTS", 30)
    teacher = Teacher(_teacher(folder.parent / "teacher.onnx"), [f"r{i}" for i in range(5)], size=96)
    pictures = [np.random.default_rng(1).integers(0, 255, (120, 90, 3), np.uint8)]
    lessons.prepare(folder, teacher, lessons.cuts_from([(1.0, pictures)], 96), 64, 2, seed)
    return folder


def test_teacher_without_the_named_values_is_refused(tmp_path: Path) -> None:
    from edge.errors import ModelError
    from export.train.embedder.teacher import Teacher

    with pytest.raises(ModelError, match="no values named q"):
        Teacher(_teacher(tmp_path / "t.onnx"), ["q", "r1", "r2", "r3", "r4"])


def test_folder_without_lessons_is_refused(tmp_path: Path) -> None:
    from edge.errors import InputError
    from export.train.embedder.lessons import Lessons

    with pytest.raises(InputError, match="no lessons"):
        Lessons(tmp_path)


def test_lessons_are_prepared_once_and_always_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from export.train.embedder.lessons import Lessons

    first = _lessons(tmp_path / "a", monkeypatch)
    before = {path.name: path.stat().st_mtime_ns for path in first.iterdir()}
    (first / "lesson-00001.npz").unlink()
    _lessons(first, monkeypatch)
    after = {path.name: path.stat().st_mtime_ns for path in first.iterdir()}
    assert [name for name in before if after[name] != before[name]] == ["lesson-00001.npz"]
    again = Lessons(_lessons(tmp_path / "b", monkeypatch))
    for one, other in zip(Lessons(first).chunks, again.chunks, strict=True):
        assert np.array_equal(one.pictures, other.pictures)
        assert all(np.array_equal(a, b) for a, b in zip(one.maps, other.maps, strict=True))


def test_lessons_fit_the_pupils_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from export.train.embedder.lessons import Lessons
    from export.train.embedder.network import Network

    pictures, maps = Lessons(_lessons(tmp_path / "a", monkeypatch)).draw(8, np.random.default_rng(0))
    own = Network().eval().maps(torch.zeros(len(pictures), 3, 64, 64))
    assert [level.shape[2:] for level in maps] == [level.shape[2:] for level in own]
    assert 0.3 < float(maps[0].std()) < 3


def test_a_map_that_tells_all_costs_nothing() -> None:
    import torch

    from export.train.embedder.imitation import Readers
    from export.train.embedder.network import Shape

    shape = Shape()
    widths = [shape.width[i] for i in (0, 1, 1, 2, 2)]
    torch.manual_seed(0)
    readers, maps = Readers(shape), [torch.rand(2, width, 4, 4) for width in widths]
    told = [read(level).detach() for read, level in zip(readers, maps, strict=True)]
    assert readers.imitation_loss(maps, told).item() < 1e-6
    assert readers.imitation_loss(maps, [level.roll(1, 0) for level in told]).item() > 1


def test_a_colour_that_names_the_product_is_found_and_a_blind_model_finds_nothing(manifest: Path) -> None:
    from edge.embedder import l2_normalize
    from export.train.embedder.albums import read_album
    from export.train.embedder.judging import judge

    album = read_album(manifest)
    unseen = album.folds(3, ["Milk"]) == 0

    def layout(crops: list[np.ndarray]) -> np.ndarray:
        cores = [crop[len(crop) // 3 : -len(crop) // 3, crop.shape[1] // 3 : -crop.shape[1] // 3] for crop in crops]
        return l2_normalize(np.stack([core.mean((0, 1)) - 128 for core in cores]).astype(np.float32))

    shares = judge(layout, album, unseen, ["Milk"])  # type: ignore[arg-type]
    assert shares["apart unseen"].photos == 3 and shares["apart seen"].photos == 2
    assert all(share.recall_at_1 == 1 for share in shares.values())


def test_a_folder_without_rendered_products_is_refused(tmp_path: Path) -> None:
    from edge.errors import InputError
    from export.train.embedder.rendered_pool import RenderedPool

    with pytest.raises(InputError, match="no rendered products"):
        RenderedPool(tmp_path)
    np.save(tmp_path / "products-00000.npy", np.zeros((2, 3, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="not a chunk of rendered products"):
        RenderedPool(tmp_path)


def test_rendered_products_are_kept_and_drawn_by_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from export.train.embedder import rendered_pool
    from export.train.embedder.rendered_pool import RenderedPool, render_pool

    monkeypatch.setattr(rendered_pool, "PRODUCTS_A_CHUNK", 4)
    render_pool(tmp_path / "once", 64, [], 2, seed=3)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()}
    (tmp_path / "once" / "products-00001.npy").unlink()
    render_pool(tmp_path / "once", 64, [], 2, seed=3)
    assert {path.name: path.read_bytes() for path in (tmp_path / "once").iterdir()} == kept

    sizes = np.load(tmp_path / "once" / "families-00000.npy")
    pictures = np.load(tmp_path / "once" / "products-00000.npy")
    assert sizes.sum() == len(pictures) >= 4
    views = RenderedPool(tmp_path / "once").draw(5, np.random.default_rng(0))
    assert views.packshots.shape == (5, 64, 64, 3) and views.photos.shape == (5, 2, 64, 64, 3)
    assert not np.array_equal(views.photos[:, 0], views.photos[:, 1])


@pytest.mark.full
def test_stages_make_a_model_and_measure_it(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from export.train.embedder import __main__ as program
    from export.train.embedder import first, rendered_pool, stages

    monkeypatch.setattr(stages, "SIZE", 64)
    monkeypatch.setattr(rendered_pool, "PRODUCTS_A_CHUNK", 24)
    assert first.main([str(tmp_path / "first.onnx"), "--steps", "1", "--pool", "8"]) == 0
    lessons = _lessons(tmp_path / "lessons", monkeypatch)
    begin = ["--begin-from", str(tmp_path / "first.checkpoint"), "--pool", "8", "--steps", "1"]
    assert program.main(["distil", str(tmp_path / "distil.onnx"), *begin, "--lessons", str(lessons)]) == 0
    begin[1] = str(tmp_path / "distil.checkpoint")
    rendered = str(tmp_path / "rendered")
    assert program.main(["rendered", rendered, "--chunks", "1", "--pictures", str(manifest.parent)]) == 0
    begin += ["--rendered", rendered]
    album = ["--album", str(manifest), "--apart", "Milk", "--fold", "1"]
    assert program.main(["finetune", str(tmp_path / "done.onnx"), *begin, *album]) == 0
    capsys.readouterr()
    assert program.main(["judge", str(tmp_path / "done.onnx"), *album]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("R@1")[0].strip() for line in lines] == [
        "apart unseen",
        "apart seen",
        "others unseen",
        "others seen",
    ]


def test_begin_from_something_else_is_refused(tmp_path: Path) -> None:
    from export.train.embedder import __main__ as program

    (tmp_path / "x.checkpoint").write_bytes(b"nothing")
    call = [
        "distil",
        str(tmp_path / "d.onnx"),
        "--begin-from",
        str(tmp_path / "x.checkpoint"),
        "--lessons",
        str(tmp_path),
    ]
    assert program.main(call) == 3
