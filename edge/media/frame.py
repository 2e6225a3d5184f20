"""What the pipeline needs of any source of pictures: frames with times, and how reading went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

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
