"""The static int8 forms of a model, ONNX or LiteRT, as the search for the best of them sees them.

>>> forms = OnnxForms(source, folder, "least_error")
>>> forms.make(forms.order()[:3], tag="trial").int8_macs_share
0.98
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edge.errors import ModelError
from export.quantize.onnx_source import OnnxSource
from export.quantize.ranges import RangeRule
from export.quantize.variant import NotMade, Variant

if TYPE_CHECKING:
    from export.quantize.litert import LitertSource


class Forms(Protocol):
    """Static int8 files of one model, which differ in the layers that they leave in float."""

    @property
    def stem(self) -> str:
        """Start of the files' names."""

    def make(self, kept_float: Collection[str], tag: str) -> Variant:
        """Write a file whose given layers stay in float.

        Raises:
            ModelError: it cannot be made.
        """

    def order(self) -> Sequence[str]:
        """Return the layers in the order in which they go back to float."""

    def share(self, kept_float: Collection[str]) -> float:
        """Return the share of the multiply-adds that stays in int8, 0..1."""


@dataclass(frozen=True)
class OnnxForms:
    """QDQ files of an ONNX model, with one rule for ranges."""

    source: OnnxSource
    folder: Path
    rule: RangeRule

    @property
    def stem(self) -> str:
        """Start of the files' names."""
        return self.source.stem

    def make(self, kept_float: Collection[str], tag: str) -> Variant:
        """Write a file; see `Forms.make`."""
        return self.source.static(self.folder, self.rule, kept_float, tag)

    def order(self) -> Sequence[str]:
        """Return the layers by what they gain for each multiply-add."""
        return self.source.order()

    def share(self, kept_float: Collection[str]) -> float:
        """Return the share in int8."""
        return self.source.layers.share(kept_float)


@dataclass(frozen=True)
class LitertForms:
    """LiteRT files with float outputs; `like` is the ONNX model that they were converted from, where there is one."""

    source: LitertSource
    like: OnnxSource | None = None

    @property
    def stem(self) -> str:
        """Start of the files' names."""
        return self.source.reading.path.stem

    def make(self, kept_float: Collection[str], tag: str) -> Variant:
        """Write a file; see `Forms.make`."""
        made = self.source.int8(f"{self.stem}.{tag}.tflite", tuple(kept_float))
        if isinstance(made, NotMade):
            raise ModelError(made.why)
        return made

    def order(self) -> Sequence[str]:
        """Return the layers as the ONNX model ranks them where both have the same ones, else by trying each."""
        if self.like is None or not self._same_layers(self.like):
            return self.source.sensitive()
        position = {name: at for at, name in enumerate(self.like.layers.macs)}
        return [self.source.layers[position[name]].name for name in self.like.order()]

    def share(self, kept_float: Collection[str]) -> float:
        """Return the share in int8."""
        whole = sum(layer.macs for layer in self.source.layers)
        return 1 - sum(layer.macs for layer in self.source.layers if layer.name in kept_float) / max(whole, 1)

    def _same_layers(self, like: OnnxSource) -> bool:
        mine = [(layer.macs, layer.weights) for layer in self.source.layers]
        return mine == [(macs, like.layers.weights[name]) for name, macs in like.layers.macs.items()]
