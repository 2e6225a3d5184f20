"""Run the pipeline on the golden pictures and write down every step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from edge.files import whole_folder
from edge.golden import GOLDEN, SCHEMA, TOLERANCE, observe
from edge.pipeline import Kit
from edge.preprocessing import ImageArray
from edge.tracks.cases import TRACKS
from export.golden.track_cases import track_cases


def write_golden(kit: Kit, pictures: Mapping[str, ImageArray], out: Path) -> dict[str, Any]:
    """Write a golden kit, whole or not at all, and return its values.

    Args:
        kit: float models on the reference runtime (onnxruntime, CPU), and one shard.
        pictures: by name, (H, W, 3) uint8 RGB.
        out: its folder; a golden kit that stands there is replaced.

    Raises:
        OutputError: the folder cannot be written, or holds something else.
    """
    shard = kit.gallery.shards[0]
    value = {
        "schema": SCHEMA,
        "bundle": {"name": kit.bundle.name, "sha256": kit.bundle.sha256, "space_id": kit.bundle.space_id},
        "shard": {"catalog": shard.catalog, "version": shard.version, "sha256": shard.sha256},
        "made_with": [kit.detector.session.runtime, kit.embedder.session.runtime],
        "tolerance": TOLERANCE,
        "pictures": {name: observe(kit, image) for name, image in pictures.items()},
    }
    with whole_folder(out, GOLDEN, "golden kit") as folder:
        for name, image in pictures.items():
            Image.fromarray(image).save(folder / f"{name}.png", optimize=True)
        text = json.dumps(value, indent=1, allow_nan=False)
        (folder / GOLDEN).write_text(_lists_on_one_line(text) + "\n", encoding="utf-8")
        (folder / TRACKS).write_text(_entries_on_lines(track_cases()), encoding="utf-8")
    return value


def _lists_on_one_line(text: str) -> str:
    """Join lists of plain values, which are long, into one line each."""
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: f"[{' '.join(found.group(1).split())}]", text)


def _entries_on_lines(value: Mapping[str, Any]) -> str:
    """Write an object with each entry of its lists and objects on a line of its own."""
    parts = []
    for key, part in value.items():
        if isinstance(part, dict):
            lines = [f"{json.dumps(name)}: {json.dumps(entry, allow_nan=False)}" for name, entry in part.items()]
            text = "{\n" + ",\n".join(lines) + "\n}"
        elif isinstance(part, list):
            text = "[\n" + ",\n".join(json.dumps(entry, allow_nan=False) for entry in part) + "\n]"
        else:
            text = json.dumps(part, allow_nan=False)
        parts.append(f"{json.dumps(key)}: {text}")
    return "{" + ",\n".join(parts) + "}\n"
