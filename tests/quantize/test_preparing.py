"""Preparing a graph: old operator sets, BatchNorm, listed initializers, open batches, stored weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from edge.errors import ModelError
from export.quantize.byte_weights import with_byte_weights
from export.quantize.preparing import RESTORED, prepare
from tests.quantize.small_networks import network, reading_of


@pytest.mark.parametrize(("opset", "listed", "batch"), [(17, False, 1), (11, False, 1), (9, True, 1), (13, False, "n")])
def test_any_float_graph_becomes_one_that_scales_for_each_channel_fit(
    tmp_path: Path, opset: int, listed: bool, batch: int | str
) -> None:
    prepared = prepare(reading_of(network(opset, listed, batch), tmp_path / "m.onnx")).model
    assert prepared.opset_import[0].version >= 13
    assert [value.name for value in prepared.graph.input] == ["picture"]
    assert [dim.dim_value for dim in prepared.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 16, 16]
    assert "BatchNormalization" not in {node.op_type for node in prepared.graph.node}
    names = [node.name for node in prepared.graph.node]
    assert all(names) and len(set(names)) == len(names)
    onnx.checker.check_model(prepared, full_check=True)


def test_the_given_file_is_not_touched(tmp_path: Path) -> None:
    reading = reading_of(network(9, listed=True), tmp_path / "m.onnx")
    before = reading.path.read_bytes()
    prepare(reading)
    assert reading.path.read_bytes() == before


def test_weights_that_are_stored_as_int8_become_floats_and_that_is_said(tmp_path: Path) -> None:
    model = network()
    prepared = prepare(reading_of(with_byte_weights(model), tmp_path / "m.onnx"))
    assert "Cast" not in {node.op_type for node in prepared.model.graph.node}
    assert prepared.note == RESTORED
    assert prepared.float_bytes == prepared.model.ByteSize()
    plain = prepare(reading_of(model, tmp_path / "plain.onnx"))
    assert (plain.note, plain.float_bytes) == ("", plain.reading.path.stat().st_size)


def test_an_operator_set_that_cannot_be_raised_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(model: onnx.ModelProto, version: int) -> None:
        raise RuntimeError("no adapter")

    monkeypatch.setattr(onnx.version_converter, "convert_version", fail)
    with pytest.raises(ModelError, match=r"operator set 11 cannot be raised to 17.*no adapter.*export the model"):
        prepare(reading_of(network(11), tmp_path / "m.onnx"))


def test_folding_that_changes_the_result_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxslim

    other = network(seed=5)
    monkeypatch.setattr(onnxslim, "slim", lambda model: other)
    with pytest.raises(ModelError, match="computes something else"):
        prepare(reading_of(network(), tmp_path / "m.onnx"))


def test_numbers_stay_the_same(tmp_path: Path) -> None:
    reading = reading_of(network(9, listed=True), tmp_path / "m.onnx")
    folded = prepare(reading).model
    from export.quantize.preparing import run_once

    picture = np.random.default_rng(0).uniform(-1, 1, (1, 3, 16, 16)).astype(np.float32)
    [before], [after] = run_once(onnx.load(reading.path), picture), run_once(folded, picture)
    assert np.abs(before).max() > 1
    assert np.abs(before - after).max() < 1e-4
