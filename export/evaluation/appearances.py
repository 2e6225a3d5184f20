"""What a clip shows, as truth to hold tags against: which product, from when to when, and where in the picture.

The document is that of rendered clips (`truth.json` of the demo); whoever annotates a clip of their own writes the
same: `boxes` at whatever times they looked at, at least one an appearance. Several boxes at one time are several
pieces of one product.

>>> truth = read_truth(Path("clip.json"))
>>> truth.appearances[0].product_id, truth.appearances[0].start_s
('oat-drink-1l', 1.2)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import InputError
from edge.tags import Box

SCHEMA = 1
Row = tuple[float, Box, float]


@dataclass(frozen=True)
class Appearance:
    """A product while it is shown.

    Attributes:
        product_id: of the catalogue; None for what no catalogue lists.
        title: what a person reads.
        start_s: when it comes into sight, seconds from the start of the clip.
        end_s: when it was last in sight, not before `start_s`.
        boxes: (time in seconds, xyxy in pixels, share in sight 0..1), in the order of time.
    """

    product_id: str | None
    title: str
    start_s: float
    end_s: float
    boxes: tuple[Row, ...]


@dataclass(frozen=True)
class ClipTruth:
    """Everything that a clip shows.

    Attributes:
        path: of the clip, as the document names it.
        duration_s: length of the clip in seconds, above 0.
        appearances: by their start.
    """

    path: str
    duration_s: float
    appearances: tuple[Appearance, ...]

    def document(self) -> dict[str, Any]:
        """Return the truth as plain JSON values; times to a millisecond, boxes to a tenth of a pixel."""
        return {
            "schema": SCHEMA,
            "path": self.path,
            "duration_s": self.duration_s,
            "appearances": [
                {
                    "product_id": one.product_id,
                    "title": one.title,
                    "start_s": round(one.start_s, 3),
                    "end_s": round(one.end_s, 3),
                    "boxes": [
                        {"timestamp_s": round(t, 3), "xyxy": [round(v, 1) for v in box], "visibility": round(seen, 3)}
                        for t, box, seen in one.boxes
                    ],
                }
                for one in self.appearances
            ],
        }


def appearances_of(product_id: str | None, title: str, rows: Sequence[Row], same_s: float) -> list[Appearance]:
    """Divide what was seen of one product into appearances.

    Args:
        product_id: of the product, None where no catalogue lists it.
        title: what a person reads.
        rows: (time, box, share in sight), in the order of time.
        same_s: out of sight for at most so long, it is the same appearance.
    """
    parts: list[list[Row]] = []
    for row in rows:
        if not parts or row[0] - parts[-1][-1][0] > same_s:
            parts.append([])
        parts[-1].append(row)
    return [Appearance(product_id, title, part[0][0], part[-1][0], tuple(part)) for part in parts]


def read_truth(path: Path) -> ClipTruth:
    """Read a truth document.

    Raises:
        InputError: it cannot be read, or a field is missing or out of range; the sentence names it.
    """
    try:
        return truth_of(json.loads(path.read_bytes()))
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror or e}): check the name") from e
    except RecursionError as e:
        raise InputError(f"{path}: is nested too deeply to be a truth document") from e
    except (ValueError, TypeError, KeyError) as e:
        reason = f"{e.args[0]!r} is missing" if isinstance(e, KeyError) else e
        raise InputError(f"{path}: is no truth document of a clip ({reason}): see docs/videos.md") from e


def truth_of(value: Any) -> ClipTruth:
    """Check a parsed document and return it.

    Raises:
        KeyError: a field is missing.
        TypeError, ValueError: a field is of another type or out of range.
    """
    if value["schema"] != SCHEMA:
        raise ValueError(f"schema {value['schema']!r}, this version reads {SCHEMA}")
    duration_s = float(value["duration_s"])
    if not 0 < duration_s < float("inf"):
        raise ValueError(f"duration_s {duration_s:g} is not above 0")
    shown = [_appearance(entry) for entry in value["appearances"]]
    return ClipTruth(str(value["path"]), duration_s, tuple(sorted(shown, key=lambda one: one.start_s)))


def _appearance(entry: Mapping[str, Any]) -> Appearance:
    product_id = entry["product_id"]
    if product_id is not None and not isinstance(product_id, str):
        raise ValueError(f"product_id {product_id!r} is neither a string nor null")
    start_s, end_s = float(entry["start_s"]), float(entry["end_s"])
    if not 0 <= start_s <= end_s < float("inf"):
        raise ValueError(f"appearance of {product_id} from {start_s:g} to {end_s:g} s is no stretch of time")
    rows = sorted((_row(row) for row in entry["boxes"]), key=lambda row: row[0])
    return Appearance(product_id, str(entry.get("title", product_id)), start_s, end_s, tuple(rows))


def _row(row: Mapping[str, Any]) -> Row:
    x0, y0, x1, y1 = (float(v) for v in row["xyxy"])
    if not (x0 < x1 and y0 < y1):
        raise ValueError(f"xyxy {row['xyxy']} is no box")
    return float(row["timestamp_s"]), (x0, y0, x1, y1), float(row.get("visibility", 1.0))
