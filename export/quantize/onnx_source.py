"""A float ONNX model with everything known that its quantized forms are made from.

>>> source = OnnxSource.open(job)
>>> variant = source.static(folder, kept_float=(), rule="least_error")
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import onnx

from edge.command_line import progress
from edge.errors import InputError
from export.bundles.sidecar import find_sidecar
from export.quantize.bias_correction import with_corrected_biases
from export.quantize.byte_weights import with_byte_weights
from export.quantize.compacting import compacted
from export.quantize.feeding import CalibrationFeeds
from export.quantize.half_weights import with_half_weights
from export.quantize.job import TARGETS, Job, Target
from export.quantize.layers import Layers
from export.quantize.pictures import evenly
from export.quantize.preparing import Prepared, prepare
from export.quantize.ranges import Feeds, RangeRule, Seen, beyond_ranges, float_tensors, observe_ranges
from export.quantize.sensitivity import PICTURES, cheapest_first, sensitivities
from export.quantize.static import StaticForm, quantized
from export.quantize.variant import Scheme, Variant

EVALUATED = 16
"""So many pictures of the evaluation tell whether they reach beyond the calibrated ranges."""
FOREIGN_SHARE = 0.25
LARGE = 0.3
"""A file above this share of the float model's bytes is large."""
KEPT_WEIGHTS = 0.1
"""So much of the weights may stay float16 in a file of int8 weights."""
STATIC_TARGETS: tuple[Target, ...] = ("pi", "phone")


@dataclass(frozen=True)
class OnnxSource:
    """A float ONNX model, its layers, and the values its tensors take.

    Attributes:
        prepared: the graph that every form is made from.
        layers: of that graph.
        seen: what its tensors held over the calibration pictures.
        few: the feeds of a few calibration pictures.
        fed: how many pictures or crops were calibrated on.
        problems: a sentence for each calibration picture that was left out.
    """

    prepared: Prepared
    layers: Layers
    seen: Seen
    few: tuple[Feeds, ...]
    fed: int
    problems: tuple[str, ...] = ()

    @classmethod
    def open(cls, job: Job) -> OnnxSource:
        """Prepare the job's model and measure its ranges.

        Raises:
            ModelError: the graph cannot be prepared or run.
            InputError: no calibration picture can be fed.
        """
        prepared = prepare(job.reading)
        feeds = CalibrationFeeds(job.reading, job.calibration, job.chain)
        seen = observe_ranges(prepared.model, progress(feeds, "measuring ranges", len(job.calibration), "picture"))
        if not feeds.fed:
            raise InputError(f"none of the {len(job.calibration)} calibration pictures can be fed: {feeds.skipped[0]}")
        problems, fed = feeds.skipped, feeds.fed
        few = CalibrationFeeds(job.reading, evenly(job.calibration, PICTURES), job.chain)
        return cls(prepared, Layers.of(prepared.model), seen, tuple(few)[:PICTURES], fed, problems)

    @property
    def stem(self) -> str:
        """Start of the names of the files that are made."""
        return self.prepared.reading.path.stem

    def floating(self, folder: Path) -> Variant:
        """Write the prepared float model: what every other form is held against, and an answer of its own."""
        return self._written(self.prepared.model, folder, "float", TARGETS, 0.0)

    def half(self, folder: Path) -> Variant:
        """Write the model with float16 weights; it computes in float32.

        Raises:
            ModelError: a weight is beyond the range of float16.
        """
        model = with_half_weights(self.prepared.model)
        return self._written(model, folder, "fp16", TARGETS, 0.0, note="Weights are float16, arithmetic is float32.")

    def weight_only(self, folder: Path, kept: Collection[str] = (), tag: str = "") -> Variant:
        """Write the model with int8 weights that become float32 when it is loaded.

        Args:
            folder: where to.
            kept: layers whose weights are stored as float16.
            tag: makes the file's name another one.
        """
        weights = self.layers.weights_of(kept)
        model = with_half_weights(with_byte_weights(self._corrected(kept), weights), weights)
        note = "Weights are int8 and become float32 when the file is loaded; arithmetic is float32."
        return self._written(model, folder, "weight_only", TARGETS, 0.0, tuple(kept), note, tag)

    def static(self, folder: Path, rule: RangeRule, kept_float: Collection[str] = (), tag: str = "") -> Variant:
        """Write a static int8 model.

        Args:
            folder: where to.
            rule: how ranges are taken from what was seen.
            kept_float: layers that stay in float; their weights are stored as float16, as int8 where the file would
                else be large.
            tag: makes the file's name another one.
        """
        ranges, weights = self.ranges(rule), self.layers.weights_of(kept_float)
        model = quantized(self._corrected(kept_float), ranges, self.layers, kept_float, StaticForm())
        written = with_half_weights(model, weights)
        if kept_float and compacted(written, ()).ByteSize() > LARGE * self.prepared.float_bytes:
            written = with_byte_weights(quantized(self._corrected(()), ranges, self.layers, kept_float, StaticForm()))
        scheme: Scheme = "mixed" if kept_float else "qdq"
        share = self.layers.share(kept_float)
        ranges_from = "least and largest values" if rule == "min_max" else "least square error"
        note = f"Ranges by {ranges_from}."
        return self._written(written, folder, scheme, STATIC_TARGETS, share, tuple(kept_float), note, tag)

    def _corrected(self, kept: Collection[str]) -> onnx.ModelProto:
        """Return the float model with biases for int8 weights in all layers but the given ones."""
        return with_corrected_biases(self.prepared.model, self.seen.means, set(self.layers.macs) - set(kept))

    def ranges(self, rule: RangeRule) -> dict[str, tuple[float, float]]:
        """Return (low, high) of every float tensor."""
        return self.seen.ranges(rule)

    @cached_property
    def noise(self) -> dict[str, float]:
        """Return the noise that each layer alone makes at the end of the layers; takes a run for each layer."""
        return sensitivities(self.prepared.model, self.layers, self.ranges("min_max"), self.few)

    def light_order(self) -> tuple[str, ...]:
        """Return layers by the noise they make for each weight, as many as hold a tenth of all weights together."""
        sizes = self.layers.weights
        spare = KEPT_WEIGHTS * sum(sizes.values())
        kept: list[str] = []
        for name in sorted(self.noise, key=lambda name: -self.noise[name] / max(sizes[name], 1)):
            if sum(sizes[n] for n in (*kept, name)) <= spare:
                kept.append(name)
        return tuple(kept)

    def order(self) -> tuple[str, ...]:
        """Return the layers in the order in which they go back to float."""
        return cheapest_first(self.noise, self.layers)

    def domain_warning(self, job: Job) -> str:
        """Return a sentence where the evaluation's pictures reach beyond the calibrated ranges, else nothing."""
        feeds = CalibrationFeeds(job.reading, evenly(job.evaluation.pictures, EVALUATED), job.chain)
        share, ratio = beyond_ranges(self.seen, observe_ranges(self.prepared.model, feeds))
        if share < FOREIGN_SHARE:
            return ""
        return (
            f"The evaluation's pictures reach beyond the ranges of the calibration pictures in {share:.0%} of the "
            f"tensors (up to {ratio:.1f} times as far): calibrate on pictures like those that the model will see."
        )

    def _written(
        self,
        model: onnx.ModelProto,
        folder: Path,
        scheme: Scheme,
        targets: tuple[Target, ...],
        share: float,
        kept_float: tuple[str, ...] = (),
        note: str = "",
        tag: str = "",
    ) -> Variant:
        path = folder / f"{self.stem}.{tag or scheme}.onnx"
        onnx.save(compacted(model, float_tensors(self.prepared.model)), path)
        sidecar = find_sidecar(self.prepared.reading.path)
        if sidecar is not None:
            shutil.copyfile(sidecar, path.with_name(f"{path.name}.toml"))
        return Variant(path, targets, scheme, share, kept_float, note)
