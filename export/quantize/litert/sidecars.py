"""The sidecar of a LiteRT variant: what the float model's reading says, with the layout that the variant has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.bundles.reading import ModelReading
from export.quantize.litert.flatbuffer import write_bytes


def write_sidecar(reading: ModelReading, variant: Path, layout: str, outputs: Mapping[str, str]) -> Path:
    """Write `VARIANT.toml`, so that the kit reads a variant as it reads the float model.

    Args:
        reading: the float model.
        variant: the `.tflite` file.
        layout: "NCHW" or "NHWC", of the variant's input.
        outputs: name of each output of the float model -> its name in the variant.

    Returns:
        The sidecar.
    """
    values: dict[str, Any] = {}
    if reading.preprocessing is not None:
        values |= {**reading.preprocessing.to_json(), "layout": layout}
    if reading.decoding is not None:
        decoding = reading.decoding
        values |= {
            "family": decoding.family,
            "strides": list(decoding.strides),
            "score_threshold": decoding.score_threshold,
            "iou_threshold": decoding.iou_threshold,
            "max_detections": decoding.max_detections,
        }
        tables: dict[str, Mapping[str, Any]] = {
            "outputs": {role: outputs.get(name, name) for role, name in decoding.outputs.items()},
            "options": decoding.options,
        }
    else:
        tables = {}
    if reading.vector is not None:
        values |= {"output": outputs.get(reading.vector.name, reading.vector.name), "pooling": reading.vector.pooling}
    if reading.labels:
        values["labels"] = list(reading.labels)
    path = variant.with_name(variant.name + ".toml")
    write_bytes(path, toml_text(values, tables).encode())
    return path


def toml_text(values: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return flat values and one level of tables as TOML."""
    lines = [f"{key} = {_toml(value)}" for key, value in values.items()]
    for name, table in tables.items():
        if table:
            lines += ["", f"[{name}]", *(f"{_quoted(key)} = {_toml(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """Return a JSON value as TOML: strings, numbers and booleans are written alike, objects are not."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """Return a TOML string: JSON's, but that TOML wants DEL escaped too and takes no surrogate pairs."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
