"""Pictures of the demo for the README: `python -m tests.demo.demo_pictures build/demo docs/images`, after `make demo`.

Three frames of the annotated clip beside each other, and the upper part of the report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from edge.media.sources import open_source
from tests.service.chromium import browser_path, browsing

MOMENTS_S = (1.6, 4.6, 9.0)
FRAME_WH = (480, 270)
GAP = 10


def annotated(clip: Path) -> Image.Image:
    """Return the frames of the annotated clip at the three moments."""
    width, height = FRAME_WH
    strip = Image.new("RGB", ((width + GAP) * len(MOMENTS_S) - GAP, height), "white")
    with open_source(str(clip)) as source:
        frames = {frame.timestamp_s: frame.image for frame in source.frames(0.2)}
    times = np.array(list(frames))
    for place, moment_s in enumerate(MOMENTS_S):
        nearest = float(times[np.abs(times - moment_s).argmin()])
        strip.paste(Image.fromarray(frames[nearest]).resize(FRAME_WH), (place * (width + GAP), 0))
    return strip


def main(demo: Path, out: Path) -> None:
    path = browser_path()
    assert path is not None, "Chromium is not on this machine"
    with browsing(path) as browser:
        page = browser.new_page(viewport={"width": 1000, "height": 1010})
        page.goto((demo / "report.html").resolve().as_uri())
        page.screenshot(path=out / "report.png")
    for name, picture in (("annotated", annotated(demo / "annotated.mp4")), ("report", Image.open(out / "report.png"))):
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(out / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
