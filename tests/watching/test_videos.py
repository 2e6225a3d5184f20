"""Whatever a video is like: one sentence where something is wrong, and nothing of what was found is lost."""

from __future__ import annotations

import _thread
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.defaults import default_bundle, demo_shard
from edge.errors import ModelError
from edge.golden import golden_folder, read_pixels
from edge.media.cameras import Device, open_camera
from edge.media.frame import Source
from edge.media.sources import open_source
from edge.pipeline import INTERRUPTED, Kit, Limits, tag_source
from edge.shard import open_shard
from edge.tags import SourceTags
from edge.tracks import pace
from edge.tracks.budget import Budget
from export.golden.pictures import STYLE
from export.render.packshot import render_cutout
from export.render.products import demo_products
from export.render.scene import compose_scene
from tests.media.own_media import noise, write_video

Picture = np.ndarray[Any, np.dtype[np.uint8]]


@pytest.fixture(scope="module")
def kit() -> Kit:
    return Kit.open(load_bundle(default_bundle()), [open_shard(demo_shard())], second_look=False)


@pytest.fixture(scope="module")
def product() -> Picture:
    """A picture of one product of the demo catalogue."""
    return read_pixels(golden_folder() / "one.png")


def tagged(kit: Kit, path: Path, every_s: float | None = None, limits: Limits | None = None) -> SourceTags:
    with open_source(str(path)) as source:
        return tag_source(kit, source, every_s, limits=limits or Limits())


def shown(found: SourceTags) -> list[tuple[str, float, float]]:
    return [(tag.status, round(tag.start_s, 2), round(tag.end_s, 2)) for tag in found.tags]


def test_a_still_product_is_one_tag_and_hardly_any_work(kit: Kit, product: Picture, tmp_path: Path) -> None:
    found = tagged(kit, write_video(tmp_path / "still.mp4", [product] * 180))
    assert shown(found) == [("match", 0.0, pytest.approx(5.97, abs=0.15))]
    assert found.frames_detected == 2
    assert found.crops_embedded <= 3
    assert (found.partial, found.error, found.notes) == (False, None, ())


def test_one_frame(kit: Kit, product: Picture, tmp_path: Path) -> None:
    found = tagged(kit, write_video(tmp_path / "one.mp4", [product]))
    assert shown(found) == [("match", 0.0, 0.0)]
    assert (found.frames_decoded, found.frames_detected, found.partial) == (1, 1, False)


def test_black_frames(kit: Kit, product: Picture, tmp_path: Path) -> None:
    black = np.zeros_like(product)
    found = tagged(kit, write_video(tmp_path / "black.mp4", [black] * 60))
    assert (found.tags, found.unmatched, found.frames_detected, found.error) == ((), (), 1, None)
    between = tagged(kit, write_video(tmp_path / "between.mp4", [*[black] * 30, *[product] * 30, *[black] * 30]))
    assert shown(between) == [("match", pytest.approx(1.0, abs=0.2), pytest.approx(1.97, abs=0.2))]


def shots() -> tuple[Picture, Picture]:
    """Two products of the demo catalogue that look alike, at the same place of two different rooms."""
    pictures = []
    for number in (18, 19):
        cutout = render_cutout(demo_products(40, 0)[number], np.random.default_rng([5, number]), 150, calm=True)
        scene = compose_scene([cutout], None, np.random.default_rng([9, 3]), resolution_wh=(480, 270), style=STYLE)
        pictures.append((scene.image, scene.xyxy[0].round().astype(int)))
    (first, _), (image, (x0, y0, x1, y1)) = pictures
    around, room = (slice(y0 - 6, y1 + 6), slice(x0 - 6, x1 + 6)), 255 - image
    room[around] = image[around]
    return first, room


def of_products(found: SourceTags) -> list[tuple[str, str, float, float]]:
    return [(tag.candidates[0].product_id, *rest) for tag, rest in zip(found.tags, shown(found), strict=True)]


@pytest.mark.parametrize("every_s", [None, 0.2])
def test_a_cut_between_two_products_at_one_place_is_two_tags(
    kit: Kit, tmp_path: Path, every_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = shots()
    path = write_video(tmp_path / "cut.mp4", [first] * 40 + [second] * 40)
    (before, after) = of_products(tagged(kit, path, every_s))
    assert before[0] != after[0]
    assert before[1:3] == ("match", 0.0) and before[3] < 40 / 30
    assert after[1:3] == ("match", pytest.approx(40 / 30, abs=0.11)) and after[3] > 2.5
    monkeypatch.setattr(pace, "CUT", 2)
    assert len(tagged(kit, path, every_s).tags) < 2  # so it is the cut that tells them apart


def test_a_cut_counts_also_where_a_budget_puts_off_the_look_at_it(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = shots()
    path = write_video(tmp_path / "cut.mp4", [first] * 40 + [second] * 40)
    allows = Budget.allows
    monkeypatch.setattr(Budget, "allows", lambda self, at_s, spent: not 1.3 < at_s < 1.75 and allows(self, at_s, spent))
    before, after = of_products(tagged(kit, path))
    assert before[0] != after[0] and before[3] < 40 / 30
    assert after[2] == pytest.approx(1.8, abs=0.11)


@pytest.mark.parametrize("lit", [0, 255], ids=["black", "white"])
def test_a_flash_leaves_one_tag_of_one_product(kit: Kit, product: Picture, tmp_path: Path, lit: int) -> None:
    flash = np.full_like(product, lit)
    flash[: len(flash) // 3] = product[: len(flash) // 3]
    found = tagged(kit, write_video(tmp_path / "flash.mp4", [*[product] * 40, *[flash] * 5, *[product] * 40]))
    assert shown(found) == [("match", 0.0, pytest.approx(2.8, abs=0.15))]


def test_a_damaged_middle(kit: Kit, product: Picture, tmp_path: Path) -> None:
    path = write_video(tmp_path / "hole.mp4", [product] * 240, container_options={"movflags": "faststart"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = np.random.default_rng(1).bytes(2000)
    path.write_bytes(content)
    found = tagged(kit, path)
    assert found.partial
    assert found.error is not None and "left out" in found.error and "\n" not in found.error
    assert [(status, start_s) for status, start_s, _ in shown(found)] == [("match", 0.0)]
    assert found.tags[0].end_s > 6


def test_8k(kit: Kit, product: Picture, tmp_path: Path) -> None:
    large = np.zeros((4320, 7680, 3), np.uint8)
    large[:] = 128
    enlarged = product.repeat(4, axis=0).repeat(4, axis=1)[:4320, :7680]
    large[: enlarged.shape[0], : enlarged.shape[1]] = enlarged
    found = tagged(kit, write_video(tmp_path / "large.mp4", [large] * 2, codec="mpeg4"))
    assert (found.resolution_wh, found.error) == ((7680, 4320), None)
    assert len(found.tags) + len(found.unmatched) <= 1


def test_240_frames_a_second(kit: Kit, product: Picture, tmp_path: Path) -> None:
    path = write_video(tmp_path / "fast.mp4", [product] * 480, pts=range(480), time_base=Fraction(1, 240))
    found = tagged(kit, path)
    assert shown(found) == [("match", 0.0, pytest.approx(2.0, abs=0.15))]
    assert found.frames_detected <= 2


def test_a_variable_frame_rate(kit: Kit, product: Picture, tmp_path: Path) -> None:
    stamps = [0, 10, 500, 510, 1500, 2990, 3000, 9000]
    path = write_video(tmp_path / "variable.mp4", [product] * 8, pts=stamps, time_base=Fraction(1, 1000))
    found = tagged(kit, path)
    assert shown(found) == [("match", 0.0, 9.0)]


def test_frames_without_a_clock_follow_each_other(kit: Kit, product: Picture, tmp_path: Path) -> None:
    path = write_video(tmp_path / "stuck.avi", [product] * 60)
    assert tagged(kit, path).tags[0].end_s == pytest.approx(1.97, abs=0.15)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Let an interrupt raise, also where the tests were started in the background of a shell, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_endless_stream_ends_when_it_is_interrupted(kit: Kit, heeded: None) -> None:
    with open_camera("camera:0", Device("lavfi", "testsrc=size=320x240:rate=30")) as source:

        def interrupt() -> None:
            while source.frames_decoded < 90:
                time.sleep(0.05)
            _thread.interrupt_main()

        other = threading.Thread(target=interrupt, daemon=True)
        other.start()
        found = tag_source(kit, source)
        other.join()
    assert (found.partial, found.error) == (True, INTERRUPTED)
    assert found.frames_detected >= 1
    assert not [thread for thread in threading.enumerate() if thread.name == "decoding"]


class Interrupted:
    """A source that is interrupted after some glances."""

    def __init__(self, source: Source, after: int, error: BaseException) -> None:
        self._source, self._after, self._error = source, after, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def glances(self, every_s: float, hurry: Any) -> Iterator[Any]:
        yield from itertools.islice(self._source.glances(every_s, hurry), self._after)  # type: ignore[attr-defined]
        raise self._error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(KeyboardInterrupt(), INTERRUPTED), (ModelError("detector.onnx: failed"), "detector.onnx: failed")],
)
def test_what_was_found_until_then_is_kept(
    kit: Kit, product: Picture, tmp_path: Path, error: BaseException, sentence: str
) -> None:
    with open_source(str(write_video(tmp_path / "clip.mp4", [product] * 90))) as source:
        found = tag_source(kit, Interrupted(source, 12, error))  # type: ignore[arg-type]
    assert found.partial
    assert found.error is not None and sentence in found.error
    assert shown(found) == [("match", 0.0, pytest.approx(1.2, abs=0.4))]


def test_the_same_file_gives_the_same_tags_however_slow_the_looks_are(
    kit: Kit, product: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving = [np.roll(product, 4 * n, axis=1) for n in range(60)]
    path = write_video(tmp_path / "moving.mp4", moving)
    quick = tagged(kit, path)
    detect = type(kit.detector).detect

    def slowly(self: Any, image: Picture) -> Any:
        time.sleep(0.05)
        return detect(self, image)

    monkeypatch.setattr(type(kit.detector), "detect", slowly)
    slow = tagged(kit, path)
    assert [(tag.tag_id, tag.trail) for tag in slow.tags] == [(tag.tag_id, tag.trail) for tag in quick.tags]
    assert (slow.frames_detected, slow.crops_embedded) == (quick.frames_detected, quick.crops_embedded)


def test_a_fixed_rate_stays_fixed(kit: Kit, product: Picture, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [product] * 90)
    found = tagged(kit, path, every_s=0.5)
    assert (found.frames_decoded, found.frames_detected) == (90, 6)
    assert shown(found) == [("match", 0.0, 2.5)]
    assert tagged(kit, path, every_s=0).frames_detected == 90


def test_its_own_speed_takes_as_long_as_the_video(kit: Kit, product: Picture, tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [product] * 45)
    start = time.perf_counter()
    found = tagged(kit, path, limits=Limits(realtime=True))
    assert time.perf_counter() - start >= 1.3
    assert [status for status, _, _ in shown(found)] == ["match"]


def test_slower_than_its_own_speed_it_leaves_out_and_says_so(
    kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detect = type(kit.detector).detect

    def slowly(self: Any, image: Picture) -> Any:
        time.sleep(1.2)
        return detect(self, image)

    monkeypatch.setattr(type(kit.detector), "detect", slowly)
    path = write_video(tmp_path / "clip.mp4", [noise(seed=n) for n in range(120)])
    start = time.perf_counter()
    found = tagged(kit, path, limits=Limits(realtime=True))
    assert time.perf_counter() - start < 9
    assert 2 <= found.frames_detected <= 5
    assert any("came too late" in note for note in found.notes)
    assert any("one size of input only" in note for note in found.notes)


def test_a_tiny_budget_still_gives_an_answer_and_says_what_gave_way(kit: Kit, product: Picture, tmp_path: Path) -> None:
    moving = [np.roll(product, 4 * n, axis=1) for n in range(120)]
    found = tagged(kit, write_video(tmp_path / "clip.mp4", moving), limits=Limits(budget_ms=1))
    assert 1 <= found.frames_detected <= 3
    assert any(note.startswith("1 ms of work a second: ") for note in found.notes)
