"""A quantized file that was really made, before and after it was judged and timed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from export.quantize.job import Target

Scheme = Literal["float", "fp16", "weight_only", "qdq", "int8", "mixed"]
"""`qdq`: static int8 of ONNX; `int8`: full-integer LiteRT; `mixed`: either with layers left in float."""


@dataclass(frozen=True)
class Variant:
    """One file.

    Attributes:
        path: the file, in the job's working folder.
        targets: which targets it is a candidate for.
        scheme: how its numbers are stored and computed.
        int8_macs_share: share of the multiply-adds that are computed in int8, 0..1.
        kept_float: names of the layers that were left in float, most sensitive first.
        note: one sentence that a reader of the report should know; may be empty.
    """

    path: Path
    targets: tuple[Target, ...]
    scheme: Scheme
    int8_macs_share: float
    kept_float: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class NotMade:
    """A variant that could not be made, and why in one sentence."""

    scheme: Scheme
    targets: tuple[Target, ...]
    why: str
