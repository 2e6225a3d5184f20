"""Memory stays flat however long a video is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.golden import golden_folder, read_pixels
from tests.media.own_media import write_video

CHILD = """
import sys
from pathlib import Path
from edge.bundle import load_bundle
from edge.defaults import default_bundle, demo_shard
from edge.media.sources import open_source
from edge.pipeline import Kit, tag_source
from edge.shard import open_shard
from tests.media.own_media import peak_mib
kit = Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())], second_look=False)
with open_source(sys.argv[1]) as source:
    found = tag_source(kit, source)
print(found.frames_detected, len(found.tags), round(peak_mib()))
"""


@pytest.mark.full
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_ten_thousand_frames_take_no_more_memory_than_one_thousand(tmp_path: Path) -> None:
    product = read_pixels(golden_folder() / "one.png")
    plain = np.full_like(product, 120)
    minute = [np.roll(product, 2 * n, axis=1) for n in range(500)] + [plain] * 500
    peaks = []
    for rounds in (1, 10):
        path = write_video(tmp_path / f"{rounds}.mp4", minute * rounds, codec="mpeg4")
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(path)], capture_output=True, text=True, check=True, timeout=300
        )
        looks, tags, mib = map(int, child.stdout.split())
        assert looks > 50 * rounds and tags >= rounds
        peaks.append(mib)
    assert peaks[1] - peaks[0] <= 12, f"{peaks} MiB for 1,000 and 10,000 frames of 0.2 MiB each"
