"""The plots of docs/videos.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.bench.video_clips.film import render
from tests.bench.video_clips.scenes import SCENES
from tests.bench.video_clips.script import Script
from tests.bench.video_clips.sets import VIEWS, ClipSet, picture

matplotlib.use("Agg")
from matplotlib import pyplot as plt

STEPS = ("decode", "detect", "embed", "search")
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#bab0ac")
WAYS = {"naive": "naive", "before": "kit, two looks\na second", "kit": "kit, tracks"}
Laps = Mapping[str, float]


def plot_time(by_material: Mapping[str, Mapping[str, Laps]], out: Path) -> None:
    """Draw where the time goes: a row for each material, all ways on the left, those of the kit enlarged on the right.

    Args:
        by_material: for each material, for each way, milliseconds for each second of video by step, and `total`.
        out: the picture to write.
    """
    figure, panels = plt.subplots(
        len(by_material), 2, figsize=(10, 0.9 + 1.7 * len(by_material)), layout="constrained", squeeze=False
    )
    for (left, right), (title, ways) in zip(panels, by_material.items(), strict=True):
        _bars(left, ways)
        _bars(right, {name: laps for name, laps in ways.items() if name != "naive"})
        left.set_title(title, loc="left", fontsize=10)
        right.set_title("enlarged", loc="left", fontsize=10)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS]
    figure.legend(handles, (*STEPS, "the rest"), loc="outside upper right", ncols=5, fontsize=9, frameon=False)
    figure.savefig(out, dpi=110)
    plt.close(figure)


def _bars(panel: Any, ways: Mapping[str, Laps]) -> None:
    for row, laps in enumerate(ways.values()):
        left, parts = 0.0, [laps.get(step, 0.0) for step in STEPS]
        for part, colour in zip((*parts, max(0.0, laps["total"] - sum(parts))), COLOURS, strict=True):
            panel.barh(row, part, left=left, color=colour, height=0.62)
            left += part
        panel.text(left, row, f" {laps['total']:.0f} ms", va="center", fontsize=9)
    panel.set_yticks(range(len(ways)), [WAYS.get(name, name) for name in ways])
    panel.invert_yaxis()
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlim(right=1.17 * max(laps["total"] for laps in ways.values()))
    panel.set_xlabel("milliseconds for each second of video", fontsize=9)


def plot_length(rows: Sequence[Mapping[str, float]], out: Path) -> None:
    """Draw time and memory against the length of the video.

    Args:
        rows: for each length `video_s`, `seconds`, `peak_mb`, and `ready_mb` (before the video was opened).
        out: the picture to write.
    """
    lengths = [row["video_s"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
    left.loglog(lengths, [row["seconds"] for row in rows], "o-", color=COLOURS[0])
    slope = rows[-1]["seconds"] / lengths[-1]
    left.loglog(lengths, [slope * length for length in lengths], "--", color="#999999", label="proportional")
    left.set_ylabel("seconds of work")
    left.legend(frameon=False)
    right.semilogx(lengths, [row["peak_mb"] for row in rows], "o-", color=COLOURS[1], label="peak")
    right.semilogx(lengths, [row["ready_mb"] for row in rows], "--", color="#999999", label="models loaded")
    right.set_ylim(0, 1.25 * max(row["peak_mb"] for row in rows))
    right.set_ylabel("memory of the process, MB")
    right.legend(frameon=False)
    for panel in (left, right):
        panel.set_xlabel("length of the video, seconds")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xticks(lengths, [f"{length:g}" for length in lengths])
        panel.minorticks_off()
    figure.savefig(out, dpi=110)
    plt.close(figure)


def draw_scenes(chosen: ClipSet, out: Path) -> None:
    """Draw one frame of each scene with what is shown in it, and some pictures of the catalogue, on one sheet."""
    cell, columns = (300, 169), 5
    tiles = [_frame(script, name) for name, script in zip(SCENES, chosen.scripts(), strict=False)]
    tiles.append(_catalogue(chosen))
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (cell[0] + 4) - 4, rows * (cell[1] + 4) - 4), "white")
    for number, tile in enumerate(tiles):
        at = number % columns * (cell[0] + 4), number // columns * (cell[1] + 4)
        sheet.paste(tile.resize(cell, Image.Resampling.LANCZOS), at)
    sheet.save(out, quality=82)


def _frame(script: Script, name: str) -> Image.Image:
    """Return the frame of a clip in which most is shown, with its boxes."""
    frames = [render(script, round(script.frame_count * share)) for share in (0.3, 0.42, 0.5, 0.62)]
    image, sights = max(frames, key=lambda frame: sum(sight.visibility for sight in frame[1]))
    drawn = Image.fromarray(image).resize((640, 360))
    draw, scale = ImageDraw.Draw(drawn), 640 / image.shape[1]
    for sight in sights:
        actor = script.actors[sight.actor]
        draw.rectangle(
            [v * scale for v in sight.xyxy], outline=(90, 230, 90) if actor.listed else (240, 90, 80), width=3
        )
    draw.text((8, 6), name, "white", ImageFont.load_default(24), stroke_width=2, stroke_fill="black")
    return drawn


def _catalogue(chosen: ClipSet) -> Image.Image:
    tile = Image.new("RGB", (640, 360), "white")
    products = chosen.stock().listed
    for number, index in enumerate(np.linspace(0, len(products) - 1, 8).astype(int)):
        shown = Image.fromarray(picture(products[index], VIEWS[number % len(VIEWS)])).resize((156, 156))
        tile.paste(shown, (2 + number % 4 * 160, 22 + number // 4 * 168))
    return tile
