"""`export catalog --views`: contributed vectors on their way into a shard, on real pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.bundle import load_bundle
from edge.contributed import ContributedView, write_contributed
from edge.defaults import default_bundle
from edge.embedder import Embedder
from edge.shard import open_shard
from edge.shard.vectors import quantize
from export.catalog.scanning import unit
from export.cli import main
from export.render.packshot import render_cutout
from tests.lint.conftest import drawn, shop
from tests.lint.shop import Shop, packshot

__all__ = ["drawn", "shop"]
SPACE = load_bundle(default_bundle()).space_id


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return load_bundle(default_bundle()).open_embedder()


def seen(shop: Shop, embedder: Embedder, product: int, device: int) -> np.ndarray[Any, Any]:
    """What a device sees of a product: turned a little, on grey."""
    cutout = render_cutout(shop.products[product], np.random.default_rng([device, product]), 200, calm=True)
    share = cutout[..., 3:4] / 255.0
    return np.asarray(embedder.embed([(cutout[..., :3] * share + 200 * (1 - share)).astype(np.uint8)])[0])


def file_of(shop: Shop, said: Sequence[tuple[int, int, np.ndarray[Any, Any]]]) -> Path:
    path = shop.folder / "views.jsonl"
    views = [
        ContributedView(f"{device:016x}", shop.products[product].product_id, SPACE, quantize(vector[None])[0].tobytes())
        for device, product, vector in said
    ]
    write_contributed(path, views)
    return path


def build(shop: Shop, views: Path, *options: str | Path, code: int = 0) -> dict[str, Any]:
    shop.build("--update", shop.shard, "--views", views, "--json", shop.folder / "c.json", *options, code=code)
    return dict(json.loads((shop.folder / "c.json").read_text()))


def test_several_devices_add_a_view_and_no_picture_changes(shop: Shop, embedder: Embedder) -> None:
    before = open_shard(shop.shard)
    path = file_of(shop, [(device, 2, seen(shop, embedder, 2, device)) for device in range(4)])
    document = build(shop, path)
    after = open_shard(shop.shard)
    assert document["contributed"]["views_added"] == 1 and document["contributed"]["devices"] == 4
    assert (after.views, after.products) == (before.views + 1, before.products)
    assert set(before.keys.tolist()) < set(after.keys.tolist()), "every picture is still there"
    kept = {int(key): vector.tobytes() for key, vector in zip(after.keys, after.vectors, strict=True)}
    assert all(kept[int(key)] == vector.tobytes() for key, vector in zip(before.keys, before.vectors, strict=True))
    row = after.find(shop.products[2].product_id)
    assert row is not None and len(after.keys[after.views_of(row)]) == 3
    assert main(["lint", str(shop.shard), "--items", str(shop.items), "--images", str(shop.images)]) == 0


def test_who_is_gone_from_the_next_file_is_gone_from_the_next_shard(shop: Shop, embedder: Embedder) -> None:
    said = [(device, 2, seen(shop, embedder, 2, device)) for device in range(3)]
    first = open_shard(shop.shard).sha256
    build(shop, file_of(shop, said))
    assert open_shard(shop.shard).views == 33
    document = build(shop, file_of(shop, said[:2]))  # one of the three had itself forgotten
    assert document["contributed"]["views_added"] == 0 and open_shard(shop.shard).sha256 == first


def test_an_attack_from_one_device_leaves_the_shard_as_it_is(shop: Shop, embedder: Embedder) -> None:
    first = open_shard(shop.shard)
    victim = unit(first.vectors)[0]
    said = [
        (7, product, seen(shop, embedder, product, 0) * (1 - share) + victim * share)
        for product in range(16)
        for share in np.linspace(0, 1, 20)
    ]
    document = build(shop, file_of(shop, said))
    assert document["contributed"]["vectors"] == 320 and document["contributed"]["views_added"] == 0
    assert open_shard(shop.shard).sha256 == first.sha256


def test_a_canary_keeps_a_view_out(shop: Shop, embedder: Embedder) -> None:
    views = file_of(shop, [(device, 2, seen(shop, embedder, 2, device)) for device in range(4)])
    Image.fromarray(packshot(shop.products[2], 0)).save(shop.images / "must-be-nothing.jpg")
    (shop.folder / "canaries.csv").write_text(f"photo,product_id\nphoto-0.jpg,{shop.products[0].product_id}\n")
    assert build(shop, views, "--canaries", shop.folder / "canaries.csv")["contributed"]["views_added"] == 1
    (shop.folder / "canaries.csv").write_text("photo,product_id\nmust-be-nothing.jpg,\n")
    document = build(shop, views, "--canaries", shop.folder / "canaries.csv")
    assert document["contributed"]["views_added"] == 0
    assert document["contributed"]["left_out"]["views that would take a canary"] == 1


def test_a_bad_line_and_a_missing_canary_are_said_and_the_rest_is_done(
    shop: Shop, embedder: Embedder, capsys: pytest.CaptureFixture[str]
) -> None:
    views = file_of(shop, [(device, 2, seen(shop, embedder, 2, device)) for device in range(4)])
    views.write_bytes(views.read_bytes() + b"{}\n")
    (shop.folder / "canaries.csv").write_text("photo,product_id\ngone.jpg,x\n")
    document = build(shop, views, "--canaries", shop.folder / "canaries.csv", code=3)
    error = capsys.readouterr().err
    assert "line 6" in error and "gone.jpg" in error and document["contributed"]["views_added"] == 1


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--devices", "2"), 2, "else one device could move a product"),
        (("--canaries", "c.csv"), 2, "guard what --views adds"),
        (("--views", "gone.jsonl"), 3, "cannot be read"),
        (("--views", "items.csv"), 4, "is no file of contributed views"),
    ],
)
def test_wrong_calls_get_one_sentence_and_write_nothing(
    shop: Shop, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], code: int, said: str
) -> None:
    here = [str(shop.folder / word) if "." in word else word for word in options]
    shop.build(*here, code=code, out=shop.folder / "other")
    error = capsys.readouterr().err
    assert said in error and len(error.strip().splitlines()) == 1 and not (shop.folder / "other").exists()
