"""Video files, and what a camera shares with them: a stream that is decoded frame by frame with flat memory.

Times are the stream's own presentation times from the start of the file. Every frame is decoded and counted, but only
the frames that `every_s` picks become pictures. What is damaged is left out, what was readable is yielded, and then
`partial` is set and `error` says so in a sentence. A file is read as what its content says, by a fixed list of
containers that can refer to nothing outside the file.

    >>> with open_video("clip.mp4") as source:
    ...     for frame in source.frames(every_s=0.5):
    ...         print(frame.timestamp_s, frame.image.shape)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import av
import av.error

from edge.errors import MediaError
from edge.media.content import content_id, first_bytes
from edge.media.frame import Frame, Glance, Hurry, no_hurry
from edge.media.sampling import Sampling
from edge.media.showing import Showing, small_grey

if TYPE_CHECKING:
    from av import Packet, VideoFrame, VideoStream
    from av.container import InputContainer

CONTAINERS = (
    "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,ivf,mjpeg,rm,dv,mxf,wav,mp3,aac,flac,ac3,amr"
)
"""Containers that are read (FFmpeg's names); no playlists, scripts or text. Sound files are there to be named."""

_DECLARES_DURATION = ("mov", "matroska", "avi", "flv", "asf")
_TELLS_TIMES = ("mov", "matroska", "mpegts")
"""Every frame has a time of its own there, so that it stays right if others are left out."""
_SKIPPED: dict[Hurry, Literal["DEFAULT", "NONREF", "NONKEY"]] = {
    "none": "DEFAULT",
    "unreferenced": "NONREF",
    "most": "NONKEY",
}
_FASTEST = 1000
"""Frames a second; a container that says more has no clock."""
_LIVE_WAIT_S = 0.005


class StreamSource:
    """An opened container of which one video stream is read; see `edge.media.frame.Source`.

    Made by `open_video` and `edge.media.cameras.open_camera`.
    """

    kind: Literal["image", "video"] = "video"

    def __init__(self, container: InputContainer, path: str, content_id: str, threads: int = 0, live: bool = False):
        """Decode the first frame, which tells how the stream is shown.

        Args:
            container: opened; closed by this source.
            path: what messages call it.
            content_id: see `edge.media.content.content_id`.
            threads: for decoding; 0 takes as many as there are cores.
            live: the frames come from a device, as they happen.

        Raises:
            MediaError: there is no video track, or no frame of it can be decoded.
        """
        self.path, self.content_id = path, content_id
        self.frames_decoded = 0
        self.partial = False
        self.error: str | None = None
        self.live = live
        self._container = container
        self._stream = _video_stream(container, path)
        self._stream.codec_context.thread_count = threads
        self._stream.codec_context.thread_type = "SLICE" if live else "AUTO"
        self._damaged = 0
        self._reached_s = 0.0
        self._last_stamp_s: float | None = None
        self._decoded = self._decode()
        self._first = next(self._decoded, None)
        if self._first is None:
            raise MediaError(
                f"{path}: no frame of its {self._stream.codec_context.name} video can be decoded: "
                "the file is damaged or cut; copy it again"
            )
        aspect = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        self._showing = Showing.of(self._first, aspect)
        self._start_s = self._start_of(self._first)
        self.resolution_wh: tuple[int, int] = self._showing.resolution_wh
        self.duration_s: float | None = None if live else self._declared_s()

    def frames(self, every_s: float) -> Iterator[Frame]:
        """Yield the first frame and then the first one at or after each further `every_s` seconds (0: all).

        Reads the stream once: a second call yields what the first has left.
        """
        for frame_index, timestamp_s, decoded in self._sampled(every_s, no_hurry):
            yield Frame(frame_index, timestamp_s, self._showing.picture(decoded))

    def glances(self, every_s: float, hurry: Callable[[], Hurry] = no_hurry) -> Iterator[Glance]:
        """Yield what `frames` would, without making pictures of it; may run in a thread of its own.

        Args:
            every_s: as of `frames`.
            hurry: asked before each frame: what may be left out while decoding. Then `frame_index` counts what was
                decoded. Containers whose times FFmpeg has to guess are always decoded whole.
        """
        for frame_index, timestamp_s, decoded in self._sampled(every_s, hurry):
            side, picture = self._showing.longer_side, partial(self._showing.picture, decoded)
            yield Glance(frame_index, timestamp_s, small_grey(decoded), side, picture)

    def _sampled(self, every_s: float, hurry: Callable[[], Hurry]) -> Iterator[tuple[int, float, VideoFrame]]:
        """Yield number, time and content of the frames that `every_s` picks; then say what was missing."""
        sampling, last_s = Sampling(every_s), 0.0
        tells_times = self._container.format.name.split(",")[0] in _TELLS_TIMES
        for frame_index, decoded in enumerate(self._from_first()):
            self.frames_decoded = frame_index + 1
            last_s = self._time_of(decoded, last_s, frame_index)
            if sampling.wants(last_s) and not decoded.is_corrupt:
                yield frame_index, last_s, decoded
            if tells_times:
                self._stream.codec_context.skip_frame = _SKIPPED[hurry()]
        self._conclude()

    def __enter__(self) -> StreamSource:
        return self

    def __exit__(self, *exc: object) -> None:
        self._first = None
        self._container.close()

    def _from_first(self) -> Iterator[VideoFrame]:
        first, self._first = self._first, None
        if first is not None:
            yield first
        yield from self._decoded

    def _decode(self) -> Iterator[VideoFrame]:
        """Yield every frame that can be decoded; count the places that cannot, once a first frame was found."""
        any_frame = False
        for packet in self._packets():
            self._reached_s = max(self._reached_s, _end_of(packet))
            if packet.stream is not self._stream:
                continue
            try:
                frames: list[VideoFrame] = packet.decode()
            except av.error.FFmpegError:
                self._damaged += any_frame
                continue
            for frame in frames:
                self._damaged += any_frame and frame.is_corrupt
                any_frame = True
                yield frame

    def _packets(self) -> Iterator[Packet[Any]]:
        """Yield the packets of all tracks (of a camera: of the video) until the end or an error that stays."""
        wanted = [self._stream] if self.live else []
        packets = self._container.demux(*wanted)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except av.error.BlockingIOError:  # a camera that has no new frame yet
                time.sleep(_LIVE_WAIT_S)
                packets = self._container.demux(*wanted)
            except av.error.FFmpegError as e:
                self._stop(f"{self.path}: reading stopped ({e.strerror}): what came before was used")
                return

    def _time_of(self, frame: VideoFrame, last_s: float, frame_index: int) -> float:
        """Return the frame's time; without one, or where time runs backwards or stands still, a step after the last."""
        stamp_s, before_s = self._stamp_s(frame), self._last_stamp_s
        self._last_stamp_s = stamp_s
        if stamp_s is not None and stamp_s != before_s and stamp_s - self._start_s >= last_s:
            return stamp_s - self._start_s
        return last_s + self._step_s() if frame_index else 0.0

    def _stamp_s(self, frame: VideoFrame) -> float | None:
        """Return what the container's clock says of a frame, in seconds.

        AVI stores no presentation times, and FFmpeg guesses them wrongly where B frames are reordered; there the
        decoding times, which are steady in the order of showing, are right.
        """
        ticks = frame.dts if self._container.format.name == "avi" else frame.pts
        return None if ticks is None or frame.time_base is None else float(ticks * frame.time_base)

    def _step_s(self) -> float:
        rates = (float(rate) for rate in (self._stream.average_rate, self._stream.guessed_rate) if rate)
        return 1 / next((rate for rate in rates if rate <= _FASTEST), 25.0)

    def _start_of(self, first: VideoFrame) -> float:
        """Return where the player's clock starts: with the container's earliest track, so that sound stays in step."""
        first_s = self._stamp_s(first) or 0.0
        start = self._container.start_time
        if self.live or start is None or self._container.format.name == "avi":
            return first_s
        start_s = start / av.time_base
        return first_s if abs(first_s - start_s) < 1e-3 else min(start_s, first_s)

    def _declared_s(self) -> float | None:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return self._container.duration / av.time_base if self._container.duration else None

    def _conclude(self) -> None:
        """Say what was missing, once the end is reached."""
        declared = self._container.duration
        name = self._container.format.name.split(",")[0]
        if declared and not self.live and name in _DECLARES_DURATION:
            declared_s, reached_s = declared / av.time_base, self._reached_s - self._start_s
            if declared_s - reached_s > max(0.5, 2 * self._step_s(), 0.01 * declared_s):
                self._stop(
                    f"{self.path}: ends after {reached_s:.1f} s of the {declared_s:.1f} s that it declares, so it is "
                    "cut or damaged: what could be read was used"
                )
        if self._damaged:
            places = "1 damaged place was" if self._damaged == 1 else f"{self._damaged} damaged places were"
            self._stop(f"{self.path}: {places} left out: what could be read was used")

    def _stop(self, sentence: str) -> None:
        self.partial = True
        self.error = self.error or sentence


def open_video(path: str, threads: int = 0) -> StreamSource:
    """Open a video file.

    Args:
        path: of the file.
        threads: for decoding; 0 takes as many as there are cores.

    Raises:
        MediaError: missing, empty, not a video, without a video track, or damaged from the start.
    """
    first_bytes(Path(path))
    try:
        container = av.open(
            f"file:{path}",
            options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
            metadata_errors="ignore",
        )
    except (av.error.FFmpegError, ValueError) as e:
        raise MediaError(
            f"{path}: is no picture or video that can be read, or it is cut or damaged at the start "
            f"({getattr(e, 'strerror', None) or e}): check the file"
        ) from e
    try:
        return StreamSource(container, path, content_id(Path(path)), threads)
    except BaseException:
        container.close()
        raise


def _video_stream(container: InputContainer, path: str) -> VideoStream:
    """Return the first video track that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise MediaError(f"{path}: its video track is of a codec that cannot be decoded: convert it to H.264")
            return stream
    kinds = sorted({str(stream.type) for stream in container.streams}) or ["nothing"]
    raise MediaError(f"{path}: has no video track (found {', '.join(kinds)}): give a file with pictures in it")


def _end_of(packet: Packet[Any]) -> float:
    """Return the time at which a packet's content ends, in seconds of the container's clock; 0 if it has none."""
    if packet.pts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
