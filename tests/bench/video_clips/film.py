"""From a script to pixels and truth: every frame is a function of the script and the frame's number.

>>> film = write_film(script, Path("clip.mp4"))       # H.264 by PyAV; returns the truth
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import cast

import av
import cv2
import numpy as np
import numpy.typing as npt
from av import VideoStream

from edge.preprocessing import ImageArray
from edge.tags import Box
from export.evaluation.appearances import Appearance, ClipTruth, appearances_of
from tests.bench.video_clips.bodies import Pose, cutout
from tests.bench.video_clips.covers import Arm, Mask, paint_cover
from tests.bench.video_clips.designs import Design
from tests.bench.video_clips.places import place
from tests.bench.video_clips.script import Actor, Camera, Script, Shot, pose_at

LEAST_SEEN = 0.25
"""A product counts as shown while at least this share of its outline is in the picture and uncovered."""
SAME_APPEARANCE_S = 2.0
"""Hidden for less than this it is the same appearance, as a person would say."""
ROOM = 1.5
"""Places are drawn larger than the frame by this, so that the camera can move."""
YAW_STEP = 0.025
SHUTTER = 0.5

Matrix = npt.NDArray[np.float64]


@dataclass
class Sight:
    """One actor in one frame: its box inside the frame, the pixels seen of it, and its whole outline's area."""

    actor: int
    xyxy: Box
    seen: Mask
    outline: float

    @property
    def visibility(self) -> float:
        """Share of the outline that is in the picture and uncovered, 0..1."""
        return min(1.0, float(np.count_nonzero(self.seen) / max(self.outline, 1.0)))


def render(script: Script, frame_index: int) -> tuple[ImageArray, list[Sight]]:
    """Render one frame, counted from 0, and what is seen in it."""
    time_s = frame_index / script.fps
    shot = script.shots[script.shot_at(time_s)]
    view, later = (_view(shot.camera, script, time_s + dt) for dt in (0.0, SHUTTER / script.fps))
    image = _backdrop(shot, script, view, later)
    sights: list[Sight] = []
    for index, actor in enumerate(script.actors):
        _act(image, script, index, actor, time_s, (view, later), sights)
    for cover in script.covers:
        if cover.start_s <= time_s <= cover.end_s:
            _uncover(sights, paint_cover(image, script, cover, time_s))
    return _developed(image, script, frame_index), [one for one in sights if one.visibility >= LEAST_SEEN]


def write_film(script: Script, path: Path) -> ClipTruth:
    """Render and encode a clip and return what it shows, measured on the frames that were encoded."""
    rows: dict[int, list[tuple[float, Box, float]]] = {}
    with av.open(str(path), "w", format="mp4") as container:
        stream = cast(VideoStream, container.add_stream("libx264", rate=Fraction(script.fps)))
        stream.width, stream.height = script.resolution_wh
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(script.look.crf), "preset": "veryfast", "g": str(2 * script.fps)}
        for frame_index in range(script.frame_count):
            image, sights = render(script, frame_index)
            for sight in sights:
                rows.setdefault(sight.actor, []).append((frame_index / script.fps, sight.xyxy, sight.visibility))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    shown: list[Appearance] = []
    for index, actor in enumerate(script.actors):
        product_id = actor.product.product_id if actor.listed else None
        shown += appearances_of(product_id, actor.product.title, rows.get(index, ()), SAME_APPEARANCE_S)
    return ClipTruth(path.name, script.duration_s, tuple(sorted(shown, key=lambda one: one.start_s)))


def _view(camera: Camera, script: Script, time_s: float) -> Matrix:
    """Return (2, 3): from pixels at rest to pixels as the camera stands at a time."""
    wide, tall = script.resolution_wh
    phase = np.random.default_rng([script.seed, 801]).uniform(0, 2 * np.pi, 8)
    slow = np.sin(np.array([0.7, 0.9, 0.5]) * time_s + phase[:3]) * camera.sway * script.look.unrest
    quick = np.sin(np.array([9.1, 11.3, 7.7, 17.9]) * time_s + phase[3:7]) * camera.shake * script.look.unrest
    x, y, zoom = 0.0, 0.0, 1.0
    if camera.path:
        times, *columns = np.array(camera.path).T
        x, y, zoom = (float(np.interp(time_s, times, column)) for column in columns)
    angle = 0.6 * slow[2] + quick[3]
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    middle = np.array([wide / 2, tall / 2])
    shift = np.array([slow[0] + quick[0], slow[1] + quick[1]]) * tall - np.array([x * wide, y * tall])
    turn = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([turn, middle + turn @ (shift - middle)])


def _backdrop(shot: Shot, script: Script, view: Matrix, later: Matrix) -> ImageArray:
    wide, tall = script.resolution_wh
    room = place(shot.place, (round(wide * ROOM), round(tall * ROOM)))
    margin = np.array([wide, tall]) * (ROOM - 1) / 2
    matrix = view.copy()
    matrix[:, 2] -= view[:, :2] @ margin
    image = cv2.warpAffine(room, matrix, (wide, tall), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    middle = np.array([wide / 2, tall / 2, 1])
    return cast(ImageArray, _smeared(image, (later - view) @ middle))


def _act(
    image: ImageArray,
    script: Script,
    index: int,
    actor: Actor,
    time_s: float,
    views: tuple[Matrix, Matrix],
    sights: list[Sight],
) -> None:
    """Paint one actor, with the hand that holds it, and take what they cover from those behind."""
    key, next_key = pose_at(actor.keys, time_s), pose_at(actor.keys, time_s + SHUTTER / script.fps)
    if key is None:
        return
    size = np.array(script.resolution_wh)
    centre = views[0] @ np.array([*(np.array([key.x, key.y]) * size), 1])
    after = views[1] @ np.array([*(np.array([(next_key or key).x, (next_key or key).y]) * size), 1])
    zoom = float(np.hypot(views[0][0, 0], views[0][1, 0]))
    turned = key.roll - float(np.arctan2(views[0][1, 0], views[0][0, 0]))
    height = key.size * size[1] * zoom
    yaw = round(key.yaw / YAW_STEP) * YAW_STEP
    sprite = _sprite(actor.product.design, yaw, actor.pitch, _level(height))
    arm = Arm.of(script, actor.held, centre, height, sprite.shape[1] / sprite.shape[0]) if actor.held else None
    if arm:
        _uncover(sights, arm.behind(image))
    own, outline = _lay(image, sprite, centre, height / _level(height), turned, after - centre)
    _uncover(sights, own)
    if own.any():
        x0, y0, w, h = cv2.boundingRect(own)
        sights.append(Sight(index, (float(x0), float(y0), float(x0 + w), float(y0 + h)), own, outline))
    if arm:
        _uncover(sights, arm.front(image))


def _level(height: float) -> int:
    """Return the height, on a coarse scale, at which a product is drawn before it is fitted into the frame."""
    return max(24, round(24 * 1.15 ** np.ceil(np.log(max(height, 24) / 24) / np.log(1.15))))


@lru_cache(maxsize=512)
def _sprite(design: Design, yaw: float, pitch: float, height: int) -> npt.NDArray[np.uint8]:
    return cutout(design, Pose(yaw, pitch), height)


def _lay(
    image: ImageArray, sprite: npt.NDArray[np.uint8], centre: Matrix, scale: float, roll: float, moved: Matrix
) -> tuple[Mask, float]:
    """Paint a sprite, smeared by its movement; return the mask of what is seen and the area of the whole outline."""
    tall, wide = image.shape[:2]
    reach = np.hypot(*sprite.shape[:2]) / 2 * scale + np.abs(moved).max() + 2
    low = np.clip(np.floor(centre - reach), 0, (wide, tall)).astype(int)
    high = np.clip(np.ceil(centre + reach), 0, (wide, tall)).astype(int)
    mask = np.zeros((tall, wide), np.uint8)
    area = float(np.count_nonzero(sprite[..., 3] > 127)) * scale**2
    if (high - low).min() < 2:
        return mask, area
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array([sprite.shape[1], sprite.shape[0]]) / 2
    matrix = np.column_stack([turn, centre - low - turn @ middle])
    layer = sprite.astype(np.float32)
    layer[..., :3] *= layer[..., 3:] / 255
    layer = cv2.warpAffine(layer, matrix, tuple(int(v) for v in high - low), flags=cv2.INTER_LINEAR)
    layer = _smeared(layer, moved)
    window = image[low[1] : high[1], low[0] : high[0]]
    window[:] = np.clip(window * (1 - layer[..., 3:] / 255) + layer[..., :3], 0, 255).astype(np.uint8)
    mask[low[1] : high[1], low[0] : high[0]] = np.where(layer[..., 3] > 127, 255, 0)
    return mask, area


def _smeared(image: npt.NDArray[np.generic], moved: Matrix) -> npt.NDArray[np.generic]:
    """Return the picture blurred along a movement in pixels, as an open shutter does."""
    length = float(np.hypot(*moved))
    if length < 1.5:
        return image
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), np.float32)
    half, middle = moved / length * (side - 1) / 2, (side - 1) / 2
    ends = [tuple(int(v) for v in np.round(middle + sign * half)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cast("npt.NDArray[np.generic]", cv2.filter2D(image, -1, kernel / kernel.sum()))


def _uncover(sights: list[Sight], mask: Mask) -> None:
    """Take from everything painted before what now lies under a mask."""
    for sight in sights:
        sight.seen = cv2.subtract(sight.seen, mask)


@lru_cache(maxsize=2)
def _grain(resolution_wh: tuple[int, int]) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(804)
    return rng.standard_normal((4, resolution_wh[1], resolution_wh[0], 1), dtype=np.float32)


def _developed(image: ImageArray, script: Script, frame_index: int) -> ImageArray:
    """Return the frame with the sensor's noise and a light that is never quite steady."""
    rng = np.random.default_rng([script.seed, 805, frame_index])
    grain = np.roll(_grain(script.resolution_wh)[int(rng.integers(4))], rng.integers(0, 300, 2).tolist(), (0, 1))
    look, flicker = script.look, 1 + 0.02 * np.sin(1.3 * frame_index / script.fps + script.seed)
    gain = np.array(look.tint, np.float32) * np.float32(look.light * flicker)
    return np.clip(image * gain + grain * np.float32(look.noise), 0, 255).astype(np.uint8)
