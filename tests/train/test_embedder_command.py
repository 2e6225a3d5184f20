"""`export train embedder` as a user meets it: bad calls, resume, a full disk, the bundle that comes out."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is the extra [train]")

from edge.bundle import Matching, load_bundle  # noqa: E402
from edge.defaults import default_bundle, demo_shard  # noqa: E402
from edge.errors import ModelError, SpaceMismatch  # noqa: E402
from edge.inference.hardware import Hardware  # noqa: E402
from edge.pipeline import Kit  # noqa: E402
from edge.shard import open_shard  # noqa: E402
from export.bundles.replacing import replace_embedder  # noqa: E402
from export.cli import main  # noqa: E402
from export.train.embedder import fine_tune as tuning  # noqa: E402
from export.train.embedder.comparison import Ranking  # noqa: E402
from export.train.embedder.network import Network, Shape  # noqa: E402
from export.train.embedder.onnx_file import write_onnx  # noqa: E402
from export.train.embedder.own_products import OwnProducts  # noqa: E402
from export.train.embedder.rendered import RenderedFamilies  # noqa: E402
from export.train.embedder.varying import Variety, varied  # noqa: E402
from export.train.weights import load_weights  # noqa: E402
from tests.docs.code_blocks import REPOSITORY, shown_commands  # noqa: E402
from tests.train.full_disk import run_on_small_disk  # noqa: E402
from tests.train.own_catalogue import write_items, write_photos  # noqa: E402

pytestmark = pytest.mark.torch
PACKAGED = default_bundle() / "embedder.onnx"


def _call(folder: Path, *more: str) -> list[str]:
    return ["train", "embedder", f"{folder}/ITEMS.csv", "--images", str(folder), "--out", f"{folder}/shop", *more]


@pytest.mark.parametrize("option", [["--keep-aside", "1"], ["--steps", "0"], ["--test", "t.csv"]])
def test_refuses_impossible_options(tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_call(tmp_path, *option)) == 2
    assert option[0] in capsys.readouterr().err


def test_one_product_is_one_sentence_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_items(tmp_path, 1)
    assert main(_call(tmp_path)) == 3
    sentences = capsys.readouterr().err.splitlines()
    assert len(sentences) == 1 and "needs at least 2, add more" in sentences[0]
    assert not list(tmp_path.glob("shop*"))


def test_picture_on_both_sides_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_items(tmp_path, 3)
    photos, test = write_photos(tmp_path, 3, 3), write_photos(tmp_path, 3, 1, "test", first=11)
    assert main(_call(tmp_path, "--photos", str(photos), "--test", str(test))) == 3
    assert "3 of its pictures are also learnt from" in capsys.readouterr().err
    assert not list(tmp_path.glob("shop*"))


def test_packaged_weights_are_read_back_out_of_their_bytes() -> None:
    views = RenderedFamilies(size=160).draw(4, np.random.default_rng(0))
    network = Network()
    load_weights(network, PACKAGED, varied(torch.from_numpy(views.packshots), 160, Variety()), "embedder")
    with torch.inference_mode():
        found = network.eval()(varied(torch.from_numpy(views.photos[:, 0]), 160, Variety())).numpy()
    embedder = load_bundle(default_bundle()).open_embedder(Hardware(threads=1))
    expected = embedder.embed(list(views.photos[:, 0]))
    assert float((found * expected).sum(axis=1).min()) > 0.9999
    assert tuning.usable_start(PACKAGED)


def test_embedder_of_another_shape_is_no_start(tmp_path: Path) -> None:
    tiny = Shape((8, 8), (16, 16, 16), (8, 8, 8), (0, 1, 0), (8, 8, 8), 16)
    write_onnx(Network(tiny), tmp_path / "e.onnx", 64)
    assert not tuning.usable_start(tmp_path / "e.onnx")
    assert not tuning.usable_start(default_bundle() / "detector.onnx")
    with pytest.raises(ModelError, match="not an embedder of this kit's present shape"):
        load_weights(Network(), tmp_path / "e.onnx", torch.zeros(1, 3, 160, 160), "embedder")


def test_new_bundle_has_its_own_space_and_keeps_detector_and_second_look(tmp_path: Path) -> None:
    former = load_bundle(default_bundle())
    write_onnx(Network(), tmp_path / "best.onnx")
    small = tuning.store_small(tmp_path / "best.onnx", tmp_path / "small.onnx")
    assert small.stat().st_size < 1_300_000
    matching = Matching(0.71, 0.02)
    new = replace_embedder(former, small, tmp_path / "best.onnx", matching, "shop", tmp_path / "shop")
    assert new.space_id != former.space_id and new.matching == matching and new.name == "shop"
    assert new.second_look == former.second_look and new.detector == former.detector
    assert new.embedder.preprocessing == former.embedder.preprocessing
    assert new.embedder.crop_margin == former.embedder.crop_margin
    with pytest.raises(SpaceMismatch):
        Kit.open(new, [open_shard(demo_shard())])
    with pytest.raises(ModelError, match="not an embedder"):
        replace_embedder(former, default_bundle() / "detector.onnx", small, matching, "x", tmp_path / "x")


def test_training_of_another_call_is_refused(tmp_path: Path) -> None:
    from edge.errors import InputError

    call = tuning.Call("a", "", "", "", 0.2, 4, 0)
    (tmp_path / "call.json").write_text(json.dumps({**call.__dict__, "keep_aside": 0.3, "seed": 1}))
    with pytest.raises(InputError, match=r"another call \(different: keep_aside, seed\)"):
        tuning.fine_tune(OwnProducts((), {}, (), (), False), call, PACKAGED, tmp_path)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches small and measurements frequent."""
    for name, value in {"EVERY": 1, "OWN": 3, "RENDERED": 2, "POOL": 10, "PRODUCTS_FOR_STATISTICS": 4}.items():
        monkeypatch.setattr(tuning, name, value)


@pytest.mark.full
def test_documented_commands_run_through_an_interrupt(
    tmp_path: Path, short: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_items(tmp_path, 5)
    write_photos(tmp_path, 5, 4)
    write_photos(tmp_path, 5, 2, "other-photos", first=30)
    (tmp_path / "images").symlink_to(tmp_path)
    (tmp_path / "photos/4-13.png").write_bytes(b"nothing")
    monkeypatch.chdir(tmp_path)
    shown = [command.words[3:] for command in shown_commands(REPOSITORY / "docs/train.md")]
    train, catalog, evaluate = (words for words in shown if "detector" not in words)
    train = (*train, "--steps", "3", "--threads", "1", "--json", "r.json")
    measure, asked = tuning.rank, list[int]()

    def press_ctrl_c_at_the_second(*given: Any) -> Ranking:
        asked.append(1)
        if len(asked) == 2:
            signal.raise_signal(signal.SIGINT)
        return measure(*given)

    monkeypatch.setattr(tuning, "rank", press_ctrl_c_at_the_second)
    assert main(list(train)) == 130
    assert (tmp_path / "shop-bundle.training/run.checkpoint").exists() and not (tmp_path / "shop-bundle").exists()
    monkeypatch.setattr(tuning, "rank", measure)
    assert main(list(train)) == 3, "a picture was left out, the rest was done"
    said = capsys.readouterr()
    assert "going on after step 1 of 3" in said.err and "4-13.png" in said.err
    assert "products that it never saw" in said.out
    document = json.loads((tmp_path / "r.json").read_text())
    assert ("a new embedding space" in said.err) == (document["best_step"] > 0)
    assert document["steps"] == 3 and document["skipped"] == 1 and document["learnt_products"] == 4
    assert document["comparison"]["by"]["never_seen"]["products"] == 1
    bundle = load_bundle(tmp_path / "shop-bundle")
    assert bundle.space_id == document["bundle"]["space_id"] != document["former"]["space_id"]
    assert (tmp_path / "shop-bundle.training/curves.png").stat().st_size > 5000
    assert main(list(catalog)) == 0
    assert main([*evaluate, "--crop", "whole"]) == 0
    assert open_shard(tmp_path / "shard").description.space_id == bundle.space_id


@pytest.mark.full
def test_packshots_alone_give_a_bundle(tmp_path: Path, short: None, capsys: pytest.CaptureFixture[str]) -> None:
    write_items(tmp_path, 4)
    assert main(_call(tmp_path, "--steps", "1", "--threads", "1")) == 0
    assert "scenes drawn around packshots" in capsys.readouterr().out
    assert load_bundle(tmp_path / "shop").name == "shop"


@pytest.mark.full
def test_same_seed_gives_the_same_weights(tmp_path: Path, short: None) -> None:
    write_items(tmp_path, 4)
    for name in ("a", "b"):
        assert (
            main([*_call(tmp_path, "--steps", "2", "--threads", "1", "--seed", "5"), "--out", f"{tmp_path}/{name}"])
            == 0
        )
    assert load_bundle(tmp_path / "a").embedder.model.sha256 == load_bundle(tmp_path / "b").embedder.model.sha256


@pytest.mark.full
@pytest.mark.parametrize(("size", "file"), [("3m", "now.onnx"), ("16m", "run.checkpoint")])
def test_full_disk_is_one_sentence_and_the_call_can_be_made_again(tmp_path: Path, size: str, file: str) -> None:
    write_items(tmp_path, 3)
    disk = tmp_path / "disk"
    call = [*_call(tmp_path, "--steps", "1", "--threads", "1"), "--out", str(disk / "shop")]
    done = run_on_small_disk(disk, size, [sys.executable, "-m", "export", *call])
    assert done.returncode == 3, done.stderr
    lines = [line for line in done.stderr.splitlines() if "cannot be written" in line]
    assert len(lines) == 1 and file in lines[0] and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "shop.training"
