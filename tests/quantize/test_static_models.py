"""Static int8 models: valid, unsigned, per channel, boxes and scores apart, small, and near their float model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.errors import ModelError
from export.quantize.bias_correction import with_corrected_biases
from export.quantize.compacting import compacted
from export.quantize.layers import Layers, multiply_adds
from export.quantize.noise import tensor_noise
from export.quantize.preparing import prepare, with_shapes
from export.quantize.ranges import Seen, beyond_ranges, float_tensors, observe_ranges
from export.quantize.rounding import step_and_zero, with_rounded_layers
from export.quantize.sensitivity import cheapest_first, sensitivities
from export.quantize.sizes import itemised
from export.quantize.static import quantized
from tests.quantize.small_networks import network, pictures, reading_of


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> onnx.ModelProto:
    return prepare(reading_of(network(11), tmp_path_factory.mktemp("m") / "m.onnx")).model


@pytest.fixture(scope="module")
def seen(prepared: onnx.ModelProto) -> Seen:
    return observe_ranges(prepared, pictures(12))


@pytest.fixture(scope="module")
def static(prepared: onnx.ModelProto, seen: Seen) -> onnx.ModelProto:
    return quantized(prepared, seen.ranges("min_max"), Layers.of(prepared))


def answers(model: onnx.ModelProto, feeds: list[dict[str, np.ndarray]]) -> np.ndarray:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, feed)[0] for feed in feeds])


def test_ranges_of_no_picture_are_refused(prepared: onnx.ModelProto) -> None:
    with pytest.raises(ModelError, match="no picture"):
        observe_ranges(prepared, [])


def test_per_channel_from_opset_11_is_a_valid_graph(static: onnx.ModelProto) -> None:
    onnx.checker.check_model(static)
    constants = {tensor.name: tensor for tensor in static.graph.initializer}
    weights = [n for n in static.graph.node if n.op_type == "DequantizeLinear" and n.input[0] in constants]
    assert len(weights) == 4
    assert all(len(constants[node.input[1]].dims) == 1 for node in weights)
    assert {constants[node.input[0]].data_type for node in weights} == {TensorProto.INT8}


def test_activations_are_unsigned(static: onnx.ModelProto) -> None:
    constants = {tensor.name: tensor for tensor in static.graph.initializer}
    zeros = [constants[n.input[2]] for n in static.graph.node if n.op_type == "QuantizeLinear"]
    assert zeros and {zero.data_type for zero in zeros} == {TensorProto.UINT8}


def test_no_scale_covers_boxes_and_scores(prepared: onnx.ModelProto, static: onnx.ModelProto) -> None:
    layers = Layers.of(prepared)
    operators = {node.name: node.op_type for node in prepared.graph.node}
    assert [operators[name] for name in layers.tail] == ["Sigmoid", "Concat", "GlobalAveragePool"]
    assert set(layers.heads) == {"boxes", "logits"}
    rounded = {node.input[0] for node in static.graph.node if node.op_type == "QuantizeLinear"}
    assert {"boxes", "logits"} <= rounded
    assert not {"both", "vector", "scores"} & rounded


def test_multiply_adds_are_counted() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], name="conv", group=4)
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 10, 10])]
    weight = numpy_helper.from_array(np.zeros((16, 2, 3, 3), np.float32), "w")
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 16, 8, 8])]
    model = helper.make_model(helper.make_graph([node], "g", values, out, [weight]))
    assert multiply_adds(with_shapes(model).graph) == {"conv": 16 * 8 * 8 * 2 * 9}


def test_shares_add_up(prepared: onnx.ModelProto) -> None:
    layers = Layers.of(prepared)
    names = list(layers.macs)
    assert layers.share([]) == 1
    assert layers.share(names) == pytest.approx(0)
    assert layers.share(names[:1]) + layers.share(names[1:]) == pytest.approx(1)


def test_answers_are_near_and_kept_layers_bring_them_nearer(prepared: onnx.ModelProto, seen: Seen) -> None:
    layers, feeds = Layers.of(prepared), pictures(6, seed=9)
    truth = answers(prepared, feeds)
    errors = [
        np.abs(answers(quantized(prepared, seen.ranges("min_max"), layers, kept), feeds) - truth).max()
        for kept in ([], list(layers.macs)[:2], list(layers.macs))
    ]
    assert errors[0] < 0.06 * np.abs(truth).max()
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-5


def test_compacted_file_answers_the_same_bits_in_fewer_bytes(
    prepared: onnx.ModelProto, static: onnx.ModelProto
) -> None:
    smaller, feeds = compacted(static, float_tensors(prepared)), pictures(3)
    onnx.checker.check_model(smaller)
    assert smaller.ByteSize() < 0.8 * static.ByteSize()
    assert np.array_equal(answers(smaller, feeds), answers(static, feeds))
    made = {name for node in smaller.graph.node for name in node.output}
    assert {"boxes", "logits", "vector"} <= made


def test_sizes_add_up_to_the_file(static: onnx.ModelProto, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(static, path)
    parts = itemised(path)
    assert sum(parts.values()) == path.stat().st_size
    assert parts["int8 weights"] > 8 * 27 + 16 * 72


def test_corrected_biases_take_the_mean_shift_away(prepared: onnx.ModelProto, seen: Seen) -> None:
    layers = Layers.of(prepared)
    feeds, ranges = pictures(40, seed=1), {"none": (0.0, 0.0)}
    truth = answers(prepared, feeds).mean(axis=0)
    plain = answers(with_rounded_layers(prepared, layers, layers.macs, ranges), feeds).mean(axis=0)
    corrected = with_corrected_biases(prepared, seen.means, set(layers.macs))
    better = answers(with_rounded_layers(corrected, layers, layers.macs, ranges), feeds).mean(axis=0)
    assert np.linalg.norm(better - truth) < 0.5 * np.linalg.norm(plain - truth)


def test_layers_that_are_kept_keep_their_biases(prepared: onnx.ModelProto, seen: Seen) -> None:
    feeds = pictures(2)
    assert np.array_equal(answers(with_corrected_biases(prepared, seen.means, ()), feeds), answers(prepared, feeds))


def test_step_and_zero_hold_zero_exactly() -> None:
    assert step_and_zero((0.0, 0.0)) == (1.0, 0)
    assert step_and_zero((0.0, 255.0)) == (1.0, 0)
    assert step_and_zero((-255.0, 0.0)) == (1.0, 255)


def test_the_layer_whose_range_is_wrong_is_the_most_sensitive(prepared: onnx.ModelProto, seen: Seen) -> None:
    layers = Layers.of(prepared)
    ranges = seen.ranges("min_max")
    producer = {name: node.name for node in prepared.graph.node for name in node.output}
    ranges["logits"] = (-4000.0, 4000.0)
    noise = sensitivities(prepared, layers, ranges, pictures(3))
    assert max(noise, key=noise.__getitem__) == producer["logits"]
    assert cheapest_first(noise, layers)[0] == producer["logits"]


def test_noise_names_the_tensor_that_is_off(prepared: onnx.ModelProto, seen: Seen, tmp_path: Path) -> None:
    ranges = seen.ranges("min_max")
    ranges["boxes"] = (ranges["boxes"][0] / 8, ranges["boxes"][1] / 8)
    path = tmp_path / "m.onnx"
    onnx.save(compacted(quantized(prepared, ranges, Layers.of(prepared)), float_tensors(prepared)), path)
    worst = tensor_noise(prepared, path, pictures(3))
    assert worst[0].name in ("boxes", "both", "vector")
    by_name = {noise.name: noise.snr_db for noise in worst}
    assert by_name["boxes"] < 15 < by_name["logits"]


def test_models_without_common_tensors_cannot_be_compared(prepared: onnx.ModelProto, tmp_path: Path) -> None:
    other = helper.make_node("Relu", ["picture"], ["elsewhere"])
    shape = [1, 3, 16, 16]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("picture", "elsewhere")]
    graph = helper.make_graph([other], "g", values[:1], values[1:])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "m.onnx")
    with pytest.raises(ModelError, match="shares no tensor names"):
        tensor_noise(prepared, tmp_path / "m.onnx", pictures(1))


def test_pictures_of_another_domain_reach_beyond_the_ranges(prepared: onnx.ModelProto, seen: Seen) -> None:
    alike = observe_ranges(prepared, pictures(6, seed=4))
    foreign = observe_ranges(prepared, [{"picture": 3 * feed["picture"]} for feed in pictures(6, seed=4)])
    assert beyond_ranges(seen, alike)[0] < 0.25
    share, ratio = beyond_ranges(seen, foreign)
    assert share > 0.5 and ratio > 1.5


@pytest.mark.parametrize("activated", [False, True])
def test_runtime_does_not_round_the_weights_of_layers_that_stay_in_float(
    prepared: onnx.ModelProto, seen: Seen, activated: bool, tmp_path: Path
) -> None:
    """A float convolution between two roundings looks to onnxruntime like one to round, with one scale for all."""
    model = onnx.ModelProto()
    model.CopyFrom(prepared)
    for reader in model.graph.node if not activated else ():
        reader.input[:] = ["c1" if name == "r1" and reader.op_type == "Conv" else name for name in reader.input]
    [node] = [node for node in model.graph.node if "c1" in node.output]
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "as-run.onnx")
    static = quantized(model, seen.ranges("min_max"), Layers.of(model), [node.name])
    ort.InferenceSession(static.SerializeToString(), options, providers=["CPUExecutionProvider"])
    as_run = [node.op_type for node in onnx.load(tmp_path / "as-run.onnx").graph.node]
    assert (as_run.count("Conv"), as_run.count("QLinearConv")) == (1, 3)
