"""Float .tflite to int8, mixed, float16 and dynamic range; no TensorFlow anywhere."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.errors import ModelError
from edge.inference import open_session
from export.bundles.reading import ModelReading, read_model
from export.quantize.job import Evaluation, Job
from export.quantize.litert import LitertSource, litert_variants, open_litert, suits_of
from export.quantize.litert.flatbuffer import (
    Operator,
    name_of,
    operators_of,
    read_flatbuffer,
    type_of,
    write_flatbuffer,
)
from export.quantize.litert.layers import share_in_int8, with_members
from export.quantize.litert.runtimes import by_versions
from export.quantize.litert.sizes import itemised
from export.quantize.variant import NotMade, Variant

EMBEDDER = "embedders/mobilenet_v1_025_float_embedder.tflite"
DETECTOR = "detectors/yolox_nano_416_f16.tflite"


def job_for(shared: Path, model: str, pictures: int = 4) -> Job:
    files = tuple(sorted((shared / "models" / "images").glob("*.jpg")))[:pictures]
    return Job(read_model(shared / "models" / model), files, Evaluation(()))


@pytest.fixture(scope="module")
def embedder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> LitertSource:
    return open_litert(job_for(shared, EMBEDDER), tmp_path_factory.mktemp("embedder"))


@pytest.fixture(scope="module")
def detector(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> LitertSource:
    return open_litert(job_for(shared, DETECTOR, 3), tmp_path_factory.mktemp("detector"))


def made(variant: Variant | NotMade) -> Variant:
    assert isinstance(variant, Variant), variant
    return variant


def cosines(source: LitertSource, variant: Variant) -> list[float]:
    mine, theirs = open_session(source.floating), open_session(variant.path)
    found = []
    for feed in source.feeds():
        a = next(iter(mine.run({mine.inputs[0].name: feed}).values())).ravel()
        b = next(iter(theirs.run({theirs.inputs[0].name: feed}).values())).ravel()
        found.append(float(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
    return found


def test_no_target_no_files(shared: Path, tmp_path: Path) -> None:
    job = replace(job_for(shared, EMBEDDER), targets=("web",))
    assert list(litert_variants(job, tmp_path)) == [] and list(tmp_path.iterdir()) == []


def test_original_is_left_as_it_was(shared: Path, tmp_path: Path) -> None:
    model = tmp_path / "mine.tflite"
    model.write_bytes((shared / "models" / EMBEDDER).read_bytes())
    before = hashlib.sha256(model.read_bytes()).hexdigest()
    job = replace(job_for(shared, EMBEDDER, 1), reading=read_model(model))
    assert len(list(litert_variants(job, tmp_path))) == 5
    assert hashlib.sha256(model.read_bytes()).hexdigest() == before


def test_full_integer_takes_the_pixels_themselves(embedder: LitertSource) -> None:
    variant = made(embedder.int8("a.int8.tflite", outputs="int8"))
    reading = read_model(variant.path)
    (picture,), (vector,) = reading.inputs, reading.outputs
    assert (variant.scheme, variant.int8_macs_share) == ("int8", 1.0)
    assert picture.dtype == "uint8" and picture.zero_point == 127 and picture.scale == pytest.approx(1 / 127.5)
    alike = cosines(embedder, variant)
    assert vector.dtype == "int8" and np.median(alike) > 0.99 and min(alike) > 0.95


def test_every_kind_is_made_and_read_back_alike(embedder: LitertSource) -> None:
    halves, rest = made(embedder.half("a.fp16.tflite")), made(embedder.dynamic("a.dynamic.tflite"))
    size = embedder.floating.stat().st_size
    assert halves.path.stat().st_size < 0.55 * size and min(cosines(embedder, halves)) > 0.999
    assert rest.path.stat().st_size < 0.35 * size and min(cosines(embedder, rest)) > 0.9
    for variant in (halves, rest):
        reading = read_model(variant.path)
        assert reading.preprocessing == embedder.rule and reading.vector == embedder.reading.vector
        assert not reading.assumed, "the sidecar says all"


def test_bias_correction_brings_int8_nearer(embedder: LitertSource) -> None:
    plain = made(embedder.int8("plain.tflite", correct_bias=False))
    corrected = made(embedder.int8("corrected.tflite"))
    assert embedder.distance(corrected.path, 4) < 0.5 * embedder.distance(plain.path, 4)


def test_layers_kept_in_float_bring_it_nearer_still(embedder: LitertSource) -> None:
    names = [layer.name for layer in embedder.layers]
    assert len(names) == 27 and sum(layer.macs for layer in embedder.layers) == pytest.approx(40.8e6, rel=0.01)
    all_int8 = made(embedder.int8("none.tflite"))
    some = made(embedder.int8("some.tflite", keep_float=names[:6]))
    assert some.kept_float == tuple(names[:6]) and some.scheme == "mixed"
    assert 0.5 < some.int8_macs_share < 1 and share_in_int8(read_flatbuffer(embedder.floating)) == 0
    assert embedder.distance(some.path, 4) < embedder.distance(all_int8.path, 4)
    parts, kept = itemised(some.path), sum(layer.weights for layer in embedder.layers[:6])
    assert (parts["float16 weights"], parts["float weights"]) == (2 * kept, 0)


def test_activation_of_a_layer_in_float_stays_in_float(detector: LitertSource) -> None:
    kept = detector.layers[4].name
    float_model = read_flatbuffer(detector.floating)
    members = with_members(float_model, [kept])
    kinds = {name: operator.kind for name, operator in made_by(float_model).items()}
    assert {"CONV_2D", "LOGISTIC", "MUL"} <= {kinds[name] for name in members}, "SiLU is two operators"
    written = read_flatbuffer(made(detector.int8("silu.tflite", keep_float=(kept,))).path)
    makers, tensors = made_by(written), written.subgraphs[0].tensors
    inside = [makers[name] for name in members if kinds[name] in ("CONV_2D", "LOGISTIC", "MUL")]
    assert {type_of(tensors[operator.outputs[0]]) for operator in inside} == {"FLOAT32"}


def made_by(model: Any) -> dict[str, Operator]:
    """Operators by the name of what they compute; without what the quantizer appends to it."""
    tensors = model.subgraphs[0].tensors
    return {name_of(tensors[operator.outputs[0]]): operator for operator in operators_of(model)}


def test_equal_lists_lie_in_the_file_once(detector: LitertSource) -> None:
    path = made(detector.int8("once.tflite")).path
    channels = sum(_channels(path))
    parts = itemised(path)
    assert sum(parts.values()) == path.stat().st_size and min(parts.values()) >= 0
    assert parts["int8 weights"] == pytest.approx(sum(layer.weights for layer in detector.layers), rel=0.01)
    assert 4 * channels <= parts["scales and zero points"] < 7 * channels, "zero points alone would be 8 a channel"


def _channels(path: Path) -> list[int]:
    scales = [tensor.quantization.scale for tensor in read_flatbuffer(path).subgraphs[0].tensors if tensor.quantization]
    return [len(each) for each in scales if each is not None and len(each) > 1]


def test_boxes_and_scores_never_share_a_scale(detector: LitertSource) -> None:
    refused = detector.int8("d.int8.tflite", outputs="int8")
    assert isinstance(refused, NotMade) and "boxes and scores together" in refused.why
    variant = made(detector.int8("d.mixed.tflite"))
    model = read_flatbuffer(variant.path)
    last = [operator.kind for operator in operators_of(model)][-3:]
    assert variant.int8_macs_share == 1 and read_model(variant.path).outputs[0].dtype == "float32"
    assert last[-1] in ("CONCATENATION", "TRANSPOSE"), last


def test_mixed_detector_reads_like_the_float_one(detector: LitertSource) -> None:
    variant = made(detector.int8("d.mixed.tflite"))
    reading: ModelReading = read_model(variant.path)
    assert reading.kind == "detector" and reading.family == "yolox"
    assert reading.decoding == detector.reading.decoding and reading.preprocessing == detector.rule


def test_every_file_of_the_embedder_suits_litert(embedder: LitertSource) -> None:
    for variant in (embedder.half("s.fp16.tflite"), embedder.int8("s.int8.tflite", outputs="int8")):
        (litert, *_) = suits_of(made(variant).path)
        assert litert.loads and litert.how == "tried" and litert.runtime.startswith("ai-edge-litert ")


@pytest.mark.full
def test_mixed_file_loads_in_tflite_runtime(embedder: LitertSource, tflite_python: Path) -> None:
    suits = suits_of(made(embedder.int8("t.tflite")).path)
    assert [one.loads for one in suits] == [True, True] and suits[1].runtime == "tflite-runtime 2.14.0"


def test_newer_operator_is_told_by_its_version(embedder: LitertSource, tmp_path: Path) -> None:
    model = read_flatbuffer(embedder.floating)
    next(code for code in model.operatorCodes if code.builtinCode == 3).version = 12
    newer = tmp_path / "newer.tflite"
    write_flatbuffer(model, newer)
    told = by_versions(newer)
    assert not told.loads and told.why_not == "it lacks CONV_2D version 12" and told.how == "by operator versions"
    assert by_versions(embedder.floating).loads
    assert not suits_of(newer)[0].loads, "LiteRT has no such version either"


def test_refuses_a_quantized_model(shared: Path, tmp_path: Path) -> None:
    (answer,) = litert_variants(job_for(shared, "embedders/mobilenet_v1_025_quant.tflite"), tmp_path)
    assert isinstance(answer, NotMade) and "quantized already" in answer.why and "export check" in answer.why


@pytest.mark.parametrize("cut", [0, 40, 4000])
def test_refuses_a_damaged_file(shared: Path, tmp_path: Path, cut: int) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes((shared / "models" / EMBEDDER).read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"damaged\.tflite"):
        read_flatbuffer(damaged)
