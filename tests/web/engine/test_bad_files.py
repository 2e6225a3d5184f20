"""Files that cannot be used: one sentence each, and the engine goes on."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from edge.golden import golden_folder
from tests.media.own_media import write_sound, write_video
from tests.web.engine.harness import Harness
from tests.web.engine.long_media import huge


@pytest.fixture(scope="module")
def opened(chromium: Browser, address: str) -> Iterator[Harness]:
    """Return a page with an open engine."""
    harness = Harness(chromium, address)
    assert "value" in harness.open()
    yield harness
    harness.page.close()


def frames(count: int) -> list[np.ndarray[Any, Any]]:
    """Return small frames of one colour each."""
    return [np.full((120, 160, 3), 20 * i % 256, np.uint8) for i in range(count)]


def png_of(width: int, height: int) -> bytes:
    """Return a PNG whose header declares a size that its pixels have not."""
    small = io.BytesIO()
    Image.new("RGB", (4, 4)).save(small, "PNG")
    content = bytearray(small.getvalue())
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return bytes(content)


def problem(opened: Harness, path: Path) -> dict[str, Any]:
    """Return the problem of a file, whose sentence is one and names the file."""
    answer = opened.tag(f"/media/{path.name}")
    found: dict[str, Any] = answer["problem"]
    assert path.name in found["sentence"]
    assert found["sentence"].endswith(".")
    assert not re.search(r"\n|undefined|null|\[object", found["sentence"])
    return found


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("empty.mp4", b"", "empty_file"),
        ("text.mp4", b"this is no video at all, only some words " * 20, "not_media"),
        ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50), "picture_unread"),
        ("cut.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0", "picture_damaged"),
        ("cut.png", (golden_folder() / "one.png").read_bytes()[:60], "picture_damaged"),
        ("bomb.png", png_of(60_000, 60_000), "picture_too_large"),
        ("nothing.png", png_of(0, 5), "picture_damaged"),
        ("cut.mp4", b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(30), "video_damaged"),
    ],
)
def test_a_file_that_is_none_is_named(opened: Harness, media: Path, name: str, content: bytes, expected: str) -> None:
    (media / name).write_bytes(content)
    assert problem(opened, media / name)["name"] == expected


def test_a_sound_file_holds_no_video(opened: Harness, media: Path) -> None:
    assert problem(opened, write_sound(media / "sound.mp4"))["name"] == "no_video_track"


def test_a_codec_that_the_browser_cannot_decode_is_named(opened: Harness, media: Path) -> None:
    found = problem(opened, write_video(media / "old.mp4", frames(5), codec="mpeg4"))
    assert found["name"] == "codec_unsupported"
    assert "mp4v" in found["sentence"] and "H.264" in found["sentence"]


def test_a_video_that_is_cut_gives_what_could_be_read(opened: Harness, demo: Path, media: Path) -> None:
    fast = write_video(
        media / "whole.mp4", frames(90) + frames(90), container_options={"movflags": "faststart"}, key_frame_every=10
    )
    content = fast.read_bytes()
    (media / "half.mp4").write_bytes(content[: len(content) * 2 // 3])
    source = opened.tag("/media/half.mp4")["value"]["document"]["sources"][0]
    assert source["partial"] and source["error"].startswith("half.mp4: ")
    assert source["frames_detected"] > 0


def test_a_clip_of_one_frame_is_a_clip(opened: Harness, media: Path) -> None:
    write_video(media / "one.mp4", frames(1))
    source = opened.tag("/media/one.mp4")["value"]["document"]["sources"][0]
    assert (source["frames_detected"], source["error"]) == (1, None)


def test_a_clip_without_frames_is_said(opened: Harness, media: Path) -> None:
    with (media / "none.webm").open("wb") as file:
        import av

        with av.open(file, "w", format="webm") as container:
            stream = container.add_stream("libvpx-vp9", rate=30)
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
            container.start_encoding()
    assert problem(opened, media / "none.webm")["name"] in ("no_frames", "no_video_track", "video_damaged")


def test_a_picture_of_100_megapixels_is_tagged_in_its_own_pixels(opened: Harness, media: Path) -> None:
    picture = Image.new("RGB", (10_000, 10_000), (190, 190, 190))
    with Image.open(golden_folder() / "one.png") as one:
        picture.paste(one.resize((6_000, 6_000 * one.height // one.width)), (2_000, 2_000))
    picture.save(media / "huge.jpg", quality=80)
    source = opened.tag("/media/huge.jpg")["value"]["document"]["sources"][0]
    assert source["resolution_wh"] == [10_000, 10_000]
    boxes = [tag["best"]["xyxy"] for tag in source["tags"]] + [one["xyxy"] for one in source["unmatched"]]
    assert max(box[3] for box in boxes) > 4_000


def test_a_turned_picture_is_tagged_as_it_is_shown(opened: Harness, media: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(golden_folder() / "one.png") as one:
        one.convert("RGB").rotate(90, expand=True).save(media / "turned.jpg", quality=95, exif=exif)
        upright = list(one.size)
    source = opened.tag("/media/turned.jpg")["value"]["document"]["sources"][0]
    assert source["resolution_wh"] == upright
    assert source["tags"]


def test_a_file_of_4_gb_is_never_read_whole(opened: Harness, demo: Path, media: Path, tmp_path: Path) -> None:
    opened.page.set_input_files("#file", huge(demo / "clip.mp4", tmp_path / "huge.mp4"))
    source = opened.call("h => h.tagChosen('engine')")["value"]["document"]["sources"][0]
    assert source["error"] is None
    assert len(source["tags"]) >= 4


def test_after_all_that_the_engine_still_tags(opened: Harness) -> None:
    assert opened.tag("/golden/one.png")["value"]["document"]["sources"][0]["tags"]
