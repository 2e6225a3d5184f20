"""A short clip of which everything is known: who is seen, when, and where in each frame.

A ``ClipScript`` is data: actors with key poses, and arms that pass in front. A
frame is a pure function of script and frame index, so truth and pixels cannot
drift apart; ``write_clip`` encodes the frames and returns the truth.

Example:
    >>> from export.render.products import demo_products, unlisted_products
    >>> from export.render.demo_script import demo_script
    >>> script = demo_script(demo_products(40), unlisted_products(1), seed=0)
    >>> frame = render_frame(script, 50)
    >>> frame.image.shape
    (360, 640, 3)
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from export.render.background import paste, table
from export.render.camera import Pose
from export.render.hand import holding_hand, passing_arm
from export.render.packshot import render_pose
from export.render.products import Product

_log = logging.getLogger(__name__)

LEAST_VISIBLE = 0.25
_PAN_MARGIN = 24


@dataclass(frozen=True)
class Key:
    """Where an actor is at a time: centre (shares of width and height), longer side (share of height), angles."""

    timestamp_s: float
    x: float
    y: float
    size: float
    yaw: float = 0.0
    pitch: float = 0.08
    roll: float = 0.0


@dataclass(frozen=True)
class Actor:
    """A product that moves along its keys; ``listed`` is false for the one that no catalogue knows."""

    product: Product
    keys: tuple[Key, ...]
    listed: bool = True
    held: bool = True


@dataclass(frozen=True)
class Arm:
    """An arm that passes in front of everything from ``start_s`` to ``end_s``, from x to x (shares of the width)."""

    start_s: float
    end_s: float
    from_x: float
    to_x: float
    y: float = 0.45


@dataclass(frozen=True)
class ClipScript:
    """A whole clip as data; later actors are nearer to the camera."""

    actors: tuple[Actor, ...]
    arms: tuple[Arm, ...]
    resolution_wh: tuple[int, int] = (640, 360)
    fps: int = 25
    duration_s: float = 10.0
    seed: int = 0

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return round(self.duration_s * self.fps)


@dataclass(frozen=True)
class Sight:
    """One actor in one frame: ``xyxy`` in pixels inside the frame, ``mask`` (H, W) uint8 of what is seen of it."""

    actor: int
    xyxy: tuple[float, float, float, float]
    visibility: float
    mask: NDArray[np.uint8]


@dataclass(frozen=True)
class Frame:
    """One frame: (H, W, 3) uint8 RGB and what is seen in it (visibility of at least ``LEAST_VISIBLE``)."""

    image: NDArray[np.uint8]
    sights: tuple[Sight, ...]


@dataclass(frozen=True)
class Appearance:
    """The time that one actor is seen, and its box in each of these frames."""

    product_id: str | None
    title: str
    start_s: float
    end_s: float
    timestamp_s: tuple[float, ...]
    xyxy: tuple[tuple[float, float, float, float], ...]
    visibility: tuple[float, ...]


@dataclass(frozen=True)
class ClipTruth:
    """What a clip shows; ``product_id`` is None for what no catalogue lists."""

    path: Path
    codec: str
    resolution_wh: tuple[int, int]
    fps: int
    duration_s: float
    appearances: tuple[Appearance, ...]

    def document(self) -> dict[str, Any]:
        """Return the truth as plain JSON values; boxes rounded to a tenth of a pixel."""
        return {
            "schema": 1,
            "path": self.path.name,
            "codec": self.codec,
            "resolution_wh": list(self.resolution_wh),
            "fps": self.fps,
            "duration_s": self.duration_s,
            "appearances": [_appearance_document(appearance) for appearance in self.appearances],
        }


def _appearance_document(appearance: Appearance) -> dict[str, Any]:
    rows = zip(appearance.timestamp_s, appearance.xyxy, appearance.visibility, strict=True)
    return {
        "product_id": appearance.product_id,
        "title": appearance.title,
        "start_s": appearance.start_s,
        "end_s": appearance.end_s,
        "boxes": [
            {"timestamp_s": time, "xyxy": [round(edge, 1) for edge in box], "visibility": round(seen, 3)}
            for time, box, seen in rows
        ],
    }


def interpolate(keys: tuple[Key, ...], timestamp_s: float) -> Key | None:
    """Return the pose at a time, eased between keys, or None before the first and after the last."""
    if not keys or not keys[0].timestamp_s <= timestamp_s <= keys[-1].timestamp_s:
        return None
    for before, after in zip(keys[:-1], keys[1:], strict=True):
        if timestamp_s <= after.timestamp_s:
            share = (timestamp_s - before.timestamp_s) / (after.timestamp_s - before.timestamp_s)
            eased = share * share * (3 - 2 * share)
            values = (
                getattr(before, name) + eased * (getattr(after, name) - getattr(before, name))
                for name in ("x", "y", "size", "yaw", "pitch", "roll")
            )
            return Key(timestamp_s, *values)
    return replace(keys[-1], timestamp_s=timestamp_s)


@lru_cache(maxsize=4)
def _room(resolution_wh: tuple[int, int], seed: int) -> NDArray[np.uint8]:
    """Return the place, a little larger than the frame so that the camera can drift."""
    width, height = resolution_wh
    rng = np.random.default_rng([seed, 11])
    picture = table((width + 2 * _PAN_MARGIN, height + 2 * _PAN_MARGIN), rng)
    blurred: NDArray[np.uint8] = cv2.GaussianBlur(picture, (0, 0), 2.0)
    blurred.setflags(write=False)
    return blurred


def _view(script: ClipScript, timestamp_s: float) -> NDArray[np.uint8]:
    """Return the empty place as the drifting camera sees it."""
    width, height = script.resolution_wh
    left = _PAN_MARGIN * (1 + 0.9 * np.sin(0.6 * timestamp_s))
    top = _PAN_MARGIN * (1 + 0.7 * np.sin(0.9 * timestamp_s + 1))
    matrix = np.array([[1, 0, -left], [0, 1, -top]], np.float64)
    view: NDArray[np.uint8] = cv2.warpAffine(_room(script.resolution_wh, script.seed), matrix, (width, height))
    return view


def render_frame(script: ClipScript, frame_index: int) -> Frame:
    """Render one frame and its truth.

    Args:
        script: The clip.
        frame_index: Counted from 0; its time is ``frame_index / fps``.

    Returns:
        The frame; equal arguments give equal pixels.
    """
    timestamp_s = frame_index / script.fps
    image = _view(script, timestamp_s)
    sights: list[Sight] = []
    for index, actor in enumerate(script.actors):
        key = interpolate(actor.keys, timestamp_s)
        if key is not None:
            _act(image, script, index, key, sights)
    for arm in script.arms:
        _reach(image, script, arm, timestamp_s, sights)
    rng = np.random.default_rng([script.seed, 13, frame_index])
    gain = np.float32(1 + 0.04 * np.sin(1.7 * timestamp_s))
    grain = rng.standard_normal(image.shape[:2], dtype=np.float32)[..., None] * np.float32(2.2)
    lit = np.clip(image * gain + grain, 0, 255).astype(np.uint8)
    return Frame(lit, tuple(sight for sight in sights if sight.visibility >= LEAST_VISIBLE))


def _act(image: NDArray[np.uint8], script: ClipScript, index: int, key: Key, sights: list[Sight]) -> None:
    """Paint one actor over the frame and cut what it covers from the sights below."""
    width, height = script.resolution_wh
    actor = script.actors[index]
    pose = Pose(key.yaw, key.pitch, key.roll, 4.5)
    cutout = render_pose(actor.product, pose, max(8, round(key.size * height)))
    tall, wide = cutout.shape[:2]
    left, top = round(key.x * width - wide / 2), round(key.y * height - tall / 2)
    box = (float(left), float(top), float(left + wide), float(top + tall))
    covers: list[NDArray[np.uint8]] = []
    if actor.held:
        behind, front = holding_hand(box, script.resolution_wh, np.random.default_rng([script.seed, 12, index]))
        covers.append(paste(image, behind, 0, 0))
    own = paste(image, cutout, left, top)
    covers.append(own)
    if actor.held:
        fingers = paste(image, front, 0, 0)
        covers.append(fingers)
        own = cv2.subtract(own, fingers)
    _cover(sights, covers)
    area = max(float(np.count_nonzero(cutout[..., 3] > 127)), 1.0)
    x0, y0, x1, y1 = (float(v) for v in np.clip(box, 0, (width, height, width, height)))
    sights.append(Sight(index, (x0, y0, x1, y1), float(np.count_nonzero(own > 127)) / area, own))


def _reach(
    image: NDArray[np.uint8], script: ClipScript, arm: Arm, timestamp_s: float, sights: list[Sight]
) -> None:
    if not arm.start_s <= timestamp_s <= arm.end_s:
        return
    share = (timestamp_s - arm.start_s) / (arm.end_s - arm.start_s)
    width, height = script.resolution_wh
    lift = arm.y + (1.3 - arm.y) * (2 * share - 1) ** 4
    tip = ((arm.from_x + share * (arm.to_x - arm.from_x)) * width, lift * height)
    layer = passing_arm(script.resolution_wh, tip, 0.16 * height, (224, 176, 144))
    _cover(sights, [paste(image, layer, 0, 0)])


def _cover(sights: list[Sight], covers: Sequence[NDArray[np.uint8]]) -> None:
    """Take what is covered from the sights, in place of the list."""
    for row, sight in enumerate(sights):
        mask = sight.mask
        before = max(np.count_nonzero(mask > 127), 1)
        for cover in covers:
            mask = cv2.subtract(mask, cover)
        share = np.count_nonzero(mask > 127) / before
        sights[row] = replace(sight, mask=mask, visibility=sight.visibility * share)


def write_clip(script: ClipScript, path: Path) -> ClipTruth:
    """Render and encode a clip.

    Args:
        script: What happens.
        path: An ``.mp4`` file to write; H.264 where this PyAV can encode it, otherwise MPEG-4 part 2.

    Returns:
        The truth, measured on the very frames that were encoded.
    """
    codec = _best_codec()
    seen: dict[int, list[tuple[float, Sight]]] = {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(script.fps))
        stream.width, stream.height = script.resolution_wh
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"crf": "20", "preset": "veryfast", "g": "50"}
        else:
            stream.bit_rate = 4_000_000
        for frame_index in range(script.frame_count):
            frame = render_frame(script, frame_index)
            for sight in frame.sights:
                seen.setdefault(sight.actor, []).append((frame_index / script.fps, sight))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.image, format="rgb24")))
        container.mux(stream.encode(None))
    appearances = tuple(_appearance(script.actors[actor], rows) for actor, rows in sorted(seen.items()))
    return ClipTruth(path, codec, script.resolution_wh, script.fps, script.duration_s, appearances)


def _best_codec() -> str:
    if "libx264" in av.codecs_available:
        return "libx264"
    _log.warning("This PyAV has no H.264 encoder (libx264): the clip is written as MPEG-4 part 2 and is larger.")
    return "mpeg4"


def _appearance(actor: Actor, rows: list[tuple[float, Sight]]) -> Appearance:
    return Appearance(
        product_id=actor.product.product_id if actor.listed else None,
        title=actor.product.title,
        start_s=rows[0][0],
        end_s=rows[-1][0],
        timestamp_s=tuple(time for time, _ in rows),
        xyxy=tuple(sight.xyxy for _, sight in rows),
        visibility=tuple(sight.visibility for _, sight in rows),
    )
