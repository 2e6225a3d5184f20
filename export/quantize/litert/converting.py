"""ONNX to float LiteRT."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ModelError
from edge.preprocessing import Preprocessing
from export.bundles.reading import ModelReading


def convert_onnx(reading: ModelReading, target: Path) -> Preprocessing:
    """Convert."""
    raise ModelError("not yet")
