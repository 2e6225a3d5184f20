"""A model that passes its trial and misbehaves on one picture: that picture is said, the others are tagged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from PIL import Image

from edge.cli import main as edge
from export.cli import main as export
from tests.small_models import Array, fcos_outputs, mean_embedder, save_model

SIDE = 64
CHANGES: dict[str, list[tuple[str, str, str, str]]] = {
    "nan": [("Sub", "one", "bright", "q"), ("Div", "q", "q", "f"), ("Mul", "s", "f", "scores")],
    "infinite": [("Sub", "one", "bright", "q"), ("Div", "one", "q", "f"), ("Mul", "d", "f", "distances")],
    "above one": [("Mul", "bright", "much", "q"), ("Add", "s", "q", "scores")],
    "far outside": [("Mul", "bright", "much", "q"), ("Add", "d", "q", "distances")],
    "nothing": [("Sub", "one", "bright", "q"), ("Mul", "s", "q", "scores")],
}


def moody_detector(path: Path, change: str) -> Path:
    """Write a detector that finds one object in a dark picture, and whose outputs change in a bright one."""
    outputs = fcos_outputs((SIDE, SIDE))
    constants: dict[str, Array] = {"half": np.float32(0.5), "one": np.float32(1), "much": np.float32(1e6)}
    constants |= {"s": outputs["scores"], "d": outputs["distances"]}
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0, axes=[0, 1, 2, 3]),
        helper.make_node("Greater", ["mean", "half"], ["is_bright"]),
        helper.make_node("Cast", ["is_bright"], ["bright"], to=TensorProto.FLOAT),
        *(helper.make_node(operator, [a, b], [out]) for operator, a, b, out in CHANGES[change]),
    ]
    made = {name for node in nodes for name in node.output}
    nodes += [helper.make_node("Identity", [name[0]], [name]) for name in ("scores", "distances") if name not in made]
    used = {name for node in nodes for name in node.input}
    shapes = {name: list(value.shape) for name, value in outputs.items()}
    kept = {name: value for name, value in constants.items() if name in used}
    return save_model(path, nodes, {"picture": [1, 3, SIDE, SIDE]}, shapes, kept)


@pytest.mark.parametrize(
    "change, said",
    [
        ("nan", "light.png: the detector's output 'scores' holds values that are not numbers: check its preprocessing"),
        ("infinite", "light.png: the detector gave boxes that are not finite numbers: check its preprocessing"),
        (
            "above one",
            "light.png: the detector gave a confidence of 1e+06, above 1: check its family and preprocessing",
        ),
        ("far outside", None),
        ("nothing", None),
    ],
)
def test_one_picture_fails_and_the_others_are_tagged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, said: str | None
) -> None:
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 200)):
        Image.fromarray(rng.integers(low, low + 50, (90, 120, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "items.csv").write_text("product_id,title,image\na,A,dark.png\n")
    models = (
        "--detector",
        moody_detector(tmp_path / "d.onnx", change),
        "--embedder",
        mean_embedder(tmp_path / "e.onnx"),
    )
    scale = ("--embedder-mean", 0, "--embedder-std", 255)
    assert export([str(w) for w in ("bundle", *models, *scale, "--out", tmp_path / "b")]) == 0
    items = (
        "catalog",
        tmp_path / "items.csv",
        "--images",
        tmp_path,
        "--bundle",
        tmp_path / "b",
        "--out",
        tmp_path / "s",
    )
    assert export([str(word) for word in items]) == 0
    capsys.readouterr()
    pictures = (tmp_path / "dark.png", tmp_path / "light.png")
    words = ("tag", *pictures, "--bundle", tmp_path / "b", "--shard", tmp_path / "s", "--json", "-")
    assert edge([str(word) for word in words]) == (3 if said else 0)
    shown = capsys.readouterr()
    dark, light = json.loads(shown.out)["sources"]
    assert dark["error"] is None and len(dark["tags"]) == 1
    if said:
        assert light["error"] == f"{tmp_path}/{said}" and f"edge tag: {tmp_path}/{said}\n" in shown.err
    else:
        assert light["error"] is None
        assert len(light["tags"]) == (change == "far outside")
        for tag in light["tags"]:
            x0, y0, x1, y1 = tag["best"]["xyxy"]
            assert 0 <= x0 < x1 <= 120 and 0 <= y0 < y1 <= 90
