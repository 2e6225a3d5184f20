"""Time and memory against the length of a video: one rendered scene of ten seconds, repeated without encoding again.

>>> measure_lengths(Path("build/clips/length"), (10, 100, 1000))
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from time import perf_counter

import av

from edge.media.sources import open_source
from edge.pipeline import tag_source
from tests.bench.video_clips.film import write_film
from tests.bench.video_clips.measuring import open_kit
from tests.bench.video_clips.scenes import flashed
from tests.bench.video_clips.script import Script
from tests.bench.video_clips.sets import SETS, write_catalogue

REPOSITORY = Path(__file__).resolve().parents[3]


def scene() -> Script:
    """Return ten seconds in which three products are shown, none at the seam."""
    return replace(flashed(SETS["dev"].stock(), 5), name="ten-seconds")


def write_clips(folder: Path, lengths_s: Iterable[int]) -> list[Path]:
    """Write the scene and its repetitions, and the catalogue that the scene's products are from."""
    script = scene()
    (folder / "images").mkdir(parents=True, exist_ok=True)
    write_catalogue(SETS["dev"].stock().listed, folder)
    once = folder / f"{script.name}.mp4"
    if not once.exists():
        write_film(script, once)
    return [repeat(once, round(length / script.duration_s), folder / f"{length}.mp4") for length in lengths_s]


def repeat(clip: Path, times: int, out: Path) -> Path:
    """Write a clip so many times in a row, packet by packet."""
    with av.open(str(clip)) as source:
        stream = source.streams.video[0]
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in source.demux(stream) if p.size]
        base, length = stream.time_base, stream.duration
        with av.open(str(out), "w") as target:
            copy = target.add_stream_from_template(stream)
            for turn in range(times):
                for content, pts, dts, is_keyframe in packets:
                    packet = av.Packet(content)
                    packet.time_base = Fraction(base)
                    packet.pts, packet.dts = pts + turn * length, dts + turn * length
                    packet.is_keyframe, packet.stream = is_keyframe, copy
                    target.mux(packet)
    return out


def measure_lengths(folder: Path, lengths_s: Iterable[int]) -> list[dict[str, float]]:
    """Tag each length in a process of its own and return seconds, peak memory, and what was found."""
    rows = []
    for clip in write_clips(folder, lengths_s):
        command = [sys.executable, "-m", __spec__.name, str(folder), str(clip)]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def tag_once(folder: Path, clip: Path) -> dict[str, float]:
    """Tag one clip in this process."""
    kit = open_kit(folder)
    ready_mb, start = _peak_mb(), perf_counter()
    with open_source(str(clip)) as source:
        found = tag_source(kit, source)
    seconds = perf_counter() - start
    return {
        "video_s": found.duration_s or 0.0,
        "seconds": seconds,
        "ready_mb": ready_mb,
        "peak_mb": _peak_mb(),
        "tags": len(found.tags),
        "frames": found.frames_detected,
    }


def _peak_mb() -> float:
    """Return the most memory that this process has held; `getrusage` would count the parent's at the fork too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    print(json.dumps(tag_once(Path(sys.argv[1]), Path(sys.argv[2]))))
