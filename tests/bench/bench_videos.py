"""Whole videos by the kit and by the naive pipeline, in turn: the tables and plots of docs/videos.md.

Run `python -m tests.bench.bench_videos PART...` on a machine that does nothing else; the parts are `eval` (rendered
clips that nothing was tuned on; `dev` for those that were), `real` (the clips of ../shared/data/videos), `length`
(time and memory of 10, 100 and 1,000 s) and `plots`, which draws what the other parts have left in build/clips.
`--before DIR` names a checkout of an earlier state that has this benchmark: it takes its turn as well.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.video_clips.length import measure_lengths
from tests.bench.video_clips.measuring import Run, figures_of, measure_set, write_runs
from tests.bench.video_clips.plots import draw_scenes, plot_length, plot_time
from tests.bench.video_clips.real_clips import BOTTLES, write_real_set
from tests.bench.video_clips.sets import SETS, write_set
from tests.conftest import shared_folder

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER, IMAGES = REPOSITORY / "build" / "clips", REPOSITORY / "docs" / "images"
LENGTHS_S = (10, 100, 1000)
ROUNDS = {"dev": 1, "eval": 1, "real": 3}
MATERIALS = {"eval": "rendered clips", "real": f"{BOTTLES}.mp4"}
ROWS = {
    "f1": "tag F1",
    "f1_ci95": "95 % interval",
    "precision": "precision",
    "recall": "recall",
    "switches": "identity switches",
    "fragments": "fragments",
    "false": "false tags",
    "false_per_minute": "false tags a minute",
    "ambiguous": "ambiguous tags",
    "start_error_s": "error of the start, s, median",
    "start_p90_s": "90th percentile",
    "end_error_s": "error of the end, s, median",
    "end_p90_s": "90th percentile ",
}


def measure(name: str, before: Path | None) -> None:
    """Tag one set by every way, in turn, print its table and leave everything in build/clips."""
    folder = write_real_set(shared_folder(), FOLDER / name) if name == "real" else write_set(SETS[name], FOLDER / name)
    earlier = {"before": _earlier(name, before)} if before else {}
    runs = measure_set(folder, ("kit", "naive"), ROUNDS[name])
    write_runs(runs, FOLDER / f"{name}.json")
    columns = {"naive": _column(runs, "naive"), **earlier, "kit": _column(runs, "kit")}
    print_table(name, columns)
    (FOLDER / f"{name}-table.json").write_text(json.dumps(columns))
    if name == "real":
        print_clips(runs)


def _column(runs: Sequence[Run], way: str) -> dict[str, Any]:
    """Return figures, times and laps of one way, as plain values."""
    own = [run for run in runs if run.way == way]
    return {
        **vars(figures_of(runs, own[0].way)),
        "seconds": sum(min(run.seconds) for run in own),
        "cpu_s": sum(min(run.cpu_s) for run in own),
        "clips_ms": {run.clip: _laps_a_second([run]) for run in own},
        "laps_ms": _laps_a_second(own),
    }


def _laps_a_second(runs: Sequence[Run]) -> dict[str, float]:
    video_s = sum(run.truth.duration_s for run in runs)
    return {name: sum(run.laps_ms[name] for run in runs) / video_s for name in runs[0].laps_ms}


def _earlier(name: str, before: Path) -> dict[str, Any]:
    """Return the column of the kit as it was in another checkout, on the very same clips."""
    script = f"from tests.bench import bench_videos as b; b.print_earlier({name!r}, {str(FOLDER / name)!r})"
    environment = {**os.environ, "PYTHONPATH": str(before)}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=before, env=environment, capture_output=True, text=True, check=True)
    column: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return column


def print_earlier(name: str, folder: str) -> None:
    """Print the column of this checkout's kit as JSON."""
    print(json.dumps(_column(measure_set(Path(folder), ("kit",), ROUNDS[name]), "kit")))


def print_table(name: str, columns: dict[str, dict[str, Any]]) -> None:
    """Print the figures as markdown, a column for each way."""
    kit = columns["kit"]
    print(f"\n{name}: {kit['clips']} clips, {60 * kit['minutes']:.0f} s, {kit['shown']} appearances\n")
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for key, words in ROWS.items():
        print(f"| {words.strip()} | {' | '.join(_cell(column[key]) for column in columns.values())} |")
    video_s, naive = 60 * kit["minutes"], columns["naive"]
    for words, rate in (
        ("seconds", lambda one: one["seconds"]),
        ("times as fast as naive", lambda one: naive["seconds"] / one["seconds"]),
        ("times real time", lambda one: video_s / one["seconds"]),
        ("seconds of processor", lambda one: one["cpu_s"]),
        ("naive's for one of its", lambda one: naive["cpu_s"] / one["cpu_s"]),
    ):
        print(f"| {words} | {' | '.join(f'{rate(column):.1f}' for column in columns.values())} |")


def print_clips(runs: Sequence[Run]) -> None:
    """Print time and result of each clip as markdown, least and median of the rounds."""
    print("\n| clip | way | seconds, least | median | processor, s | times real time | right | false | ambiguous |")
    print("|---|---|---|---|---|---|---|---|---|")
    for run in runs:
        outcomes, least = run.judged.outcomes, min(run.seconds)
        counts = " | ".join(str(outcomes.count(name)) for name in ("right", "false", "ambiguous"))
        times = f"{least:.2f} | {median(run.seconds):.2f} | {min(run.cpu_s):.2f} | {run.truth.duration_s / least:.1f}"
        print(f"| {run.clip} | {run.way} | {times} | {counts} |")


def measure_length() -> None:
    """Print time and memory against length as markdown."""
    rows = measure_lengths(FOLDER / "length", LENGTHS_S)
    (FOLDER / "length.json").write_text(json.dumps(rows))
    print(
        "\n| video, s | seconds | times real time | MB with models loaded | MB at the peak | frames looked at | tags |"
    )
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        cells = (row["seconds"], row["video_s"] / row["seconds"], row["ready_mb"], row["peak_mb"])
        counts = f"{row['frames']} | {row['tags']}"
        print(f"| {row['video_s']:.0f} | {' | '.join(f'{cell:.1f}' for cell in cells)} | {counts} |")


def draw() -> None:
    """Draw the plots from what the other parts have left."""
    tables = {name: json.loads((FOLDER / f"{name}-table.json").read_text()) for name in MATERIALS}
    tables["eval"].pop("before", None)  # it had its turn in one piece, maybe while the machine did less
    tables["real"] = {way: {"laps_ms": column["clips_ms"][BOTTLES]} for way, column in tables["real"].items()}
    by_material = {
        MATERIALS[name]: {way: column["laps_ms"] for way, column in columns.items()} for name, columns in tables.items()
    }
    plot_time(by_material, IMAGES / "video-time.png")
    plot_length(json.loads((FOLDER / "length.json").read_text()), IMAGES / "video-length.png")
    draw_scenes(SETS["dev"], IMAGES / "video-scenes.jpg")


def _cell(value: Any) -> str:
    if isinstance(value, tuple | list):
        return f"{value[0]:.2f} to {value[1]:.2f}"
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_videos", description=__doc__)
    parser.add_argument("parts", nargs="+", choices=(*ROUNDS, "length", "plots"))
    parser.add_argument("--before", type=Path, metavar="DIR", help="a checkout of an earlier state")
    args = parser.parse_args()
    for part in args.parts:
        if part in ROUNDS:
            measure(part, args.before and args.before.resolve())
        elif part == "length":
            measure_length()
        else:
            draw()


if __name__ == "__main__":
    main()
