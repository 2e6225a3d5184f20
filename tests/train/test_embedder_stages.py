"""Learning to embed from a teacher and from real products: albums, lessons, imitation, fine-tuning, measuring."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from export.train.embedder.school import School

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

    products = _products(read_album(manifest))
    kept = read_image(manifest.parent / "0-3.png")
    assert len(products) == PRODUCTS and all(len(product.photos) == 2 for product in products.values())
    assert not any(np.array_equal(photo, kept) for product in products.values() for photo in product.photos)


def test_lifted_product_has_no_white_ground(manifest: Path) -> None:
    from export.train.detector.samples import read_image
    from export.train.embedder.real import lift

    cutout = lift(read_image(manifest.parent / "0-0.png"))
    assert 120 <= cutout.shape[0] <= 130 and 120 <= cutout.shape[1] <= 130
    assert cutout[10:-10, 10:-10, 3].min() == 255


def test_packshot_of_white_alone_is_lifted_whole() -> None:
    from export.train.embedder.real import lift

    assert lift(np.full((40, 30, 3), 255, np.uint8)).shape == (40, 30, 4)


def test_real_products_stand_once_in_a_draw(manifest: Path, tmp_path: Path) -> None:
    import torch

    from export.train.embedder.albums import read_album
    from export.train.embedder.chunks import Pool, write_chunks
    from export.train.embedder.pools import RealChunks, RealViews
    from export.train.embedder.stages import _products

    album = read_album(manifest)
    products = _products(album)
    write_chunks(tmp_path / "real", RealChunks(products, [], 64), 1)
    pool = Pool(tmp_path / "real", torch.device("cpu"), 100)
    assert pool.rows == 4 * PRODUCTS and set(pool.group[: pool.rows]) == set(products)
    milk = np.flatnonzero(album.within(["Milk"]))
    source = RealViews(pool, milk, np.setdiff1d(np.arange(PRODUCTS), milk))
    for count in (0, 1, 4, 50):
        views = source.draw(count, np.random.default_rng(count))
        assert len(views.packshots) == min(count, PRODUCTS) and views.photos.shape[1:] == (2, 64, 64, 3)
        assert len({bytes(torch.as_tensor(shot)[32, 32].numpy()) for shot in views.packshots}) == len(views.packshots)


def test_only_products_of_other_folds_are_learnt(manifest: Path, tmp_path: Path) -> None:
    import torch

    from export.train.embedder.albums import read_album
    from export.train.embedder.chunks import Chunk, Pool, write_chunks
    from export.train.embedder.pools import RealViews

    album = read_album(manifest)

    def flat(rng: np.random.Generator) -> Chunk:
        """Every picture of a product has the product's row as its colour."""
        rows = np.arange(PRODUCTS, dtype=np.int64)
        return Chunk(np.broadcast_to(rows[:, None, None, None, None], (PRODUCTS, 3, 8, 8, 3)).astype(np.uint8), rows)

    write_chunks(tmp_path / "flat", flat, 2)
    learnt = album.folds(3, ["Milk"]) != 1
    source = RealViews(Pool(tmp_path / "flat", torch.device("cpu"), 50), np.flatnonzero(learnt), np.zeros(0, np.int64))
    drawn = {int(shot[0, 0, 0]) for seed in range(9) for shot in source.draw(3, np.random.default_rng(seed)).packshots}
    assert drawn == set(np.flatnonzero(learnt))


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


def _school(folder: Path, monkeypatch: pytest.MonkeyPatch) -> School:
    import torch

    from export.train.embedder import pools, school
    from export.train.embedder.chunks import Pool, write_chunks
    from export.train.embedder.cuts import cuts_from
    from export.train.embedder.school import School
    from export.train.embedder.teacher import Teacher

    monkeypatch.setattr(pools, "CUTS_A_CHUNK", 12)
    monkeypatch.setattr(school, "TO_FIT", 30)
    pictures = [np.random.default_rng(1).integers(0, 255, (120, 90, 3), np.uint8)]
    write_chunks(folder / "cuts", pools.CutChunks(cuts_from([(1.0, pictures)], 96)), 1)
    names, device = [f"r{i}" for i in range(5)], torch.device("cpu")
    teacher = Teacher(_teacher(folder / "teacher.onnx"), names, device, size=96)
    return School(pools.Cuts(Pool(folder / "cuts", device, 50)), teacher)


def test_teacher_without_the_named_values_is_refused(tmp_path: Path) -> None:
    import torch

    from edge.errors import ModelError
    from export.train.embedder.teacher import Teacher

    with pytest.raises(ModelError, match="no values named q"):
        Teacher(_teacher(tmp_path / "t.onnx"), ["q", "r1", "r2", "r3", "r4"], torch.device("cpu"))


def test_teacher_of_unknown_operators_is_refused(tmp_path: Path) -> None:
    import onnx
    import torch

    from edge.errors import ModelError
    from export.train.embedder.teacher import Teacher

    model = onnx.load(_teacher(tmp_path / "t.onnx"))
    model.graph.node[1].op_type = "Erf"
    onnx.save(model, tmp_path / "t.onnx")
    with pytest.raises(ModelError, match="operators that PyTorch is not told of here: Erf"):
        Teacher(tmp_path / "t.onnx", [f"r{i}" for i in range(5)], torch.device("cpu"))


def test_lessons_fit_the_pupils_maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from export.train.embedder.imitation import Readers
    from export.train.embedder.network import Network
    from export.train.embedder.varying import PHOTO

    pictures, maps = _school(tmp_path, monkeypatch).lesson(8, 64, PHOTO, np.random.default_rng(0), mirrored=True)
    assert pictures.shape == (16, 3, 64, 64) and all(len(level) == 8 for level in maps)
    assert 0.3 < float(maps[0].std()) < 3
    network = Network().eval()
    assert torch.isfinite(Readers(network.shape).imitation_loss(network.maps(pictures[:8]), maps))


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


@pytest.mark.full
def test_stages_make_a_model_and_measure_it(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from edge.bundle import load_bundle
    from edge.defaults import default_bundle
    from export.train.embedder import __main__ as program
    from export.train.embedder import pools, school, shipping, stages

    for name, value in (("KEPT_SIZE", 72), ("CUT_SIZE", 96)):
        monkeypatch.setattr(stages, name, value)
    for name in ("FAMILIES_A_CHUNK", "CUTS_A_CHUNK"):
        monkeypatch.setattr(pools, name, 8)
    monkeypatch.setattr(school, "TO_FIT", 8)
    folders = {name: str(tmp_path / name) for name in ("rendered", "cuts", "real")}
    album = ["--album", str(manifest), "--apart", "Milk", "--fold", "1"]
    pictures = ["--chunks", "2", "--workers", "2", "--pictures", str(manifest.parent)]
    assert program.main(["rendered", folders["rendered"], *pictures]) == 0
    assert program.main(["cuts", folders["cuts"], *pictures, *album]) == 0
    assert program.main(["real", folders["real"], *pictures, *album[:2]]) == 0
    teacher = ["--teacher", str(_teacher(tmp_path / "t.onnx")), "--maps", *(f"r{i}" for i in range(5))]
    learn = [*teacher, "--rendered", folders["rendered"], "--cuts", folders["cuts"], "--pool", "40", "--steps", "1"]
    learn += ["--products", "6", "--lessons", "4"]
    assert program.main(["learn", str(tmp_path / "learnt.onnx"), *learn]) == 0
    begin = ["--begin-from", str(tmp_path / "learnt.checkpoint"), "--real", folders["real"]]
    assert program.main(["finetune", str(tmp_path / "done.onnx"), *learn, *begin, *album]) == 0
    capsys.readouterr()
    assert program.main(["judge", str(tmp_path / "done.onnx"), *album]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("R@1")[0].strip() for line in lines] == [
        "apart unseen",
        "apart seen",
        "others unseen",
        "others seen",
    ]
    monkeypatch.setattr(shipping, "CATALOGUE", 8)
    bundle = tmp_path / "bundle"
    assert program.main(["ship", str(tmp_path / "done.onnx"), str(bundle), "--rendered", folders["rendered"]]) == 0
    assert "margin" in capsys.readouterr().out
    shipped, former = load_bundle(bundle), load_bundle(default_bundle())
    assert shipped.space_id != former.space_id and shipped.detector.model == former.detector.model


def test_too_few_products_for_thresholds_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from export.train.embedder import __main__ as program
    from export.train.embedder.chunks import Chunk, write_chunks

    write_chunks(tmp_path / "few", lambda rng: Chunk(np.zeros((4, 3, 8, 8, 3), np.uint8), np.zeros(4, np.int64)), 1)
    assert program.main(["ship", "x.onnx", str(tmp_path / "bundle"), "--rendered", str(tmp_path / "few")]) == 3
    assert "4 rendered products are too few" in capsys.readouterr().err


def test_catalogues_keep_families_together_and_know_the_right_answers(tmp_path: Path) -> None:
    import torch

    from export.train.embedder.chunks import Chunk, Pool, write_chunks
    from export.train.embedder.shipping import DRAWS, Catalogues

    group = np.repeat(np.arange(10), 2)
    pictures = np.zeros((20, 3, 4, 4, 3), np.uint8)
    pictures[:, :, 0, 0, 0] = np.arange(20)[:, None]
    write_chunks(tmp_path, lambda rng: Chunk(pictures, group), 1)
    drawn = Catalogues.of(Pool(tmp_path, torch.device("cpu"), 20), size=6)
    assert len(drawn.draws) == 3 * DRAWS and {len(rows) for rows in drawn.draws} == {6}
    assert all(rows[at] // 2 == rows[at + 1] // 2 for rows in drawn.draws for at in (0, 2, 4))
    ranking = drawn.rank(lambda crops: np.eye(20, dtype=np.float32)[[crop[0, 0, 0] for crop in crops]])
    assert len(ranking) == 2 * 6 * len(drawn.draws) and (ranking.places() == 0).all()


def test_begin_from_something_else_is_refused(tmp_path: Path) -> None:
    from edge.errors import InputError
    from export.train.embedder.training import averaged_weights

    (tmp_path / "x.checkpoint").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a checkpoint"):
        averaged_weights(tmp_path / "x.checkpoint")


def test_lessons_without_a_teacher_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from export.train.embedder import __main__ as program
    from export.train.embedder.chunks import Chunk, write_chunks

    write_chunks(tmp_path, lambda rng: Chunk(np.zeros((4, 3, 8, 8, 3), np.uint8), np.zeros(4, np.int64)), 1)
    assert program.main(["learn", str(tmp_path / "x.onnx"), "--rendered", str(tmp_path), "--pool", "4"]) == 3
    assert "give both, or --lessons 0" in capsys.readouterr().err


def test_the_commands_of_the_card_are_understood() -> None:
    import shlex

    from export.train.embedder.__main__ import STAGES, _parser

    card = (Path(__file__).parents[2] / "docs" / "models" / "embedder.md").read_text(encoding="utf-8")
    block = "".join(part.split("```")[0] for part in card.split("## How it was made")[1].split("```text\n")[1:])
    calls = [shlex.split(call) for call in block.replace("\\\n", " ").splitlines()]
    stages = [_parser().parse_args(call[3:]).stage for call in calls]
    assert stages == [*["rendered", "cuts", "learn"] * 2, "real", "finetune", "rendered", "ship", "judge"]
    assert set(stages) == set(STAGES)
