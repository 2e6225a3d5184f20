"""Float LiteRT to int8, float16 and dynamic range, by `litert-quantizer`; no TensorFlow.

The quantizer takes a recipe: which operators, by kind and by the names of what they compute, are stored how. What it
does not do well is set here: ranges are the kit's own (`ranges.py`), the input's range is that of the pixels, fully
connected weights have one scale (per-channel ones need operators that tflite-runtime 2.14 refuses), and operators
that it knows only in float but that run in int8 are joined again (`rejoining.py`).

    >>> quantize_static(floating, target, ranges, keep_float=("conv_1",), uint8_input=True)
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any, Literal

import numpy as np

from edge.errors import MissingExtra, ModelError
from edge.inference.tflite_session import quiet_native_log
from export.quantize.litert.flatbuffer import read_flatbuffer, write_bytes, write_flatbuffer
from export.quantize.litert.ranges import Range
from export.quantize.litert.rejoining import rejoin_integers
from export.quantize.litert.versions import state_versions

Outputs = Literal["float", "int8"]
BITS = 8
HALF_BITS = 16
DYNAMIC_LEAST_WEIGHTS = 1024


def quantize_static(
    floating: Path,
    target: Path,
    ranges: Mapping[str, Range],
    keep_float: Collection[str] = (),
    outputs: Outputs = "float",
) -> None:
    """Write a model whose weights and activations are int8, pictures going in as uint8.

    Args:
        floating: a float32 LiteRT model, as `write_float32` leaves it.
        target: the file to write.
        ranges: least and largest value of every computed tensor that becomes int8, by name.
        keep_float: names of tensors whose operators stay in float; their weights are stored as float16.
        outputs: "float" leaves the outputs float32, "int8" makes them int8.

    Raises:
        ModelError: the quantizer does not take the model.
        MissingExtra: the quantizer is not installed.
    """
    quantizer, qtyping = _quantizer()
    recipe = quantizer.Quantizer(str(floating))
    names = qtyping.TFLOperationName
    recipe.add_static_config(".*", names.ALL_SUPPORTED, BITS, BITS)
    one_scale = qtyping.QuantGranularity.TENSORWISE
    recipe.add_static_config("^.*", names.FULLY_CONNECTED, BITS, BITS, one_scale)
    recipe.update_quantization_recipe("^.*", names.INPUT, _uint8(qtyping))
    if outputs == "float":
        recipe.update_quantization_recipe("(?s).*", names.OUTPUT, None, "no_quantize")
    if keep_float:
        recipe.update_quantization_recipe(_any_of(keep_float), names.ALL_SUPPORTED, None, "no_quantize")
        for kind in (names.CONV_2D, names.DEPTHWISE_CONV_2D, names.FULLY_CONNECTED):
            recipe.add_weight_only_config(_any_of(keep_float), kind, HALF_BITS, algorithm_key="float_casting")
    statistics = {name: _statistics(span) for name, span in ranges.items()}
    _write(recipe, target, floating, statistics)


def quantize_half(floating: Path, target: Path) -> None:
    """Write a model with float16 weights, computed in float32.

    Raises:
        ModelError: the quantizer does not take the model.
        MissingExtra: the quantizer is not installed.
    """
    quantizer, qtyping = _quantizer()
    recipe = quantizer.Quantizer(str(floating))
    recipe.add_weight_only_config(
        ".*", qtyping.TFLOperationName.ALL_SUPPORTED, HALF_BITS, algorithm_key="float_casting"
    )
    _write(recipe, target, floating)


def quantize_dynamic(floating: Path, target: Path, keep_float: Collection[str] = ()) -> None:
    """Write a model with int8 weights whose activations are quantized while it runs ("dynamic range").

    Raises:
        ModelError: the quantizer does not take the model.
        MissingExtra: the quantizer is not installed.
    """
    quantizer, qtyping = _quantizer()
    recipe = quantizer.Quantizer(str(floating))
    names = qtyping.TFLOperationName
    recipe.add_dynamic_config(".*", names.ALL_SUPPORTED, BITS)
    recipe.add_dynamic_config("^.*", names.FULLY_CONNECTED, BITS, qtyping.QuantGranularity.TENSORWISE)
    if keep_float:
        recipe.update_quantization_recipe(_any_of(keep_float), names.ALL_SUPPORTED, None, "no_quantize")
    _write(recipe, target, floating)


def _quantizer() -> tuple[Any, Any]:
    try:
        from litert_quantizer import qtyping, quantizer
    except ImportError as e:
        raise MissingExtra("litert-quantizer, which quantizes .tflite models,", "quantize") from e
    return quantizer, qtyping


def _uint8(qtyping: Any) -> Any:
    tensor = qtyping.TensorQuantizationConfig
    return qtyping.OpQuantizationConfig(
        activation_tensor_config=tensor(num_bits=BITS, symmetric=False, dtype=qtyping.TensorDataType.UINT),
        weight_tensor_config=tensor(num_bits=BITS, symmetric=True, granularity=qtyping.QuantGranularity.CHANNELWISE),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )


def _any_of(names: Collection[str]) -> str:
    """Return an expression for operators whose first result has one of the names (a scope is `name;[name;...]`)."""
    return f"^(?:{'|'.join(re.escape(name) for name in sorted(names))});"


def _statistics(span: Range) -> dict[str, Any]:
    return {end: np.asarray([value], np.float32) for end, value in zip(("min", "max"), span, strict=True)}


@contextmanager
def _silence() -> Iterator[None]:
    """Keep the quantizer's bars and warnings, Python's and native ones, off stderr."""
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()), quiet_native_log():
        warnings.simplefilter("ignore")
        yield


def _write(recipe: Any, target: Path, floating: Path, statistics: Mapping[str, Any] | None = None) -> None:
    try:
        with _silence():
            result = recipe.quantize(statistics, enable_progress_report=False, enable_progress_bar=False)
    except (ValueError, RuntimeError, KeyError, IndexError, AttributeError, NotImplementedError) as e:
        reason = str(e).strip().splitlines()[0][:200] if str(e).strip() else type(e).__name__
        raise ModelError(f"{floating.name}: litert-quantizer does not take this model ({reason})") from e
    write_bytes(target, bytes(result.quantized_model))
    model = read_flatbuffer(target)
    rejoin_integers(model)
    state_versions(model)
    write_flatbuffer(model, target)
