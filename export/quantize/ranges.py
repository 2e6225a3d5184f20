"""Measure what values every tensor of a float model takes over pictures, one picture at a time.

onnxruntime gives all tensors of a run as outputs; each goes into a histogram of fixed size and is forgotten. Memory
is that of one run, however many pictures there are.

    >>> seen = observe_ranges(prepared.model, feeds)
    >>> seen.ranges("least_error")["input.1"]
    (-2.1, 2.6)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

from edge.errors import ModelError
from export.quantize.histogram import RangeHistogram
from export.quantize.layers import MULTIPLYING

Feeds = Mapping[str, npt.NDArray[np.generic]]
RangeRule = Literal["min_max", "least_error"]
RANGE_RULES: tuple[RangeRule, ...] = get_args(RangeRule)
BEYOND = 1.25


@dataclass(frozen=True)
class Seen:
    """What the tensors of a float model held over pictures.

    Attributes:
        histograms: of each float tensor.
        means: float64 (c,) for each tensor that a layer reads, the mean of each of its channels.
    """

    histograms: Mapping[str, RangeHistogram]
    means: Mapping[str, npt.NDArray[np.float64]]

    def ranges(self, rule: RangeRule) -> dict[str, tuple[float, float]]:
        """Return (low, high) of each tensor by a rule, 0 always being inside."""
        found = self.histograms.items()
        return {name: h.extremes if rule == "min_max" else h.least_error_range() for name, h in found}


def observe_ranges(model: onnx.ModelProto, feeds: Iterable[Feeds]) -> Seen:
    """Run a float model over pictures and gather what each float tensor holds.

    Args:
        model: with the shape of every tensor.
        feeds: the input of each run.

    Raises:
        ModelError: there were no feeds, or a run failed.
    """
    names = float_tensors(model)
    watched = watching(model, names)
    seen = {name: RangeHistogram() for name in names}
    sums = {node.input[0]: np.zeros(1) for node in model.graph.node if node.op_type in MULTIPLYING}
    runs = 0
    for feed in feeds:
        for name, value in run_watched(watched, names, feed):
            seen[name].observe(value)
            if name in sums:
                sums[name] = sums[name] + _channel_means(value)
        runs += 1
    if not runs:
        raise ModelError("no picture of the calibration set could be fed to the model")
    return Seen(seen, {name: total / runs for name, total in sums.items()})


def beyond_ranges(seen: Seen, others: Seen) -> tuple[float, float]:
    """Compare the ranges of other pictures with those of the calibration set.

    Returns:
        Share of the tensors whose values in `others` span a quarter more than the range of `seen` can hold, 0..1, and
        the largest such ratio.
    """
    have = seen.histograms
    ratios = [_reach(have[name].extremes, h.extremes) for name, h in others.histograms.items() if name in have]
    return float(np.mean([r > BEYOND for r in ratios])) if ratios else 0.0, max(ratios, default=1.0)


def float_tensors(model: onnx.ModelProto) -> list[str]:
    """Return the names of the float32 tensors that a run computes or takes, constants left out."""
    graph = model.graph
    known = {v.name: v.type.tensor_type.elem_type for v in (*graph.value_info, *graph.input, *graph.output)}
    made = [value.name for value in graph.input] + [name for node in graph.node for name in node.output if name]
    return [name for name in dict.fromkeys(made) if known.get(name) == TensorProto.FLOAT]


def watching(model: onnx.ModelProto, names: Iterable[str]) -> ort.InferenceSession:
    """Open a model that gives the named tensors as outputs too."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    there = {value.name for value in watched.graph.output} | {value.name for value in watched.graph.input}
    watched.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names if name not in there
    )
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    try:
        return ort.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as e:  # onnxruntime's exceptions share no public base class
        raise ModelError(f"onnxruntime cannot show the model's inner tensors ({str(e).splitlines()[0][:160]})") from e


def run_watched(
    session: ort.InferenceSession, names: Iterable[str], feed: Feeds
) -> Iterable[tuple[str, npt.NDArray[np.float32]]]:
    """Run once and yield the named tensors; those of the model's input are the feed itself."""
    computed = [name for name in names if name not in feed]
    yield from ((name, np.asarray(value, np.float32)) for name, value in feed.items() if name in names)
    try:
        values = session.run(computed, dict(feed))
    except Exception as e:
        raise ModelError(f"onnxruntime failed on a picture ({str(e).splitlines()[0][:160]})") from e
    yield from zip(computed, values, strict=True)


def _channel_means(value: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Average (n, c, h, w) over all but the channels; matrices and rows of vectors over all but the last axis."""
    axis = 1 if value.ndim == 4 else value.ndim - 1
    return np.asarray(value.mean(axis=tuple(i for i in range(value.ndim) if i != axis), dtype=np.float64))


def _reach(have: tuple[float, float], want: tuple[float, float]) -> float:
    span = have[1] - have[0]
    return (max(want[1], have[1]) - min(want[0], have[0])) / span if span > 0 else 1.0
