"""Annotated pictures and videos: boxes stand where the objects are, times stay, and failures leave nothing."""

from __future__ import annotations

import resource
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edge.errors import OutputError, UsageError
from edge.output.annotate import annotate
from edge.output.drawing import LINE, draw_marks
from edge.output.lettering import letters, shorten_to, without_accents
from edge.output.overlay import HOLD_S, Mark, boxes_at
from tests.output.invented_runs import a_source, a_tag, an_unmatched, oat

LEFT, RIGHT = (20.0, 40.0, 60.0, 90.0), (100.0, 40.0, 140.0, 90.0)
GREY = 128


def _video(path: Path, times_ms: list[int], size: tuple[int, int] = (160, 120)) -> Path:
    """Write grey frames that are shown at the given times."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time_ms in times_ms:
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), GREY, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frames(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as container:
        return [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def _is_drawn(image: np.ndarray, xyxy: tuple[float, ...]) -> bool:
    """Tell whether the middle of the box's lower line has the colour of a match."""
    x, y = round((xyxy[0] + xyxy[2]) / 2), round(xyxy[3]) - 2
    return bool(np.abs(image[y, x].astype(int) - LINE["match"]).max() < 60)


def _picture(path: Path, size: tuple[int, int] = (160, 120)) -> Path:
    Image.new("RGB", size, (GREY,) * 3).save(path)
    return path


def test_draws_nothing_where_nothing_was_found(tmp_path: Path) -> None:
    source = a_source(path=str(_picture(tmp_path / "in.png")), kind="image")
    annotate(source, tmp_path / "out.png")
    assert (np.asarray(Image.open(tmp_path / "out.png")) == GREY).all()


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "png", "PNG"])
def test_draws_a_box_on_a_picture(ending: str, tmp_path: Path) -> None:
    source = a_source(oat(trail=((0.0, LEFT),)), path=str(_picture(tmp_path / "in.png")), kind="image")
    annotate(source, tmp_path / f"out.{ending}")
    image = np.asarray(Image.open(tmp_path / f"out.{ending}"))
    assert image.shape == (120, 160, 3) and _is_drawn(image, LEFT) and not _is_drawn(image, RIGHT)


def test_a_video_has_boxes_between_sightings_and_keeps_its_times(tmp_path: Path) -> None:
    times_ms = [0, 40, 80, 200, 500, 520, 1000, 1300, 2000]
    clip = _video(tmp_path / "in.mp4", times_ms)
    source = a_source(oat(trail=((0.2, LEFT), (1.0, RIGHT))), path=str(clip))
    annotate(source, tmp_path / "out.mp4")
    written = _frames(tmp_path / "out.mp4")
    assert [round(1000 * time) for time, _ in written] == times_ms
    seen = {round(1000 * time): image for time, image in written}
    half_way = (51.0, 40.0, 91.0, 90.0)
    assert not any(_is_drawn(seen[ms], box) for ms in (0, 80, 2000) for box in (LEFT, half_way, RIGHT))
    assert _is_drawn(seen[200], LEFT) and _is_drawn(seen[500], half_way)
    assert _is_drawn(seen[1000], RIGHT) and _is_drawn(seen[1300], RIGHT)


def test_a_video_of_odd_size_is_written(tmp_path: Path) -> None:
    image = _picture(tmp_path / "odd.png", (161, 121))
    clip = tmp_path / "odd.mkv"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 161, 121, "bgr0"
        for packet in stream.encode(av.VideoFrame.from_image(Image.open(image))):
            container.mux(packet)
        container.mux(stream.encode(None))
    source = replace(a_source(oat(trail=((0.0, LEFT),)), path=str(clip)), resolution_wh=(161, 121))
    annotate(source, tmp_path / "out.mp4")
    ((_, frame),) = _frames(tmp_path / "out.mp4")
    assert frame.shape == (122, 162, 3) and _is_drawn(frame, LEFT)


@pytest.mark.parametrize(
    ("path", "kind", "out", "sentence"),
    [
        ("a.jpg", "image", "out.mp4", "is a picture"),
        ("a.mp4", "video", "out.jpg", "is a video"),
        ("a.mp4", "video", "out", "is a video"),
        ("camera:0", "video", "out.mp4", "camera"),
    ],
)
def test_refuses_an_ending_that_does_not_fit(path: str, kind: Any, out: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=sentence):
        annotate(a_source(path=path, kind=kind), tmp_path / out)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("kind", "ending"), [("image", "png"), ("video", "mp4")])
def test_a_full_disk_leaves_nothing(kind: Any, ending: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    source_path = tmp_path / "in" / f"in.{ending}"
    if kind == "image":
        Image.fromarray(noise).save(source_path)
    else:
        _video(source_path, list(range(0, 2000, 40)), (640, 480))
    moving = tuple((i / 10, (5.0 * i, 10.0, 5.0 * i + 300, 400.0)) for i in range(20))
    source = replace(a_source(oat(trail=moving), path=str(source_path), kind=kind), resolution_wh=(640, 480))
    out = tmp_path / "out" / f"out.{ending}"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))
    try:
        with pytest.raises(OutputError, match=rf"out\.{ending}: .*nothing was left behind"):
            annotate(source, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(out.parent.iterdir()) == []


def test_boxes_of_an_empty_trail() -> None:
    assert boxes_at((), 0.0) == []


@given(st.floats(-2, 5, allow_nan=False))
def test_a_box_moves_straight_from_sighting_to_sighting(time: float) -> None:
    trail = ((0.0, LEFT), (1.0, RIGHT), (2.0, LEFT))
    found = boxes_at(trail, time)
    if -0.001 <= time <= 2 + HOLD_S:
        expected = 20 + 80 * (1 - abs(min(max(time, 0), 2) - 1))
        assert len(found) == 1 and found[0][0] == pytest.approx(expected, abs=0.1)
    else:
        assert found == []


def test_two_specimens_do_not_swap_places() -> None:
    trail = ((0.0, LEFT), (0.0, RIGHT), (1.0, RIGHT), (1.0, LEFT))
    assert sorted(boxes_at(trail, 0.5)) == [LEFT, RIGHT]


def test_a_specimen_that_leaves_stays_only_for_a_moment() -> None:
    trail = ((0.0, LEFT), (0.0, RIGHT), (2.0, RIGHT))
    assert sorted(boxes_at(trail, HOLD_S / 2)) == [LEFT, RIGHT]
    assert boxes_at(trail, 1.0) == [RIGHT]


boxes = st.tuples(*[st.floats(-500, 700, allow_nan=False)] * 4)


@given(boxes, st.sampled_from(["match", "ambiguous", "unmatched"]), st.text(max_size=40), st.integers(1, 90))
def test_draws_any_box_and_name_on_any_picture(xyxy: Any, status: Any, name: str, side: int) -> None:
    image = np.full((side, 2 * side, 3), GREY, np.uint8)
    drawn = draw_marks(image, [Mark(xyxy, name, "p-1", "0.50", status)])
    assert drawn.shape == image.shape and (image == GREY).all()
    x0, y0, x1, y1 = xyxy
    if x1 < 0 or y1 < 0 or x0 > 2 * side or y0 > side or x1 <= x0 or y1 <= y0:
        assert (drawn == image).all()


def test_every_status_is_drawn_differently() -> None:
    image = np.full((120, 160, 3), GREY, np.uint8)
    statuses: Any = ("match", "ambiguous", "unmatched")
    drawn = [draw_marks(image, [Mark(LEFT, "same", "", "", status)]).tobytes() for status in statuses]
    assert len({*drawn, image.tobytes()}) == 4


def test_a_name_stays_on_the_picture() -> None:
    image = np.full((240, 320, 3), GREY, np.uint8)
    corner = Mark(
        (300.0, -5.0, 330.0, 20.0), "a name much longer than there is room for in this corner", "", "0.9", "match"
    )
    changed = np.argwhere((draw_marks(image, [corner]) != image).any(axis=2))
    assert changed[:, 1].min() > 100 and changed[:, 1].max() == 319


def test_an_unknown_letter_is_spelled_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.output.lettering.SYSTEM_FONTS", ())
    from edge.output.lettering import _fonts

    _fonts.cache_clear()
    letters.cache_clear()
    try:
        assert letters("Müsli  Æble ßa", "p-1", 20)[0] == "Musli AEble ssa"
        assert letters("日本茶", "p-1", 20)[0] == "p-1"
    finally:
        _fonts.cache_clear()
        letters.cache_clear()


def test_takes_accents_off() -> None:
    assert without_accents("") == ""
    assert without_accents("Crème brûlée Øl") == "Creme brulee Ol"


def test_a_long_name_is_cut_to_its_room() -> None:
    _, font = letters("x", "", 16)
    short = shorten_to("Oat drink barista edition", font, 80)
    assert short.endswith("…") and font.getlength(short) <= 80
    assert shorten_to("Oat", font, 80) == "Oat"


def test_memory_stays_flat_over_a_long_video(tmp_path: Path) -> None:
    import tracemalloc

    clip = _video(tmp_path / "in.mp4", list(range(0, 8000, 40)), (320, 240))
    source = replace(
        a_source(a_tag(("p", "P", 0.9), trail=((0.0, LEFT), (8.0, RIGHT))), path=str(clip)), resolution_wh=(320, 240)
    )
    tracemalloc.start()
    annotate(replace(source, unmatched=(an_unmatched(),)), tmp_path / "out.mp4")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * 320 * 240 * 3
