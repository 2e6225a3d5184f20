"""The plots of docs/videos.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

STEPS = ("decode", "detect", "embed", "search")
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#bab0ac")
Laps = Mapping[str, float]


def plot_time(by_clip: Mapping[str, Mapping[str, Laps]], out: Path) -> None:
    """Draw where the time goes: a panel for each material, a bar for each way, milliseconds a second of video.

    Args:
        by_clip: for each material, for each way, milliseconds for each second of video by step, and `total`.
        out: the picture to write.
    """
    figure, panels = plt.subplots(len(by_clip), 1, figsize=(8, 0.9 + 1.6 * len(by_clip)), layout="constrained")
    for panel, (title, ways) in zip(panels if len(by_clip) > 1 else [panels], by_clip.items(), strict=True):
        names = list(ways)
        for row, name in enumerate(names):
            left, laps = 0.0, ways[name]
            parts = [laps.get(step, 0.0) for step in STEPS]
            for part, colour in zip((*parts, max(0.0, laps["total"] - sum(parts))), COLOURS, strict=True):
                panel.barh(row, part, left=left, color=colour, height=0.62)
                left += part
            panel.text(left, row, f" {laps['total']:.0f} ms", va="center", fontsize=9)
        panel.set_yticks(range(len(names)), names)
        panel.invert_yaxis()
        panel.set_title(title, loc="left", fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_xlim(right=1.12 * max(laps["total"] for laps in ways.values()))
        panel.set_xlabel("milliseconds for each second of video", fontsize=9)
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS]
    figure.legend(handles, (*STEPS, "the rest"), loc="outside upper right", ncols=5, fontsize=9, frameon=False)
    figure.savefig(out, dpi=110)
    plt.close(figure)


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
