"""The real clips of ../shared/data/videos with truth from a look at their frames, as a set like the rendered ones.

`annotations/bottle-detection.json` says where each of the three bottles is: `keys` are (seconds, x0, y0, x1, y1) in
pixels, straight lines between them; a bottle that is carried in or out counts from a third of it in the picture. The
bottles are one product, of which one stands there all the time: one appearance from the first frame to the last. The
two other clips show people and crockery, nothing of the catalogue.

The catalogue is one bottle, cut from a frame of the clip's first second, and the 61 products of the Grocery Store
subset. Nothing of it is kept in the project: it is made when the set is written.

>>> write_real_set(Path("../shared"), Path("build/clips/real"))
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from edge.crops import cut_crops
from edge.media.sources import open_source
from edge.tags import Box
from export.evaluation.appearances import Appearance, ClipTruth, Row

ANNOTATIONS = Path(__file__).with_name("annotations")
BOTTLE = "water-bottle"
EVERY_S = 0.25
CUT_AT_S, CUT_BOTTLE = 1.0, "middle"
BOTTLES, WALK, AISLE = "bottle-detection", "one-by-one-person-detection-negative", "store-aisle-detection-preview"
WALK_FPS = 10
"""The excerpt's frames all carry the time 0; the clip that it was cut from has ten frames a second."""


def write_real_set(shared: Path, folder: Path) -> Path:
    """Write catalogue, clips and truth of the real clips into a folder, and return it."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "clips").mkdir(exist_ok=True)
    videos = shared / "data" / "videos"
    _write_catalogue(shared / "data" / "grocery_store", videos / f"{BOTTLES}.mp4", folder)
    for name in (BOTTLES, AISLE):
        shutil.copyfile(videos / f"{name}.mp4", folder / "clips" / f"{name}.mp4")
    restamp(videos / f"{WALK}.mp4", folder / "clips" / f"{WALK}.mp4", WALK_FPS)
    for truth in (bottle_truth(), ClipTruth(f"{WALK}.mp4", 20.1, ()), ClipTruth(f"{AISLE}.mp4", 4.489, ())):
        (folder / "clips" / truth.path).with_suffix(".json").write_text(json.dumps(truth.document()))
    return folder


def bottle_truth() -> ClipTruth:
    """Return what bottle-detection.mp4 shows, with boxes four times a second."""
    noted = _noted()
    rows = sorted((row for piece in noted["pieces"] for row in _rows(piece["keys"])), key=lambda row: row[0])
    shown = Appearance(BOTTLE, noted["title"], 0.0, noted["end_s"], tuple(rows))
    return ClipTruth(f"{BOTTLES}.mp4", noted["duration_s"], (shown,))


def box_at(keys: Sequence[Sequence[float]], time_s: float) -> Box | None:
    """Return the box of a piece at a time, on the straight line between its keys; None before and after them."""
    for before, after in pairwise(keys):
        if before[0] <= time_s <= after[0]:
            share = (time_s - before[0]) / (after[0] - before[0])
            x0, y0, x1, y1 = (a + share * (b - a) for a, b in zip(before[1:], after[1:], strict=True))
            return x0, y0, x1, y1
    return None


def restamp(clip: Path, out: Path, fps: int) -> Path:
    """Copy a clip whose frames carry no times, packet by packet, with times of so many frames a second.

    The order of showing is asked of the decoder: packets are numbered, and frames come out with the numbers of theirs.
    """
    with av.open(str(clip)) as source:
        order = []
        packets = [packet for packet in source.demux(video=0) if packet.size]
        for number, packet in enumerate(packets):
            packet.pts = packet.dts = number
            order += [frame.pts for frame in packet.decode()]
        order += [frame.pts for frame in source.streams.video[0].codec_context.decode(None)]
    place = {number: shown for shown, number in enumerate(order)}
    delay = max(number - place[number] for number in place)
    with av.open(str(clip)) as source, av.open(str(out), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.time_base = Fraction(1, fps)
            packet.pts, packet.dts, packet.duration = place[number] + delay, number, 1
            packet.stream = stream
            target.mux(packet)
    return out


def _noted() -> dict[str, Any]:
    noted: dict[str, Any] = json.loads((ANNOTATIONS / f"{BOTTLES}.json").read_text())
    return noted


def _rows(keys: Sequence[Sequence[float]]) -> list[Row]:
    times = np.arange(np.ceil(keys[0][0] / EVERY_S) * EVERY_S, keys[-1][0] + 1e-9, EVERY_S).tolist()
    boxes = ((time_s, box_at(keys, time_s)) for time_s in times)
    return [(time_s, box, 1.0) for time_s, box in boxes if box is not None]


def _write_catalogue(groceries: Path, clip: Path, folder: Path) -> None:
    with (groceries / "manifest.csv").open() as file:
        pictures = [(row["product_id"], row["path"]) for row in csv.DictReader(file) if row["role"] == "catalog"]
    rows = [(BOTTLE, "Water bottle", "bottle.png")]
    Image.fromarray(_bottle(clip)).save(folder / "images" / "bottle.png")
    for product_id, path in pictures:
        shutil.copyfile(groceries / path, folder / "images" / Path(path).name)
        rows.append((product_id, product_id.replace("-", " "), Path(path).name))
    with (folder / "ITEMS.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("product_id", "title", "image"), *rows])


def _bottle(clip: Path) -> np.ndarray:
    """Return the catalogue's picture of the bottle, cut from a frame of the clip's first second."""
    keys = next(piece["keys"] for piece in _noted()["pieces"] if piece["bottle"] == CUT_BOTTLE)
    with open_source(str(clip)) as source:
        frame = next(frame for frame in source.frames(0) if frame.timestamp_s >= CUT_AT_S)
    (crop,) = cut_crops(frame.image, np.array([box_at(keys, CUT_AT_S)], np.float32), 0.05)
    return np.ascontiguousarray(crop)
