"""Which of the schemes that are all called int8 a graph follows: told from its nodes, in both formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from export.bundles.onnx_quantization import Quantization, quantization_of
from export.bundles.reading import read_model
from export.bundles.tflite_graph import FLOAT16, FLOAT32, UINT8, _layer_scheme
from export.bundles.tflite_graph import INT8 as INT8_TYPE
from export.cli import main
from export.quantize.byte_weights import with_byte_weights
from export.quantize.half_weights import with_half_weights
from tests.small_models import save_model

WEIGHT = np.linspace(-1, 1, 8 * 3 * 3 * 3, dtype=np.float32).reshape(8, 3, 3, 3)
SCALE, ZERO, ZERO_U = np.float32(0.01), np.int8(0), np.uint8(128)


def graph(nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray]) -> onnx.GraphProto:
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    picture = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_graph(nodes, "small", [picture], [out], values)


def dequantized_weight() -> onnx.NodeProto:
    return helper.make_node("DequantizeLinear", ["w8", "s", "z"], ["w"])


def quantized_input() -> list[onnx.NodeProto]:
    return [
        helper.make_node("QuantizeLinear", ["x", "s", "zu"], ["x8"]),
        helper.make_node("DequantizeLinear", ["x8", "s", "zu"], ["xq"]),
    ]


CONV = helper.make_node("Conv", ["x", "w"], ["y"])
CONV_8 = helper.make_node("Conv", ["xq", "w"], ["y"])
FLOAT = {"w": WEIGHT}
INT8 = {"w8": (WEIGHT * 100).astype(np.int8), "s": SCALE, "z": ZERO, "zu": ZERO_U}
FAKE = [
    helper.make_node("QuantizeLinear", ["wf", "s", "z"], ["w8"]),
    helper.make_node("DequantizeLinear", ["w8", "s", "z"], ["w"]),
]
DYNAMIC = [
    helper.make_node("DynamicQuantizeLinear", ["x"], ["x8", "xs", "xz"]),
    helper.make_node("ConvInteger", ["x8", "w8", "xz", "z"], ["y32"]),
    helper.make_node("Cast", ["y32"], ["y"], to=TensorProto.FLOAT),
]


@pytest.mark.parametrize(
    ("nodes", "constants", "expected"),
    [
        ([], {}, Quantization("float", 0, 0)),
        ([CONV], FLOAT, Quantization("float", 0, 1)),
        ([dequantized_weight(), CONV], INT8, Quantization("weight_only", 0, 1)),
        ([*FAKE, CONV], {"wf": WEIGHT, "s": SCALE, "z": ZERO}, Quantization("weight_only", 0, 1)),
        ([*quantized_input(), dequantized_weight(), CONV_8], INT8, Quantization("static", 1, 1)),
        ([*quantized_input(), CONV_8], {**FLOAT, "s": SCALE, "zu": ZERO_U}, Quantization("static", 0, 1)),
        (DYNAMIC, INT8, Quantization("dynamic", 1, 1)),
    ],
    ids=["nothing", "float", "weights", "fake-quantized weights", "QDQ", "QDQ of activations alone", "dynamic"],
)
def test_scheme_of_an_onnx_graph(
    nodes: list[onnx.NodeProto], constants: dict[str, np.ndarray], expected: Quantization
) -> None:
    assert quantization_of(graph(nodes, constants)) == expected


def test_constants_that_a_cast_makes_float_are_weight_only(tmp_path: Path) -> None:
    model = onnx.load(save_model(tmp_path / "m.onnx", [CONV], {"x": [1, 3, 8, 8]}, {"y": [1, 8, 6, 6]}, {"w": WEIGHT}))
    assert quantization_of(model.graph).scheme == "float"
    large = onnx.load(
        save_model(
            tmp_path / "l.onnx",
            [CONV],
            {"x": [1, 3, 8, 8]},
            {"y": [1, 32, 6, 6]},
            {"w": np.tile(WEIGHT, (4, 1, 1, 1))},
        )
    )
    assert quantization_of(with_byte_weights(large).graph).scheme == "weight_only"
    assert quantization_of(with_half_weights(large).graph).scheme == "fp16"


@pytest.mark.parametrize(
    ("file", "scheme", "int8_layers", "layers"),
    [
        ("detectors/yolox_nano_416_f16.tflite", "fp16", 0, 113),
        ("detectors/yolox_nano_416_dynamic.tflite", "dynamic", 0, 113),
        ("detectors/yolox_nano_416_int8out_BROKEN.tflite", "float", 0, 113),
        ("embedders/mobilenet_v1_025_float.tflite", "float", 0, 28),
        ("embedders/mobilenet_v1_100_quant_embedder.tflite", "static", 27, 27),
        ("detectors/yolox_nano_416.onnx", "float", 0, 113),
    ],
)
def test_scheme_of_real_files(shared: Path, file: str, scheme: str, int8_layers: int, layers: int) -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    facts = read_model(shared / "models" / file).facts
    assert (facts.quantization, facts.int8_layers, facts.layers) == (scheme, int8_layers, layers)


def test_inspect_warns_of_one_scale_over_boxes_and_scores(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed: pip install 'taglet[litert]'")
    broken = shared / "models/detectors/yolox_nano_416_int8out_BROKEN.tflite"
    assert main(["inspect", str(broken)]) == 0
    assert "one scale for boxes and scores, it holds 0 to 0.996 only" in capsys.readouterr().out
    assert main(["inspect", str(shared / "models/detectors/coco_ssd_mobilenet_v1_quant.tflite")]) == 0
    said = capsys.readouterr().out
    assert "warning" not in said and "47 of 47 layers in int8" in said


def test_default_bundle_is_weight_only(capsys: pytest.CaptureFixture[str]) -> None:
    from edge.defaults import default_bundle

    for name in ("detector", "embedder"):
        assert main(["inspect", str(default_bundle() / f"{name}.onnx")]) == 0
        assert "weight_only: int8 weights" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("activation", "weight", "weight_before", "expected"),
    [
        (FLOAT32, FLOAT32, None, "float"),
        (FLOAT32, FLOAT32, FLOAT16, "float"),
        (FLOAT32, FLOAT32, INT8_TYPE, "weight_only"),
        (FLOAT32, INT8_TYPE, None, "dynamic"),
        (INT8_TYPE, INT8_TYPE, None, "static"),
        (UINT8, UINT8, None, "static"),
    ],
)
def test_scheme_of_a_tflite_layer(activation: int, weight: int, weight_before: int | None, expected: str) -> None:
    assert _layer_scheme(activation, weight, weight_before) == expected
