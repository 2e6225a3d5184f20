"""Values of pixels: every quick way gives what the table says, to the bit, and what quantizing afterwards gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.inference import TensorSpec
from edge.inference.quantization import quantize
from edge.preprocessing import Preprocessing

ANY_LEVEL = st.floats(-300, 300, allow_nan=False)
TRIPLES = st.one_of(
    st.sampled_from([(0.0,) * 3, (127.5,) * 3, (128.0,) * 3, (123.675, 116.28, 103.53)]),
    st.tuples(ANY_LEVEL, ANY_LEVEL, ANY_LEVEL),
)
STEPS = st.floats(0.01, 300)
DIVISORS = st.one_of(
    st.sampled_from([(1.0,) * 3, (255.0,) * 3, (127.5,) * 3, (128.0,) * 3, (58.395, 57.12, 57.375)]),
    st.tuples(STEPS, STEPS, STEPS),
)
RULES = st.builds(
    Preprocessing,
    size_wh=st.just((6, 5)),
    resize=st.sampled_from(["letterbox", "stretch"]),
    colour=st.sampled_from(["RGB", "BGR"]),
    layout=st.sampled_from(["NCHW", "NHWC"]),
    mean=TRIPLES,
    std=DIVISORS,
    antialias=st.booleans(),
)
PICTURES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)).flatmap(lambda shape: arrays(np.uint8, shape))


def inputs(dtype: str) -> st.SearchStrategy[TensorSpec]:
    limits = np.iinfo(dtype)
    scales = st.one_of(st.sampled_from([0.0, 1.0, 1 / 128, 1 / 255]), st.floats(0.001, 2))
    return st.builds(
        TensorSpec, st.just("x"), st.none(), st.just(dtype), scales, st.integers(int(limits.min), int(limits.max))
    )


def by_table(rule: Preprocessing, image: Any) -> Any:
    """The rule's own words: level by level through the table, on a canvas that a rule without values makes."""
    raw = Preprocessing(rule.size_wh, rule.resize, colour=rule.colour, layout=rule.layout, antialias=rule.antialias)
    levels = raw.apply(image)[0].astype(int)[0]
    tables = rule.values()
    channels = [0, 1, 2]
    if rule.layout == "NCHW":
        return np.stack([tables[c][levels[c]] for c in channels])[None]
    return np.stack([tables[c][levels[:, :, c]] for c in channels], axis=2)[None]


@settings(max_examples=120)
@given(RULES, PICTURES)
def test_float_values_are_those_of_the_table(rule: Preprocessing, image: Any) -> None:
    tensor = rule.apply(image)[0]
    assert tensor.dtype == np.float32 and tensor.flags.c_contiguous
    assert tensor.tobytes() == by_table(rule, image).tobytes()


@settings(max_examples=120)
@given(RULES, PICTURES, st.sampled_from(["uint8", "int8"]).flatmap(inputs))
def test_quantized_values_are_those_of_quantizing_afterwards(rule: Preprocessing, image: Any, spec: TensorSpec) -> None:
    fed, _ = rule.feed(image, rule.pixel_values(spec))
    expected = quantize(rule.apply(image)[0], spec)
    assert fed.dtype == expected.dtype and fed.flags.c_contiguous
    assert np.array_equal(fed, expected)


@pytest.mark.parametrize(
    "dtype, scale, zero_point, added",
    [("uint8", 1 / 128, 128, 0), ("int8", 1 / 128, 0, 128), ("uint8", 1 / 100, 128, None)],
)
def test_bytes_go_in_as_they_are_where_scale_and_rule_cancel(
    dtype: str, scale: float, zero_point: int, added: int | None
) -> None:
    rule = Preprocessing((2, 2), layout="NHWC", mean=(128,) * 3, std=(128,) * 3)
    values = rule.pixel_values(TensorSpec("x", (1, 2, 2, 3), dtype, scale, zero_point))
    assert values._added == added
    if added == 0:
        canvas = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
        assert np.shares_memory(values.of(canvas, planar=False), canvas)


def test_arithmetic_is_left_to_rules_whose_bits_it_reproduces() -> None:
    """Halves and powers of two are exact in float32; a mean such as 123.675 is rounded before it is subtracted."""
    assert Preprocessing((1, 1), std=(255,) * 3).pixel_values()._affine is not None
    assert Preprocessing((1, 1), mean=(127.5,) * 3, std=(127.5,) * 3).pixel_values()._affine is not None
    photographic = Preprocessing((1, 1), mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    assert photographic.pixel_values()._affine is None
