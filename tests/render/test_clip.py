import logging
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from export.render import clip as clip_module
from export.render.clip import LEAST_VISIBLE, ClipScript, Key, interpolate, render_frame, write_clip
from export.render.demo_script import demo_script
from export.render.products import demo_products, unlisted_products
from export.render.scene import mask_xyxy


@pytest.fixture(scope="module")
def script() -> ClipScript:
    return demo_script(demo_products(40), unlisted_products(2), seed=0)


def shorter(script: ClipScript) -> ClipScript:
    return replace(script, resolution_wh=(320, 180), fps=8)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_no_pose_outside_of_the_keys() -> None:
    keys = (Key(1.0, 0.0, 0.5, 0.6), Key(2.0, 1.0, 0.5, 0.6))
    assert interpolate((), 1.0) is None
    assert interpolate(keys, 0.99) is None and interpolate(keys, 2.01) is None
    middle = interpolate(keys, 1.5)
    assert middle is not None and middle.x == pytest.approx(0.5)
    last = interpolate(keys, 2.0)
    assert last is not None and last.x == 1.0


def test_story_has_one_unlisted_actor_and_two_look_alikes(script: ClipScript) -> None:
    assert [actor.listed for actor in script.actors].count(False) == 1
    lines = [(actor.product.brand, actor.product.name) for actor in script.actors]
    assert lines[-1] == lines[-2]
    listed = [actor.product.product_id for actor in script.actors if actor.listed]
    assert len(set(listed)) == len(listed) == 6


def test_story_works_for_many_seeds() -> None:
    for seed in range(12):
        story = demo_script(demo_products(40, seed), unlisted_products(2, seed), seed)
        assert len(story.actors) == 7
        assert all(actor.keys[-1].timestamp_s < story.duration_s for actor in story.actors)


def test_boxes_hold_exactly_the_pixels_that_an_actor_changes(script: ClipScript) -> None:
    """Render a frame with and without each actor: what differs is that actor (and its hand)."""
    bare = replace(script, actors=tuple(replace(actor, grip=None) for actor in script.actors), arms=())
    for index, actor in enumerate(bare.actors):
        alone = replace(bare, actors=(actor,))
        frame_index = round((actor.keys[0].timestamp_s + actor.keys[-1].timestamp_s) / 2 * bare.fps)
        frame = render_frame(alone, frame_index)
        empty = render_frame(replace(bare, actors=()), frame_index)
        changed = (frame.image != empty.image).any(axis=2).astype(np.uint8) * 255
        (sight,) = frame.sights
        assert np.abs(np.array(mask_xyxy(changed)) - sight.xyxy).max() <= 2, index


def test_passing_arm_lowers_visibility_only_while_it_passes(script: ClipScript) -> None:
    arm = script.arms[0]
    lowest = 1.0
    for frame_index in range(round(arm.start_s * script.fps), round(arm.end_s * script.fps)):
        without = {s.actor: s.visibility for s in render_frame(replace(script, arms=()), frame_index).sights}
        for sight in render_frame(script, frame_index).sights:
            lowest = min(lowest, sight.visibility / without[sight.actor])
    assert lowest < 0.9


def test_first_and_last_frame_are_empty(script: ClipScript) -> None:
    assert render_frame(script, 0).sights == ()
    assert render_frame(script, script.frame_count - 1).sights == ()


def test_written_clip_shows_what_its_truth_says(script: ClipScript, tmp_path: Path) -> None:
    small = shorter(script)
    truth = write_clip(small, tmp_path / "clip.mp4")
    frames = decoded(truth.path)
    assert len(frames) == small.frame_count
    assert len(truth.appearances) == len(small.actors)
    for frame_index in range(0, small.frame_count, 7):
        rendered = render_frame(small, frame_index)
        assert np.abs(frames[frame_index].astype(int) - rendered.image).mean() < 8
        time = frame_index / small.fps
        told = sorted(box for a in truth.appearances for t, box in zip(a.timestamp_s, a.xyxy, strict=True) if t == time)
        assert told == sorted(sight.xyxy for sight in rendered.sights)
    for appearance in truth.appearances:
        assert appearance.start_s == appearance.timestamp_s[0] < appearance.timestamp_s[-1] == appearance.end_s
        assert min(appearance.visibility) >= LEAST_VISIBLE
    assert [a.product_id for a in truth.appearances].count(None) == 1


def test_same_script_gives_the_same_file(script: ClipScript, tmp_path: Path) -> None:
    brief = replace(shorter(script), duration_s=1.5)
    first, second = (write_clip(brief, tmp_path / name).path.read_bytes() for name in ("a.mp4", "b.mp4"))
    assert first == second


def test_falls_back_to_mpeg4_and_says_so(
    script: ClipScript, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clip_module.av, "codecs_available", {"mpeg4"})
    brief = replace(shorter(script), duration_s=1.0)
    with caplog.at_level(logging.WARNING):
        truth = write_clip(brief, tmp_path / "clip.mp4")
    assert truth.codec == "mpeg4"
    assert "MPEG-4 part 2" in caplog.text
    assert len(decoded(truth.path)) == brief.frame_count
