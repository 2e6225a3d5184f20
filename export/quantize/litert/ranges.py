"""The ranges of a model's activations, measured on pictures one at a time.

Two methods from one pass: the least and largest values seen, and the range that loses least when what it leaves out
is clipped (the mean squared error over a histogram). A histogram has a fixed number of bins over [-reach, reach]; a
value beyond doubles the reach and merges the bins in pairs, so memory depends on the model alone, not on the number
of pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edge.errors import InputError, ModelError
from edge.inference.tflite_session import quiet_native_log

Method = Literal["min_max", "robust"]
BINS = 4096
SAMPLED = 1 << 16
"""A larger tensor gives its histogram a sample of about this many values; its least and largest are exact."""
STEPS = 255
LOWEST = -1e30
"""A value below stands for minus infinity: what a maximum is padded with."""
LEAST_REACH = 2.0**-20
CLIPS = np.linspace(1.0, 0.2, 41)
Range = tuple[float, float]


@dataclass
class Activation:
    """What has been seen of one tensor."""

    least: float = np.inf
    largest: float = -np.inf
    reach: float = 1.0
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    total: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(1))
    runs: int = 0

    def see(self, values: npt.NDArray[np.float32]) -> None:
        """Take in the values of one run, any shape, at least one, finite."""
        flat = values.ravel()
        self.total = self.total + values.reshape(-1, values.shape[-1] if values.ndim else 1).mean(axis=0, dtype=float)
        self.runs += 1
        self.least, self.largest = min(self.least, float(flat.min())), max(self.largest, float(flat.max()))
        most = max(-self.least, self.largest)
        if self.runs == 1:
            self.reach = 2.0 ** np.ceil(np.log2(max(most, LEAST_REACH)))
        while most > self.reach:
            self._widen()
        sample = flat[:: max(1, flat.size // SAMPLED)]
        bins = np.clip((sample / self.reach + 1) * (BINS / 2), 0, BINS - 1).astype(np.int32)
        self.counts += np.bincount(bins, minlength=BINS)

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Mean value of each channel, the last axis, over all runs."""
        return self.total / self.runs

    def _widen(self) -> None:
        merged = self.counts.reshape(-1, 2).sum(axis=1)
        self.counts = np.pad(merged, BINS // 4)
        self.reach *= 2

    def range(self, method: Method) -> Range:
        """Return the least and largest value to stand for, with 0 between them."""
        whole = min(self.least, 0.0), max(self.largest, 0.0)
        return whole if method == "min_max" else self._cheapest(whole)

    def _cheapest(self, whole: Range) -> Range:
        """Return the clip of the whole range whose squared error, rounding inside and clipping outside, is least."""
        centres = (np.arange(BINS) + 0.5) * (2 * self.reach / BINS) - self.reach
        below, above = (side.ravel() for side in np.meshgrid(whole[0] * CLIPS, whole[1] * CLIPS))
        sums = [np.concatenate([[0.0], np.cumsum(self.counts * centres**power)]) for power in range(3)]
        first, last = np.searchsorted(centres, below), np.searchsorted(centres, above, "right")
        under = [part[first] for part in sums]
        over = [part[-1] - part[last] for part in sums]
        inside = sums[0][-1] - under[0] - over[0]
        loss = inside * ((above - below) / STEPS) ** 2 / 12
        for clip, (number, total, squares) in ((below, under), (above, over)):
            loss += squares - 2 * clip * total + number * clip**2
        best = int(np.argmin(loss))
        return float(below[best]), float(above[best])


@dataclass(frozen=True)
class Ranges:
    """What was seen of every computed float tensor, by name, over `pictures` pictures."""

    seen: dict[str, Activation]
    pictures: int

    def by(self, method: Method) -> dict[str, Range]:
        """Return the range of every tensor."""
        return {name: activation.range(method) for name, activation in self.seen.items()}


def measure_ranges(floating: Path, feeds: Iterable[npt.NDArray[np.float32]], computed: frozenset[str]) -> Ranges:
    """Run a float model over its calibration inputs.

    Args:
        floating: a float LiteRT model with one input.
        feeds: its input, (1, h, w, 3) or as the model has it, float32; read once.
        computed: names of the tensors that it computes, and of its input.

    Raises:
        InputError: there is no picture.
        ModelError: the model does not run, or computes values that are not finite.
    """
    interpreter = watching_interpreter(floating)
    picture = interpreter.get_input_details()[0]["index"]
    watched = [
        (details["index"], details["name"])
        for details in interpreter.get_tensor_details()
        if details["dtype"] == np.float32 and details["name"] in computed
    ]
    seen = {name: Activation() for _, name in watched}
    pictures = 0
    for feed in feeds:
        interpreter.set_tensor(picture, feed)
        interpreter.invoke()
        for index, name in watched:
            values = interpreter.get_tensor(index)
            _require_finite(values, name, floating)
            if values.min(initial=0) < LOWEST:  # what pads for a maximum counts as no value
                values = values[values >= LOWEST]
            if values.size:
                seen[name].see(values)
        pictures += 1
    if not pictures:
        raise InputError(f"{floating.name}: no calibration picture can be read")
    return Ranges({name: activation for name, activation in seen.items() if activation.largest > -np.inf}, pictures)


def watching_interpreter(path: Path) -> Any:
    """Return an interpreter that keeps every tensor; the built-in kernels, since XNNPACK keeps none to itself.

    Raises:
        ModelError: the model cannot be loaded.
    """
    from ai_edge_litert import interpreter

    try:
        with quiet_native_log(), np.errstate(all="ignore"):
            watching = _quiet(interpreter, path)
            watching.allocate_tensors()
    except (ValueError, RuntimeError) as e:
        raise ModelError(f"{path}: LiteRT cannot load this model ({str(e).splitlines()[0][:200]})") from e
    return watching


def _quiet(interpreter: Any, path: Path) -> Any:
    """Open with all tensors kept, without the warning that this takes memory: one picture's worth is meant."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return interpreter.Interpreter(
            str(path),
            num_threads=2,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )


def _require_finite(values: npt.NDArray[np.float32], name: str, path: Path) -> None:
    if np.isnan(values).any() or np.isposinf(values).any():
        raise ModelError(f"{path.name}: the float model computes values that are not finite (tensor {name})")
