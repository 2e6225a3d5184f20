"""What happens in a clip, as data: shots, products that move along keys, things that pass in front.

Places are shares of the frame's width and height as the camera sees them at rest; times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from tests.bench.video_clips.designs import Product

Side = Literal["left", "right", "below"]


@dataclass(frozen=True)
class Key:
    """A product at a time: its middle, its upright height as a share of the frame's, its turn and tilt in radians."""

    time_s: float
    x: float
    y: float
    size: float
    yaw: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class Actor:
    """A product on its way; `held` is the side from which a hand holds it; unlisted ones are in no catalogue."""

    product: Product
    keys: tuple[Key, ...]
    held: Side | None = None
    listed: bool = True
    pitch: float = 0.12


@dataclass(frozen=True)
class Cover:
    """A sleeve or a board that passes in front of everything."""

    start_s: float
    end_s: float
    kind: Literal["sleeve", "board"]
    from_xy: tuple[float, float]
    to_xy: tuple[float, float]
    size: float = 0.3


@dataclass(frozen=True)
class Camera:
    """How the camera moves.

    Attributes:
        sway: slow movement, a share of the height.
        shake: quick movement, a share of the height.
        path: (time, x, y, zoom): where it looks, from the first to the last key; empty stays at (0, 0, 1).
    """

    sway: float = 0.01
    shake: float = 0.002
    path: tuple[tuple[float, float, float, float], ...] = ()


@dataclass(frozen=True)
class Shot:
    """What is seen from a time on until the next shot: a place and a camera."""

    start_s: float
    place: int
    camera: Camera = Camera()


@dataclass(frozen=True)
class Look:
    """How it is filmed.

    Attributes:
        light: brightness, 1 for a well-lit room.
        tint: the lamps' colour, a factor for each of red, green and blue.
        noise: of the sensor, standard deviation in grey levels.
        crf: how hard the encoder presses; 18 shows nothing, 35 shows blocks.
        unrest: factor for everything that the camera does by itself.
    """

    light: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    noise: float = 2.5
    crf: int = 25
    unrest: float = 1.0


@dataclass(frozen=True)
class Script:
    """A whole clip; later actors are nearer to the camera."""

    name: str
    shots: tuple[Shot, ...]
    actors: tuple[Actor, ...]
    covers: tuple[Cover, ...]
    duration_s: float
    seed: int
    fps: int = 25
    resolution_wh: tuple[int, int] = (640, 360)
    look: Look = Look()

    @property
    def frame_count(self) -> int:
        """Number of frames."""
        return round(self.duration_s * self.fps)

    def shot_at(self, time_s: float) -> int:
        """Return the index of the shot that is running."""
        return max(index for index, shot in enumerate(self.shots) if shot.start_s <= time_s + 1e-9)


def pose_at(keys: tuple[Key, ...], time_s: float) -> Key | None:
    """Return where a product is, eased between its keys; None before the first key and after the last."""
    if not keys or not keys[0].time_s <= time_s <= keys[-1].time_s:
        return None
    for before, after in pairwise(keys):
        if time_s <= after.time_s:
            share = (time_s - before.time_s) / (after.time_s - before.time_s)
            eased = 0.5 - 0.5 * np.cos(np.pi * share)
            names = ("x", "y", "size", "yaw", "roll")
            ends = [(getattr(before, name), getattr(after, name)) for name in names]
            return Key(time_s, *(float(a + eased * (b - a)) for a, b in ends))
    return replace(keys[-1], time_s=time_s)
