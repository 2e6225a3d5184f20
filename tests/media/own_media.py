"""Small media made on the spot: every picture and video that these tests read, except the real clips."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (200, 30, 30), (30, 160, 60), (40, 40, 190), (245, 245, 245)


def corners(width: int = 64, height: int = 48) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a picture whose corners tell how it was turned: red, green / blue, white."""
    image = np.empty((height, width, 3), np.uint8)
    image[: height // 2, : width // 2], image[: height // 2, width // 2 :] = RED, GREEN
    image[height // 2 :, : width // 2], image[height // 2 :, width // 2 :] = BLUE, WHITE
    return image


def noise(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def encoded(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def write_video(
    path: Path,
    images: Sequence[np.ndarray[Any, Any]],
    *,
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 30),
    codec: str = "libx264",
    container_options: dict[str, str] | None = None,
    pixel_aspect: Fraction | None = None,
    colorspace: str = "ITU601",
    key_frame_every: int = 12,
) -> Path:
    """Write a clip of 4:2:0 frames; `pts` in `time_base` (default: one each)."""
    height, width = images[0].shape[:2]
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = time_base
        stream.codec_context.gop_size = key_frame_every
        if colorspace == "ITU709":
            stream.codec_context.colorspace = 1  # what ITU-T H.273 calls it
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        for number, image in enumerate(images):
            rgb = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = rgb.reformat(format="yuv420p", src_colorspace="ITU601", dst_colorspace=colorspace)
            frame.pts, frame.time_base = number if pts is None else pts[number], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, cover: bytes | None = None) -> Path:
    """Write half a second of silence, in the container that the suffix says."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le" if path.suffix == ".wav" else "aac", rate=8000)
        stream.layout = "mono"
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
        silence.sample_rate, silence.pts = 8000, 0
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=8000, frame_size=stream.frame_size or None
        )
        for frame in resampler.resample(silence):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def with_display_matrix(video: Path, a: int, b: int, c: int, d: int) -> Path:
    """Write the matrix into the mp4's track header (ISO/IEC 14496-12, 8.3.2), as phones do."""
    content = bytearray(video.read_bytes())
    matrix_at = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[matrix_at : matrix_at + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30)
    video.write_bytes(content)
    return video


def peak_mib() -> float:
    """Return this process's own peak memory in MiB; ru_maxrss would count that of the parent before exec."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024
