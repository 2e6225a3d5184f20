"""The forms of one run: final names, sidecars, what is removed, and LiteRT layers ranked by the ONNX model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import onnx
import pytest

from export.quantize.forms import LitertForms
from export.quantize.job import Evaluation, Job
from export.quantize.judged import Judged
from export.quantize.litert import Layer, LitertSource
from export.quantize.onnx_source import OnnxSource
from export.quantize.run import Form, onnx_forms
from export.quantize.variant import Variant
from tests.quantize.judging_kit import pictures
from tests.quantize.small_networks import network, reading_of


def loses(points: float) -> Judged:
    return Judged("ap50", 0.8, 0.8 - points / 100, points, None, 10)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    files = tuple(pictures(tmp_path / "photos"))
    return Job(reading_of(network(11), tmp_path / "net.onnx"), files[:5], Evaluation(files[5:]))


def made(job: Job, folder: Path, drops: dict[str, float]) -> list[Form]:
    """Return the forms of a run whose judge tells files apart by a part of their names."""
    folder.mkdir()

    def judge(variant: Variant) -> Judged:
        return loses(next((drop for part, drop in drops.items() if part in variant.path.name), 0.0))

    found = list(onnx_forms(OnnxSource.open(job), job, folder, judge, judge))
    return [form for form in found if isinstance(form, Form)]


def test_every_form_has_one_file_and_nothing_else_stays(job: Job, tmp_path: Path) -> None:
    forms = made(job, tmp_path / "out", {})
    assert [form.path.name for form in forms] == [
        "net.float.onnx",
        "net.qdq.onnx",
        "net.weight_only.onnx",
        "net.fp16.onnx",
    ]
    expected = {name for form in forms for name in (form.path.name, f"{form.path.name}.toml")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected


def test_refused_static_form_is_repaired_under_its_own_name(job: Job, tmp_path: Path) -> None:
    forms = made(job, tmp_path / "out", {"static-0": 30, "choosing": 30})
    [mixed] = [form for form in forms if form.variant.scheme == "mixed"]
    assert mixed.path.name == "net.mixed.onnx"
    assert mixed.variant.kept_float and mixed.variant.int8_macs_share < 1
    assert not list((tmp_path / "out").glob("*static*"))
    onnx.checker.check_model(onnx.load(mixed.path))


def test_int8_weights_that_lose_too_much_are_kept_in_half(job: Job, tmp_path: Path) -> None:
    forms = made(job, tmp_path / "out", {"weight_only": 9, ".weights.": 0.2})
    [light] = [form for form in forms if form.variant.scheme == "weight_only"]
    assert (light.path.name, light.judged.drop_points) == ("net.weight_only.onnx", 0.2)
    assert not list((tmp_path / "out").glob("*.weights.*"))


def test_the_original_file_is_never_changed(job: Job, tmp_path: Path) -> None:
    before = job.reading.path.read_bytes()
    made(job, tmp_path / "out", {"static": 30})
    assert job.reading.path.read_bytes() == before


@dataclass
class Litert:
    """A LiteRT model of which only the layers are known."""

    layers: tuple[Layer, ...]

    def sensitive(self) -> tuple[str, ...]:
        return ("tried",)


def test_litert_layers_are_ranked_by_the_onnx_model_where_both_have_the_same(job: Job) -> None:
    source = OnnxSource.open(job)
    macs = source.layers.macs
    same = tuple(Layer(f"t{at}", "CONV_2D", macs[name], source.layers.weights[name]) for at, name in enumerate(macs))
    order = LitertForms(cast(LitertSource, Litert(same)), source).order()
    assert order == [f"t{list(macs).index(name)}" for name in source.order()]
    assert LitertForms(cast(LitertSource, Litert(same[1:])), source).order() == ("tried",)
    assert LitertForms(cast(LitertSource, Litert(same))).order() == ("tried",)
    assert LitertForms(cast(LitertSource, Litert(same))).share([layer.name for layer in same]) == pytest.approx(0)
