"""A float LiteRT model with all that its variants are made from: made once, asked as often as a search likes.

>>> source = open_litert(job, folder)
>>> source.int8("detector.mixed.tflite", keep_float=source.sensitive()[:2])
Variant(path=..., scheme='mixed', int8_macs_share=0.97, ...)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from edge.command_line import progress
from edge.errors import MediaError, ModelError
from edge.inference import open_session
from edge.media.pictures import read_picture
from edge.preprocessing import ImageArray, Preprocessing
from export.bundles.reading import ModelReading
from export.quantize.job import Job, Target
from export.quantize.litert.bias import correct_biases
from export.quantize.litert.converter.conversion import convert_onnx
from export.quantize.litert.flatbuffer import name_of, read_flatbuffer, write_flatbuffer
from export.quantize.litert.floating import computed_names, pad_within, write_float32
from export.quantize.litert.layers import Layer, float_tail, layers_of, share_in_int8, shared_scales, with_members
from export.quantize.litert.quantizing import Outputs, quantize_dynamic, quantize_half, quantize_static
from export.quantize.litert.ranges import Method, Range, measure_ranges
from export.quantize.litert.sidecars import write_sidecar
from export.quantize.variant import NotMade, Scheme, Variant

Images = Callable[[], Iterator[ImageArray]]
TARGETS: tuple[Target, ...] = ("pi", "phone")
CHOOSING = 16
"""Pictures on which the methods for ranges are compared, and layers are ranked."""
RANKED_PICTURES = 4
COMPARED = 3
"""Pictures on which a conversion is held against its original."""


@dataclass(frozen=True)
class LitertSource:
    """A float LiteRT model, its layers, its measured ranges.

    Attributes:
        reading: the model that was asked for, ONNX or TFLite.
        floating: the float32 LiteRT file.
        layers: what multiplies by weights, in order; their names are what `keep_float` takes.
        tail: names of what lies behind the last convolutions; see `float_tail`.
        rule: how a picture becomes the input of `floating`.
        means: mean of each channel of the computed tensors, by name.
        spans: for each method, the range of each computed tensor, by name.
        method: the one of them whose int8 model came closer to the float one on calibration pictures.
        images: the calibration pictures, read anew at each call.
    """

    reading: ModelReading
    floating: Path
    layers: tuple[Layer, ...]
    tail: tuple[str, ...]
    rule: Preprocessing
    means: Mapping[str, npt.NDArray[np.float64]]
    spans: Mapping[Method, Mapping[str, Range]]
    method: Method
    images: Images

    def int8(
        self,
        name: str,
        keep_float: Collection[str] = (),
        outputs: Outputs = "float",
        ranges: Method | None = None,
        correct_bias: bool = True,
    ) -> Variant | NotMade:
        """Make an int8 variant in the folder of `floating`.

        Args:
            name: file name.
            keep_float: layers that stay in float, most sensitive first.
            outputs: "float" keeps the tail and the outputs in float; "int8" quantizes them too.
            ranges: "min_max", "robust", or None for whichever comes closer to the float model.
            correct_bias: whether biases make up for the rounding of the weights.

        Returns:
            The variant with its sidecar beside it, or why there is none.
        """
        scheme: Scheme = "mixed" if keep_float or outputs == "float" else "int8"
        if outputs == "int8" and (shared := shared_scales(read_flatbuffer(self.floating))):
            why = f"output {shared[0]} holds boxes and scores together: one scale would have to cover both"
            return NotMade(scheme, TARGETS, why)
        method = ranges or self.method
        path = self.floating.with_name(name)
        try:
            self._quantize(path, method, keep_float, outputs, correct_bias)
            open_session(path)
        except ModelError as e:
            path.unlink(missing_ok=True)
            return NotMade(scheme, TARGETS, str(e))
        note = f"ranges {method.replace('_', '-')}" + (", biases corrected" if correct_bias else "")
        return self._variant(path, scheme, tuple(keep_float), note)

    def half(self, name: str) -> Variant | NotMade:
        """Make the variant with float16 weights."""
        path = self.floating.with_name(name)
        try:
            quantize_half(self.floating, path)
        except ModelError as e:
            return NotMade("fp16", TARGETS, str(e))
        return self._variant(path, "fp16", (), "weights float16, computed in float32")

    def dynamic(self, name: str) -> Variant | NotMade:
        """Make the variant with int8 weights whose activations are quantized while it runs."""
        path = self.floating.with_name(name)
        try:
            quantize_dynamic(self.floating, path)
        except ModelError as e:
            return NotMade("weight_only", TARGETS, str(e))
        note = "dynamic range: weights int8, activations quantized while it runs, so runtimes differ"
        return self._variant(path, "weight_only", (), note)

    def float32(self) -> Variant:
        """Return the float model itself as a variant."""
        return self._variant(self.floating, "float", (), "")

    def sensitive(self) -> tuple[str, ...]:
        """Return the names of the layers, the one that costs most when it alone is int8 first."""
        trial, cost = self.floating.with_name("trial.tflite"), dict[str, float]()
        names = [layer.name for layer in self.layers]
        for name in names:
            self._quantize(trial, "min_max", [other for other in names if other != name], "float", True)
            cost[name] = self.distance(trial, RANKED_PICTURES)
        trial.unlink(missing_ok=True)
        return tuple(sorted(names, key=lambda name: -cost[name]))

    def distance_by(self, method: Method) -> float:
        """Return the distance of the int8 model that a method for ranges gives; see `distance`."""
        trial = self.floating.with_name("trial.tflite")
        try:
            self._quantize(trial, method, (), "float", True)
            return self.distance(trial, CHOOSING)
        except ModelError:
            return math.inf
        finally:
            trial.unlink(missing_ok=True)

    def distance(self, variant: Path, pictures: int) -> float:
        """Return the outputs' squared error over their power, the mean of outputs and pictures; 0 is the same."""
        mine, theirs = open_session(self.floating), open_session(variant)
        lost: list[float] = []
        for _, feed in zip(range(pictures), self.feeds(), strict=False):
            wanted = mine.run({mine.inputs[0].name: feed})
            found = theirs.run({theirs.inputs[0].name: feed})
            for (_, want), have in zip(wanted.items(), found.values(), strict=True):
                lost.append(float(np.square(want - have).sum() / max(np.square(want).sum(), 1e-12)))
        return float(np.mean(lost))

    def feeds(self) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the calibration pictures as inputs of `floating`, float32, one at a time."""
        for image in self.images():
            yield self.rule.apply(image)[0]

    def _quantize(
        self, path: Path, method: Method, keep_float: Collection[str], outputs: Outputs, correct_bias: bool
    ) -> None:
        model = read_flatbuffer(self.floating)
        pad_within(model, self.spans[method])
        if correct_bias:
            correct_biases(model, self.means, frozenset(keep_float))
        floating = path.with_name(path.name + ".prepared")
        write_flatbuffer(model, floating)
        kept = (*with_members(model, keep_float), *(self.tail if outputs == "float" else ()))
        try:
            quantize_static(floating, path, self.spans[method], kept, outputs)
        finally:
            floating.unlink()

    def _variant(self, path: Path, scheme: Scheme, kept: tuple[str, ...], note: str) -> Variant:
        names = {spec.name: spec.name for spec in self.reading.outputs}
        write_sidecar(self.reading, path, self.rule.layout, names)
        return Variant(path, TARGETS, scheme, share_in_int8(read_flatbuffer(path)), kept, note)


def open_litert(job: Job, folder: Path, images: Images | None = None) -> LitertSource:
    """Bring a job's model to float LiteRT and measure what its variants need.

    Args:
        job: model and calibration pictures.
        folder: where files are made.
        images: yields the calibration pictures anew at each call, (H, W, 3) uint8 RGB; None reads the job's.

    Raises:
        ModelError: the model cannot be converted, is quantized, or takes no single picture.
        InputError: no calibration picture can be read.
        NetworkError: conversion needs packages that cannot be fetched.
    """
    reading, rule = job.reading, job.reading.preprocessing
    if rule is None or len(reading.inputs) != 1:
        raise ModelError(f"{reading.path}: takes no single picture: LiteRT models with one can be quantized")
    images = images or _pictures_of(job)
    floating = folder / f"{reading.path.stem}.float.tflite"
    if reading.path.suffix == ".onnx":
        rule = convert_onnx(reading, floating, [rule.apply(image)[0] for image in islice(images(), COMPARED)])
    else:
        write_float32(reading.path, floating)
    return _measured(reading, floating, rule, images)


def _measured(reading: ModelReading, floating: Path, rule: Preprocessing, images: Images) -> LitertSource:
    model = read_flatbuffer(floating)
    feeds = (rule.apply(image)[0] for image in progress(images(), "measuring ranges", unit="picture"))
    ranges = measure_ranges(floating, feeds, computed_names(model))
    picture = {name_of(model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]): pixel_range(rule)}
    methods: tuple[Method, ...] = get_args(Method)
    source = LitertSource(
        reading=reading,
        floating=floating,
        layers=layers_of(model),
        tail=float_tail(model),
        rule=rule,
        means={name: activation.means for name, activation in ranges.seen.items()},
        spans={method: {**ranges.by(method), **picture} for method in methods},
        method="min_max",
        images=images,
    )
    return replace(source, method=min(methods, key=source.distance_by))


def pixel_range(rule: Preprocessing) -> Range:
    """Return the least and largest value that a pixel of 0..255 can become."""
    ends = [(level - mean) / std for mean, std in zip(rule.mean, rule.std, strict=True) for level in (0, 255)]
    return min(ends), max(ends)


def _pictures_of(job: Job) -> Images:
    def pictures() -> Iterator[ImageArray]:
        for path in job.calibration:
            with suppress(MediaError):
                yield read_picture(str(path))

    return pictures
