"""Clips through the kit and through the naive pipeline, in turn, timed and judged.

>>> runs = measure_set(Path("build/clips/dev"), ("kit", "naive"))
>>> print_figures(runs)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Literal

from edge.bundle import load_bundle
from edge.defaults import default_bundle
from edge.media.sources import open_source
from edge.pipeline import Kit, tag_source
from edge.shard import open_shard
from edge.shard.keypoints import DEFAULT_KEYPOINT_BYTES
from edge.stopwatch import Stopwatch
from export.catalog.build import Target, build_catalog
from export.catalog.items import read_items
from export.evaluation.appearances import ClipTruth, read_truth
from export.evaluation.clips import Claim, ClipFigures, Judged, claim_of, figures, judge
from tests.bench.video_clips.naive import tag_naively

Way = Literal["kit", "naive"]


@dataclass(frozen=True)
class Run:
    """One clip by one way.

    Attributes:
        way: which pipeline.
        clip: name of the clip.
        truth: what it shows.
        claims: what was said.
        judged: what became of that.
        seconds: wall time of each round, from opening the file to the last tag.
        cpu_s: processor time of each round, all threads together.
        laps_ms: where the time of the quickest round went.
        frames: frames that the detector looked at, where that is known.
        crops: crops that were embedded, likewise.
    """

    way: Way
    clip: str
    truth: ClipTruth
    claims: tuple[Claim, ...]
    judged: Judged
    seconds: tuple[float, ...]
    cpu_s: tuple[float, ...]
    laps_ms: dict[str, float]
    frames: int | None = None
    crops: int | None = None

    def document(self) -> dict[str, Any]:
        """Return everything but the truth as plain values."""
        return {name: value for name, value in asdict(self).items() if name not in ("truth", "judged")} | {
            "outcomes": self.judged.outcomes
        }


def open_kit(folder: Path) -> Kit:
    """Return the default bundle with the catalogue of a set, which is built where it is missing or of another space."""
    bundle = load_bundle(default_bundle())
    out = folder / f"shard-{bundle.space_id[:8]}"
    if not out.exists():
        kit = Kit.open(bundle, [])
        keypoint_bytes = DEFAULT_KEYPOINT_BYTES if bundle.second_look else 0
        target = Target(out, "clips", 1, bundle.space_id, 0, keypoint_bytes)
        build_catalog(read_items(folder / "ITEMS.csv"), folder / "images", kit.embedder, target)
    return Kit.open(bundle, [open_shard(out)])


def measure_set(folder: Path, ways: Sequence[Way] = ("kit",), rounds: int = 1, only: str = "") -> list[Run]:
    """Tag every clip of a folder by every way, in turn, and judge what was said in the first round."""
    kit = open_kit(folder)
    runs = []
    for path in sorted((folder / "clips").glob("*.json")):
        if only in path.stem:
            runs += measure_clip(kit, path.with_suffix(".mp4"), read_truth(path), ways, rounds)
    return runs


def measure_clip(kit: Kit, clip: Path, truth: ClipTruth, ways: Sequence[Way], rounds: int = 1) -> list[Run]:
    """Tag one clip by every way, in turn, round after round."""
    taken = [[run_once(kit, clip, truth, way) for way in ways] for _ in range(rounds)]
    return [
        replace(
            min(own, key=_wall), seconds=tuple(run.seconds[0] for run in own), cpu_s=tuple(run.cpu_s[0] for run in own)
        )
        for own in zip(*taken, strict=True)
    ]


def run_once(kit: Kit, clip: Path, truth: ClipTruth, way: Way) -> Run:
    """Tag one clip by one way."""
    watch, start, cpu = Stopwatch(), perf_counter(), process_time()
    frames = crops = None
    with open_source(str(clip)) as source:
        if way == "naive":
            claims = tuple(tag_naively(kit, source, watch))
        else:
            found = tag_source(kit, source, stopwatch=watch)
            claims, frames, crops = tuple(map(claim_of, found.tags)), found.frames_detected, found.crops_embedded
    seconds, cpu_s = perf_counter() - start, process_time() - cpu
    laps = watch.timing_ms(("decode", "detect", "embed", "search"))
    return Run(way, clip.stem, truth, claims, judge(truth, claims), (seconds,), (cpu_s,), laps, frames, crops)


def write_runs(runs: Sequence[Run], path: Path) -> None:
    """Write what was said of each clip, how that was judged, and how long it took, as JSON."""
    path.write_text(json.dumps([run.document() for run in runs], indent=1))


def figures_of(runs: Sequence[Run], way: Way) -> ClipFigures:
    """Return the figures of one way."""
    return figures([run.judged for run in runs if run.way == way])


def print_figures(runs: Sequence[Run]) -> None:
    """Print a column for each way."""
    ways = list(dict.fromkeys(run.way for run in runs))
    columns = [asdict(figures_of(runs, way)) for way in ways]
    for name in columns[0]:
        print(f"{name:18}" + "".join(f"{_cell(column[name]):>16}" for column in columns))
    for way, column in zip(ways, columns, strict=True):
        taken, cpu = (sum(min(times(run)) for run in runs if run.way == way) for times in (_wall, _cpu))
        laps = {name: round(sum(run.laps_ms[name] for run in runs if run.way == way)) for name in runs[0].laps_ms}
        speed = 60 * column["minutes"] / taken
        print(f"{way}: {taken:.2f} s ({cpu:.2f} s of processor), {speed:.1f} times real time; ms {laps}")


def print_faults(runs: Sequence[Run]) -> None:
    """Say of each clip what was missed, what was wrong, and what was ambiguous."""
    for run in runs:
        judged = run.judged
        print(f"{run.way} {run.clip}: {judged.outcomes.count('right')} of {judged.shown}, switches {judged.switches}"
              f" ({run.seconds[0]:.2f} s, frames {run.frames}, crops {run.crops})")  # fmt: skip
        for shown in judged.missed:
            print(f"    missed     {shown.product_id} {shown.start_s:.2f}-{shown.end_s:.2f}")
        for claim, outcome in zip(run.claims, judged.outcomes, strict=True):
            if outcome != "right":
                print(f"    {outcome:10} {'/'.join(claim.product_ids)} {claim.start_s:.2f}-{claim.end_s:.2f}")


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:.3f}-{value[1]:.3f}"
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _wall(run: Run) -> tuple[float, ...]:
    return run.seconds


def _cpu(run: Run) -> tuple[float, ...]:
    return run.cpu_s
