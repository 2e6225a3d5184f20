"""`--annotate`: the picture or the video again, with boxes and names.

A video is read a second time and written frame by frame with the source's own times, so that memory stays flat and a
variable frame rate stays as it is. Sound is left out.

    >>> annotate(run.sources[0], Path("annotated.mp4"))
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import av
import numpy as np
from PIL import Image

from edge.command_line import progress
from edge.errors import MediaError, OutputError, UsageError
from edge.files import whole_file
from edge.media.frame import Frame, Source
from edge.media.sources import open_source
from edge.output.drawing import draw_marks
from edge.output.overlay import Mark, marks_at
from edge.preprocessing import ImageArray
from edge.tags import SourceTags

PICTURES = (".jpg", ".jpeg", ".png")
VIDEOS = (".mp4",)
CLOCK = Fraction(1, 90_000)
RATE_SAMPLE = 6
QUALITY = {"crf": "20", "preset": "veryfast"}


def annotate(found: SourceTags, path: Path) -> None:
    """Write a source with what was found in it.

    Args:
        found: the source and its tags; it is opened again.
        path: .jpg or .png for a picture, .mp4 (H.264) for a video; there whole or not at all.

    Raises:
        UsageError: the ending does not fit the source, or the source is a camera, which cannot be seen twice.
        MediaError: the source cannot be read any more.
        OutputError: the result cannot be written.
    """
    _check_ending(found, path)
    with open_source(found.path) as source, whole_file(path) as temporary:
        if found.kind == "image":
            _write_picture(found, source, temporary)
        else:
            _write_video(found, source, temporary, path)


def _check_ending(found: SourceTags, path: Path) -> None:
    endings = PICTURES if found.kind == "image" else VIDEOS
    if found.path.startswith("camera:"):
        raise UsageError(f"{found.path}: a camera cannot be annotated afterwards: record it to a file and tag that")
    if path.suffix.lower() not in endings:
        article = "a picture" if found.kind == "image" else "a video"
        raise UsageError(f"{path}: {found.path} is {article}, so --annotate needs a name in {' or '.join(endings)}")


def _write_picture(found: SourceTags, source: Source, path: Path) -> None:
    frame = next(iter(source.frames(0)), None)
    if frame is None:
        raise MediaError(f"{found.path}: no picture in it to annotate")
    Image.fromarray(_annotated(found, frame)).save(path, quality=92)


def _write_video(found: SourceTags, source: Source, path: Path, name: Path) -> None:
    frames = source.frames(0)
    first = list(islice(frames, RATE_SAMPLE))
    if not first:
        raise MediaError(f"{found.path}: no frames in it to annotate")
    try:
        _encode(found, chain(first, frames), _rate(first), path)
    except av.FFmpegError as e:
        raise OutputError(f"{name}: the video cannot be written ({e.strerror}): nothing was left behind") from e


def _encode(found: SourceTags, frames: Iterator[Frame], rate: Fraction, path: Path) -> None:
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate, options=QUALITY)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = CLOCK
        last = -1
        for frame in progress(frames, "annotating", unit="frame"):
            image = _even(_annotated(found, frame))
            if last < 0:
                stream.height, stream.width = image.shape[:2]
            last = max(last + 1, round(frame.timestamp_s / CLOCK))
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = last, CLOCK
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _annotated(found: SourceTags, frame: Frame) -> ImageArray:
    """Draw on a frame; a very large picture may have been read at a smaller size than its boxes are given in."""
    scale = frame.image.shape[1] / found.resolution_wh[0]
    return draw_marks(frame.image, (_scaled(mark, scale) for mark in marks_at(found, frame.timestamp_s)))


def _scaled(mark: Mark, scale: float) -> Mark:
    x0, y0, x1, y1 = mark.xyxy
    return replace(mark, xyxy=(x0 * scale, y0 * scale, x1 * scale, y1 * scale))


def _rate(frames: list[Frame]) -> Fraction:
    """Return the frames per second of the first frames; each frame keeps its own time anyway."""
    span = frames[-1].timestamp_s - frames[0].timestamp_s
    if span <= 0:
        return Fraction(25)
    return Fraction((len(frames) - 1) / span).limit_denominator(1001)


def _even(image: ImageArray) -> ImageArray:
    """Repeat the last row and column where a side is odd, which H.264 with halved colour cannot hold."""
    height, width = image.shape[:2]
    if not (height % 2 or width % 2):
        return image
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
