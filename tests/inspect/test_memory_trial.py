"""A model that asks for gigabytes, or ends its process, is refused with a sentence and not met in our own process."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from edge.errors import ModelError
from export.bundles import memory_trial
from export.bundles.memory_trial import require_modest_memory
from export.cli import main
from tests.small_models import mean_embedder, save_model


def greedy(path: Path) -> Path:
    """A model of some 200 bytes that spreads its picture over 21.6 GB."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=1, axes=[2, 3]),
        helper.make_node("Expand", ["mean", "shape"], ["big"]),
        helper.make_node("ReduceMean", ["big"], ["vector"], keepdims=0, axes=[2, 3]),
    ]
    shape = {"shape": np.array([1, 3, 60_000, 30_000], np.int64)}
    return save_model(path, nodes, {"picture": [1, 3, 16, 16]}, {"vector": [1, 3]}, shape)


def test_a_modest_model_passes(tmp_path):
    require_modest_memory(mean_embedder(tmp_path / "small.onnx"))


def test_what_is_no_model_is_refused_in_the_trial_already(tmp_path):
    (tmp_path / "text.onnx").write_text("words")
    with pytest.raises(ModelError, match="damaged, cut short, or no model"):
        require_modest_memory(tmp_path / "text.onnx")


def test_what_fails_while_running_is_left_to_the_reader(tmp_path):
    nodes = [helper.make_node("Reshape", ["picture", "shape"], ["vector"])]
    shape = {"shape": np.array([1, 7], np.int64)}
    require_modest_memory(
        save_model(tmp_path / "m.onnx", nodes, {"picture": ["n", 3, "h", "w"]}, {"vector": [1, 7]}, shape)
    )


def test_refuses_a_model_that_asks_for_gigabytes(tmp_path, capfd):
    model = greedy(tmp_path / "greedy.onnx")
    assert main(["inspect", str(model)]) == 3
    shown = capfd.readouterr()
    assert shown.err == (
        f"export inspect: {model}: asks for more than 4 GiB of memory to run once: no device could use it\n"
    )


def test_bundle_refuses_it_too_and_leaves_nothing(tmp_path, capfd):
    detector = mean_embedder(tmp_path / "small.onnx")
    out = tmp_path / "bundle"
    command = ["bundle", "--detector", detector, "--embedder", greedy(tmp_path / "greedy.onnx"), "--out", out]
    assert main([str(part) for part in command]) == 3
    assert "greedy.onnx: asks for more than 4 GiB" in capfd.readouterr().err
    assert not out.exists()


def test_a_run_that_takes_too_long_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_trial, "TIME_LIMIT_S", 0.001)
    with pytest.raises(ModelError, match=r"one run takes more than 0\.001 seconds"):
        require_modest_memory(mean_embedder(tmp_path / "small.onnx"))
