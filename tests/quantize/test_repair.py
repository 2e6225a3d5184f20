"""The search for the static form: ranges chosen by calibration, the fewest layers in float, never below 70 % int8."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import cast

import pytest

from export.quantize.forms import OnnxForms
from export.quantize.judged import Judged
from export.quantize.layers import Layers
from export.quantize.onnx_source import OnnxSource
from export.quantize.repair import LEAST_SHARE, Found, choose_rule, search
from export.quantize.variant import Variant

MACS = {f"layer_{i}": 100 for i in range(10)} | {"small": 1}


class Source:
    """A source whose files are empty, with layers that count alike."""

    stem = "model"
    layers = Layers(MACS, dict.fromkeys(MACS, 1), {}, {name: (name,) for name in MACS}, (), ())

    def __init__(self) -> None:
        self.rules: list[str] = []

    def static(self, folder: Path, rule: str, kept_float: Collection[str] = (), tag: str = "") -> Variant:
        self.rules.append(rule)
        path = folder / f"{self.stem}.{tag}.onnx"
        path.touch()
        path.with_name(f"{path.name}.toml").touch()
        return Variant(path, ("pi",), "qdq", self.layers.share(kept_float), tuple(kept_float))

    def order(self) -> tuple[str, ...]:
        return ("small", *(f"layer_{i}" for i in range(10)))


def loses(points: float, reason: str = "") -> Judged:
    return Judged("ap50", 0.8, 0.8 - points / 100, points, None, 10, reason=reason)


def searched(tmp_path: Path, needed: int) -> Found:
    def judge(variant: Variant) -> Judged:
        return loses(0.5 if len(variant.kept_float) >= needed else 40 - len(variant.kept_float))

    return search(OnnxForms(cast(OnnxSource, Source()), tmp_path, "min_max"), judge, max_drop=1.0)


def test_a_model_that_bears_int8_stays_whole(tmp_path: Path) -> None:
    found = searched(tmp_path, needed=0)
    assert found.chosen is found.plain
    assert found.chosen.variant.kept_float == ()


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_the_fewest_layers_go_back_to_float_most_rewarding_first(tmp_path: Path, needed: int) -> None:
    chosen = searched(tmp_path, needed).chosen
    assert chosen.accepted
    assert chosen.variant.kept_float == ("small", "layer_0", "layer_1")[:needed]
    assert {path.name.removesuffix(".toml") for path in tmp_path.iterdir()} == {chosen.variant.path.name}


def test_below_70_percent_nothing_is_accepted(tmp_path: Path) -> None:
    found = searched(tmp_path, needed=4)
    assert not found.chosen.accepted
    assert min(trial.variant.int8_macs_share for trial in found.trials) >= LEAST_SHARE
    assert found.chosen.judged.drop_points == min(trial.judged.drop_points for trial in found.trials)


@pytest.mark.parametrize("better", ["min_max", "least_error"])
def test_calibration_pictures_choose_the_ranges(tmp_path: Path, better: str) -> None:
    source = Source()

    def chooser(variant: Variant) -> Judged:
        return loses(1 if source.rules[-1] == better else 9)

    assert choose_rule(cast(OnnxSource, source), tmp_path, chooser) == better
    assert list(tmp_path.iterdir()) == []


def test_ranges_that_collapse_boxes_are_not_chosen(tmp_path: Path) -> None:
    source = Source()

    def chooser(variant: Variant) -> Judged:
        return loses(0, "boxes collapsed") if source.rules[-1] == "min_max" else loses(9)

    assert choose_rule(cast(OnnxSource, source), tmp_path, chooser) == "least_error"
