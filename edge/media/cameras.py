"""Live cameras: `camera:0` (or a bare index) through the platform's own capture interface, by PyAV.

A camera is a stream without an end: times count from its first frame, `duration_s` is None, and its `content_id` is
new each time that it is opened, because no two sessions show the same.

    >>> with open_camera("camera:0") as source:
    ...     for frame in source.frames(every_s=0.5):      # until the caller stops
    ...         print(frame.timestamp_s)
"""

from __future__ import annotations

import hashlib
import sys
import time
from dataclasses import dataclass

import av
import av.error

from edge.errors import MediaError
from edge.media.content import CAMERA_PREFIX
from edge.media.videos import StreamSource

TIMEOUT_S = 10.0
"""A camera that gives no frame for so long is given up."""


@dataclass(frozen=True)
class Device:
    """How FFmpeg opens a capture device: the name of its input format, and what the format calls the device."""

    format: str
    name: str


def platform_device(camera: str, platform: str = sys.platform) -> Device:
    """Return the capture device of a camera.

    Args:
        camera: an index from 0, or a name as the platform knows it (`/dev/video2`, `USB Camera`).
        platform: as in `sys.platform`.

    Raises:
        MediaError: the platform has no known capture interface, or (on Windows) no camera of this index.
    """
    if platform.startswith("linux"):
        return Device("v4l2", f"/dev/video{camera}" if camera.isdecimal() else camera)
    if platform == "darwin":
        return Device("avfoundation", f"{camera}:none")
    if platform == "win32":
        return Device("dshow", f"video={_windows_name(int(camera)) if camera.isdecimal() else camera}")
    raise MediaError(f"camera:{camera}: cameras are not known on {platform}: record a video and give its file")


def open_camera(path: str, device: Device | None = None) -> StreamSource:
    """Open a camera.

    Args:
        path: `camera:INDEX` or `camera:NAME`.
        device: the capture device; None finds it by the platform.

    Raises:
        MediaError: there is no such camera, it is busy, or access to it is not allowed.
    """
    camera = path.removeprefix(CAMERA_PREFIX)
    if not camera:
        raise MediaError(f"{path}: names no camera: give its index, as in camera:0")
    device = device or platform_device(camera)
    try:
        container = av.open(device.name, format=device.format, timeout=TIMEOUT_S)
    except (av.error.FFmpegError, ValueError) as e:
        raise MediaError(f"{path}: {_what_is_wrong(e)} ({device.format} {device.name})") from e
    session = hashlib.sha256(f"{path}\n{time.time_ns()}".encode()).hexdigest()
    try:
        return StreamSource(container, path, session, threads=1, live=True)
    except BaseException:
        container.close()
        raise


def _what_is_wrong(e: Exception) -> str:
    if isinstance(e, av.error.FileNotFoundError):
        return "there is no such camera: connect it, or give another index"
    if isinstance(e, av.error.PermissionError):
        return "access to the camera is not allowed: allow it for this user (on Linux: the group video)"
    reason = getattr(e, "strerror", None) or e
    return f"the camera cannot be opened, {reason}: close other programs that use it, or give another index"


def _windows_name(index: int) -> str:
    """Return the name of the index-th camera, which DirectShow knows only by name."""
    from av.device import enumerate_input_devices

    cameras = [device for device in enumerate_input_devices("dshow") if "video" in device.media_types]
    if index >= len(cameras):
        raise MediaError(f"camera:{index}: there is no such camera ({len(cameras)} found): connect it")
    return str(cameras[index].description or cameras[index].name)
