"""What the pipeline needs of any source of pictures: frames with times, and how reading went."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeGuard

import numpy as np
import numpy.typing as npt

from edge.preprocessing import ImageArray


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes:
        frame_index: number of the frame in the source, from 0 (0 for a still picture).
        timestamp_s: seconds from the start of the source, from the stream's own clock.
        image: (H, W, 3) uint8 RGB as it is shown (rotation and EXIF orientation applied). A very large picture is
            read at a reduced size: the source's `resolution_wh` divided by the size of `image` leads back.
    """

    frame_index: int
    timestamp_s: float
    image: ImageArray


Hurry = Literal["none", "unreferenced", "most"]
"""What decoding leaves out: nothing, frames that no other one builds on, or all but key frames."""


def no_hurry() -> Hurry:
    """Leave out nothing."""
    return "none"


@dataclass(frozen=True)
class Glance:
    """A frame of which little is known before it is asked for.

    Attributes:
        frame_index: as of a `Frame`.
        timestamp_s: likewise.
        grey: the whole frame in small, uint8 (h, w), at most 64 cells a side.
        longer_side: pixels of the longer side of its image.
        picture: makes the frame's image, as of a `Frame`; a number says how many pixels suffice for its longer side.
    """

    frame_index: int
    timestamp_s: float
    grey: npt.NDArray[np.uint8]
    longer_side: int
    picture: Callable[[int | None], ImageArray]


class Source(Protocol):
    """A picture, a video or a camera that has been opened; a context manager that closes it.

    While `frames` is read, `frames_decoded` counts, and `partial` and `error` say that reading ended early
    or that something was missing (a file cut or damaged in the middle): what was readable has been yielded, and no
    exception is raised for the rest. `frames` can be read once.
    """

    path: str
    kind: Literal["image", "video"]
    resolution_wh: tuple[int, int]
    duration_s: float | None
    content_id: str
    frames_decoded: int
    partial: bool
    error: str | None

    def frames(self, every_s: float) -> Iterator[Frame]:
        """Yield the first frame and then the first one at or after each further `every_s` seconds (0: all)."""

    def __enter__(self) -> Source: ...

    def __exit__(self, *exc: object) -> None: ...


class Stream(Source, Protocol):
    """A video or a camera.

    Attributes:
        live: whether the frames come as they happen, and are lost if nobody takes them.
    """

    live: bool

    def glances(self, every_s: float, hurry: Callable[[], Hurry] = no_hurry) -> Iterator[Glance]:
        """Yield what `frames` would, without making pictures of it.

        Args:
            every_s: as of `frames`.
            hurry: asked before each frame: what may be left out while decoding.
        """


def is_stream(source: Source) -> TypeGuard[Stream]:
    """Return whether a source has more than one frame to give."""
    return source.kind == "video"
