"""Tag a set of clips and say how well and how fast that went.

Run `python -m tests.bench.video_clips dev` (the set to develop with: renders it into build/clips/dev first, about two
minutes; later runs only tag). `--naive` tags with the naive pipeline as well, clip by clip in turn; `--verbose` says of
each clip what went wrong; `--json FILE` writes everything. Nothing is ever tuned on the set `eval`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.video_clips.measuring import measure_set, print_faults, print_figures, write_runs
from tests.bench.video_clips.real_clips import write_real_set
from tests.bench.video_clips.sets import SETS, write_set
from tests.conftest import shared_folder

FOLDER = Path(__file__).resolve().parents[3] / "build" / "clips"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.video_clips", description=__doc__)
    parser.add_argument("set", choices=(*SETS, "real"))
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the sets lie (default: build/clips)")
    parser.add_argument("--clip", default="", help="only clips whose name contains this")
    parser.add_argument("--naive", action="store_true", help="the naive pipeline too, in turn with the kit")
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is timed (default: once)")
    parser.add_argument("--processes", type=int, default=1, help="for rendering")
    parser.add_argument("--verbose", action="store_true", help="say what went wrong in each clip")
    parser.add_argument("--json", type=Path, help="write figures and all tags")
    args = parser.parse_args()
    folder = args.folder / args.set
    if args.set == "real":
        write_real_set(shared_folder(), folder)
    else:
        write_set(SETS[args.set], folder, args.processes)
    ways = ("kit", "naive") if args.naive else ("kit",)
    runs = measure_set(folder, ways, args.rounds, args.clip)
    if args.verbose:
        print_faults(runs)
    print_figures(runs)
    if args.json:
        write_runs(runs, args.json)


if __name__ == "__main__":
    main()
