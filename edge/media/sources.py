"""The way in: what a user names on the command line becomes sources of frames.

    >>> for path in expand_inputs(["photos/", "clip.mp4", "camera:0"]):
    ...     with open_source(path) as source:
    ...         for frame in source.frames(every_s=0.5): ...

Content decides what a file is, not its name; only inside a folder does the suffix tell which files are meant. An
animated GIF is a picture (its first one). PyAV is loaded only when a video or a camera is opened.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edge.errors import MediaError
from edge.media.content import CAMERA_PREFIX, first_bytes, picture_format, unread_picture_format
from edge.media.frame import Source
from edge.media.pictures import PictureSource

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".3gp", ".wmv", ".flv"}
)


def open_source(path: str, threads: int = 0) -> Source:
    """Open a picture, a video file or a camera.

    Args:
        path: a file; or `camera:0`, or a bare index where no file has that name.
        threads: for decoding a video; 0 takes as many as there are cores.

    Raises:
        MediaError: it cannot be used; the message says why, in one sentence.
    """
    if camera := camera_name(path):
        from edge.media.cameras import open_camera

        return open_camera(camera)
    head = first_bytes(Path(path))
    if picture_format(head) or unread_picture_format(head) or Path(path).suffix.lower() in PICTURE_SUFFIXES:
        return PictureSource(path)
    from edge.media.videos import open_video

    return open_video(path, threads)


def expand_inputs(paths: Sequence[str]) -> list[str]:
    """Return the inputs of a call one by one, each once, in the order given.

    A folder stands for the pictures and videos in it and in its subfolders, by suffix, sorted by path; what is hidden
    (a name that starts with a dot) is left out, and links to folders are not followed. Any other path is returned as
    it is, whether it exists or not: opening it says what is wrong. A bare camera index becomes `camera:INDEX`.

    Raises:
        MediaError: a folder holds no picture and no video, or cannot be listed.
    """
    expanded: list[str] = []
    for path in paths:
        if Path(path).is_dir():
            expanded += _media_in(path)
        else:
            expanded.append(camera_name(path) or path)
    return list(dict.fromkeys(expanded))


def camera_name(path: str) -> str | None:
    """Return `camera:NAME` if the input is a camera, None if it is a file; an existing file called `0` is a file."""
    if path.startswith(CAMERA_PREFIX):
        return path
    return f"{CAMERA_PREFIX}{path}" if path.isdecimal() and path.isascii() and not Path(path).exists() else None


def _media_in(folder: str) -> list[str]:
    found: list[str] = []
    for parent, folders, names in os.walk(folder, onerror=_refuse_unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            str(Path(parent, name))
            for name in names
            if not name.startswith(".") and Path(name).suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES
        ]
    if not found:
        raise MediaError(f"{folder}: this folder holds no pictures and no videos: name another folder or a file")
    return sorted(found)


def _refuse_unlisted(e: OSError) -> None:
    raise MediaError(f"{e.filename}: this folder cannot be listed ({e.strerror}): check the permissions") from e
