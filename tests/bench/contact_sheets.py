"""A contact sheet for every detector in a folder: the same pictures, with what the model found drawn on them.

Run `python -m tests.bench.contact_sheets --out DIR`, or with `--models DIR --pictures DIR` of your own. Models are
read as `export inspect` reads them, with their sidecars and their own score threshold; a number stands for a class
whose label is not known. What cannot be used gets a sentence instead of a sheet.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge.detections import Detections
from edge.detector import Detector
from edge.errors import TagletError
from edge.inference import open_session
from edge.inference.hardware import Hardware
from edge.media.sources import PICTURE_SUFFIXES
from edge.output.drawing import draw_marks
from edge.output.overlay import Mark
from export.bundles.reading import ModelReading, read_model

SHARED = Path(os.environ.get("TAGLET_SHARED", Path(__file__).resolve().parents[3] / "shared"))
MODELS = (".onnx", ".tflite")
COLUMNS, CELL, GAP, TITLE = 3, 420, 8, 44


def sheet(reading: ModelReading, pictures: Sequence[Path]) -> Image.Image:
    """Run a detector on pictures and return them, with boxes, on one page under a title.

    Raises:
        ModelError: the model failed on a picture.
    """
    assert reading.preprocessing is not None and reading.decoding is not None
    detector = Detector(open_session(reading.path, Hardware(threads=1)), reading.preprocessing, reading.decoding)
    cells = [annotated(detector, path, reading.labels) for path in pictures]
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    tops = [TITLE, *accumulate((max(cell.height for cell in row) + GAP for row in rows), initial=TITLE)][1:]
    page = Image.new("RGB", (COLUMNS * (CELL + GAP) + GAP, tops[-1]), "white")
    title = f"{reading.path.name}   family {reading.family}   at or above {reading.decoding.score_threshold:g}"
    ImageDraw.Draw(page).text((GAP, TITLE / 2), title, "black", ImageFont.load_default(20), anchor="lm")
    for row, top in zip(rows, tops, strict=False):
        for column, cell in enumerate(row):
            page.paste(cell, (GAP + column * (CELL + GAP), top))
    return page


def annotated(detector: Detector, path: Path, labels: Sequence[str]) -> Image.Image:
    """Look at a picture as it is; return it no larger than a cell, with what was found, the most confident on top.

    It is drawn on after it was shrunk, so that lines and letters stay legible on the page.
    """
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    found = detector.detect(np.asarray(picture))
    small = picture.copy()
    small.thumbnail((CELL, CELL))
    scale = np.float32(small.width / picture.width)
    drawn = draw_marks(np.asarray(small), reversed(marks(found.with_xyxy(found.xyxy * scale), labels)))
    return Image.fromarray(drawn)


def marks(found: Detections, labels: Sequence[str]) -> list[Mark]:
    """Return a box with class and confidence for each detection."""
    return [
        Mark(
            tuple(map(float, xyxy)), labels[kind] if kind < len(labels) else str(kind), "", f"{confidence:.2f}", "match"
        )
        for xyxy, confidence, kind in zip(found.xyxy, found.confidence, found.class_id, strict=True)
    ]


def main(words: Sequence[str] | None = None) -> int:
    """Write a sheet for each detector; return 3 if a model could not be used, else 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=SHARED / "models", metavar="DIR")
    parser.add_argument("--pictures", type=Path, default=SHARED / "models" / "images", metavar="DIR")
    parser.add_argument(
        "--labels",
        action="append",
        default=[],
        metavar="PART=FILE",
        help="class names, one in a line, for models without labels whose name contains PART",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    args = parser.parse_args(words)
    pictures = sorted(path for path in args.pictures.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES)
    named = [text.partition("=") for text in args.labels]
    labels = {part: tuple(Path(file).read_text(encoding="utf-8").splitlines()) for part, _, file in named}
    args.out.mkdir(parents=True, exist_ok=True)
    code = 0
    for path in sorted(path for path in args.models.rglob("*") if path.suffix in MODELS):
        try:
            reading = read_model(path)
            if reading.kind == "detector":
                known = next((names for part, names in labels.items() if part in path.name), ())
                sheet(replace(reading, labels=reading.labels or known), pictures).save(args.out / f"{path.name}.png")
        except TagletError as e:
            print(e, file=sys.stderr)
            code = e.exit_code
    return code


if __name__ == "__main__":
    sys.exit(main())
