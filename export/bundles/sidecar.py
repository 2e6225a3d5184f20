"""Sidecars: a small TOML file beside a model that says what the model file cannot.

`MODEL.onnx.toml` or `MODEL.toml`, every key optional:

    family = "yolox"                # detectors: a key of edge.decoders.FAMILIES
    size_wh = [416, 416]            # where the model leaves its input open
    colour = "BGR"                  # RGB
    layout = "NCHW"                 # as the input's shape says
    resize = "letterbox"            # or "stretch"
    anchor = "top_left"             # or "center"
    pad_value = 114
    mean = [0, 0, 0]                # pixel units (0..255), one number or three
    std = [255, 255, 255]
    antialias = true                # false: the model was made with plain bilinear resizing
    labels = ["bottle", "can"]      # or a text file beside the sidecar, one label in a line
    strides = [8, 16, 32]
    score_threshold = 0.3
    iou_threshold = 0.5
    max_detections = 300
    output = "embedding"            # embedders: which output holds the vector
    pooling = "mean"                # embedders: average a feature map
    [outputs]                       # detectors: role -> name of the model's output
    grid = "output"
    [options]                       # detectors: what else the family needs
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import ModelError

PREPROCESSING_KEYS = ("size_wh", "resize", "anchor", "pad_value", "colour", "layout", "mean", "std", "antialias")
DECODING_KEYS = ("family", "outputs", "strides", "options", "score_threshold", "iou_threshold", "max_detections")
EMBEDDER_KEYS = ("output", "pooling")
POOLINGS = ("none", "mean")
KEYS = (*PREPROCESSING_KEYS, *DECODING_KEYS, *EMBEDDER_KEYS, "labels")


@dataclass(frozen=True)
class Sidecar:
    """What a person says of a model.

    Attributes:
        where: names the file in error messages.
        values: only the keys that were given.
    """

    where: str = "the command line"
    values: dict[str, Any] = field(default_factory=dict)

    def part(self, keys: tuple[str, ...]) -> dict[str, Any]:
        """Return those of `keys` that were given."""
        return {key: self.values[key] for key in keys if key in self.values}

    def overridden_by(self, values: dict[str, Any]) -> Sidecar:
        """Return this sidecar with some values replaced."""
        return Sidecar(self.where, {**self.values, **values})


def find_sidecar(model: Path) -> Path | None:
    """Return the sidecar beside a model, `MODEL.onnx.toml` before `MODEL.toml`, or None."""
    beside = (model.with_name(model.name + ".toml"), model.with_suffix(".toml"))
    return next((path for path in beside if path.is_file()), None)


def read_sidecar(path: Path) -> Sidecar:
    """Read a sidecar file.

    Raises:
        ModelError: the file is missing, not TOML, or has unknown keys.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as e:
        raise ModelError(f"{path}: this sidecar cannot be read ({e})") from e
    return parse_sidecar(text, str(path), path.parent)


def parse_sidecar(text: str, where: str, folder: Path) -> Sidecar:
    """Parse a sidecar's text; files that it names are looked up in `folder`.

    Raises:
        ModelError: the text is not TOML, has unknown keys or values that no model could have, or names a missing file.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise ModelError(f"{where}: not a TOML file ({e})") from e
    if unknown := sorted(set(values) - set(KEYS)):
        raise ModelError(f"{where}: unknown keys {unknown}, known are {', '.join(KEYS)}")
    if "family" in values and not isinstance(values["family"], str):
        raise ModelError(f"{where}: family is {values['family']!r}, expected a name, such as 'yolox'")
    if values.get("pooling", "none") not in POOLINGS:
        raise ModelError(f"{where}: pooling is {values['pooling']!r}, expected one of {POOLINGS}")
    for key in ("mean", "std"):
        if isinstance(values.get(key), (int, float)):
            values[key] = [values[key]] * 3
    if "labels" in values:
        values["labels"] = _labels(values["labels"], where, folder)
    return Sidecar(where, values)


def _labels(value: Any, where: str, folder: Path) -> list[str]:
    if isinstance(value, list) and all(isinstance(label, str) and label for label in value):
        return value
    if not isinstance(value, str):
        raise ModelError(f"{where}: labels must be a list of names or the name of a text file")
    path = folder / value
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise ModelError(f"{where}: the labels file {path} cannot be read ({e})") from e
    return [line.strip() or "?" for line in lines]
