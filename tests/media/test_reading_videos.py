"""Videos in: the stream's own clock, shown as a player shows it, and honest about what is missing."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.errors import MediaError
from edge.media.frame import Frame
from edge.media.showing import square_size
from edge.media.videos import StreamSource, open_video
from tests.media.own_media import BLUE, GREEN, RED, WHITE, corners, noise, with_display_matrix, write_sound, write_video

FASTSTART = {"movflags": "faststart"}


def read(path: Path, every_s: float = 0.0, threads: int = 1) -> tuple[list[Frame], StreamSource]:
    with open_video(str(path), threads) as source:
        return list(source.frames(every_s)), source


def times(frames: list[Frame]) -> list[float]:
    return [frame.timestamp_s for frame in frames]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts"])
def test_every_container_gives_frames_and_times(tmp_path: Path, suffix: str) -> None:
    frames, source = read(write_video(tmp_path / f"clip.{suffix}", [corners()] * 30))
    assert (source.kind, source.resolution_wh, source.frames_decoded) == ("video", (64, 48), 30)
    assert (source.partial, source.error) == (False, None)
    assert [frame.frame_index for frame in frames] == list(range(30))
    assert times(frames) == pytest.approx([n / 30 for n in range(30)], abs=0.001)
    assert source.duration_s == pytest.approx(1.0, abs=0.05)
    assert np.abs(frames[7].image.astype(int) - corners()).mean() < 8


def test_a_video_of_one_frame(tmp_path: Path) -> None:
    frames, source = read(write_video(tmp_path / "one.mp4", [corners()]), every_s=0.5)
    assert times(frames) == [0.0]
    assert not source.partial


def test_content_decides_not_the_suffix(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mkv", [corners()] * 3)
    frames, _ = read(video.rename(tmp_path / "clip.mp4"))
    assert len(frames) == 3


def test_only_wanted_frames_become_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.media.showing import Showing

    converted = []
    convert = Showing.picture
    monkeypatch.setattr(Showing, "picture", lambda self, frame: converted.append(frame.pts) or convert(self, frame))
    frames, source = read(write_video(tmp_path / "clip.mp4", [corners()] * 60), every_s=0.5)
    assert times(frames) == pytest.approx([0, 0.5, 1.0, 1.5])
    assert [frame.frame_index for frame in frames] == [0, 15, 30, 45]
    assert (len(converted), source.frames_decoded) == (4, 60)


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    stamps = [0, 10, 500, 510, 1500, 2990, 3000]
    for suffix in ("mp4", "mkv"):
        path = tmp_path / f"variable.{suffix}"
        write_video(path, [noise(seed=n) for n in range(7)], pts=stamps, time_base=Fraction(1, 1000))
        assert times(read(path)[0]) == pytest.approx([stamp / 1000 for stamp in stamps], abs=0.0011)
        frames, source = read(path, every_s=0.5)
        assert times(frames) == pytest.approx([0, 0.5, 1.5, 2.99, 3.0], abs=0.0011)
        assert not source.partial


def test_times_count_from_the_start_of_the_stream(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.ts", [corners()] * 10, pts=range(9000, 9010))
    assert times(read(path)[0]) == pytest.approx([n / 30 for n in range(10)], abs=1e-4)


QUARTERS = {
    0: (1, 0, 0, 1, [RED, GREEN, BLUE, WHITE]),
    90: (0, 1, -1, 0, [BLUE, RED, WHITE, GREEN]),
    180: (-1, 0, 0, -1, [WHITE, BLUE, GREEN, RED]),
    270: (0, -1, 1, 0, [GREEN, WHITE, RED, BLUE]),
    -1: (-1, 0, 0, 1, [GREEN, RED, WHITE, BLUE]),
}


@pytest.mark.parametrize("clockwise", QUARTERS, ids=lambda q: "mirrored" if q < 0 else f"{q} clockwise")
def test_rotation_of_the_display_matrix_is_applied(tmp_path: Path, clockwise: int) -> None:
    a, b, c, d, colours = QUARTERS[clockwise]
    path = with_display_matrix(write_video(tmp_path / "phone.mp4", [corners(96, 48)] * 3), a, b, c, d)
    frames, source = read(path)
    width, height = source.resolution_wh
    assert (width, height) == ((48, 96) if clockwise in (90, 270) else (96, 48))
    image = frames[1].image
    assert image.shape == (height, width, 3)
    seen = image[[4, 4, height - 5, height - 5], [4, width - 5, 4, width - 5]]
    assert np.abs(seen.astype(int) - colours).max() <= 12


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "wide.mp4", [corners()] * 3, pixel_aspect=Fraction(3, 2))
    frames, source = read(path)
    assert source.resolution_wh == (96, 48)
    assert frames[0].image.shape == (48, 96, 3)


def test_rotation_comes_after_the_pixel_aspect(tmp_path: Path) -> None:
    path = write_video(tmp_path / "tall.mp4", [corners()] * 3, pixel_aspect=Fraction(1, 2))
    frames, source = read(with_display_matrix(path, 0, 1, -1, 0))
    assert source.resolution_wh == (96, 64)
    assert frames[0].image.shape == (64, 96, 3)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (None, (720, 576)),
        (0, (720, 576)),
        (1, (720, 576)),
        (Fraction(16, 15), (768, 576)),
        (Fraction(8, 9), (720, 648)),
        (Fraction(1, 500), (720, 576)),
        (Fraction(99), (720, 576)),
    ],
)
def test_the_shorter_side_is_stretched(aspect: Fraction | None, size: tuple[int, int]) -> None:
    assert square_size(720, 576, aspect) == size


@pytest.mark.parametrize("colorspace", ["ITU601", "ITU709"])
def test_colours_follow_the_tag(tmp_path: Path, colorspace: str) -> None:
    frames, _ = read(write_video(tmp_path / "clip.mp4", [corners()] * 2, colorspace=colorspace))
    assert np.abs(frames[0].image[[8, 8], [8, 56]].astype(int) - [RED, GREEN]).max() <= 6


def test_a_frame_above_the_limit_is_read_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.media.showing.FULL_SIZE_PIXELS", 1000)
    frames, source = read(write_video(tmp_path / "large.mp4", [corners()] * 2))
    assert source.resolution_wh == (64, 48)
    assert frames[0].image.shape == (24, 32, 3)


@pytest.mark.parametrize(("name", "options"), [("cut.mp4", FASTSTART), ("cut.mkv", {}), ("cut.avi", {})])
def test_a_video_cut_in_the_middle_gives_what_was_readable(tmp_path: Path, name: str, options: dict[str, str]) -> None:
    path = write_video(tmp_path / name, [noise(seed=n) for n in range(90)], container_options=options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    frames, source = read(path)
    assert 30 <= len(frames) <= 60
    assert times(frames) == pytest.approx([n / 30 for n in range(len(frames))], abs=0.001)
    assert source.partial
    assert source.error is not None and f"{name}: " in source.error and "\n" not in source.error


def test_a_damaged_middle_is_left_out_and_the_rest_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "hole.mp4", [noise(seed=n) for n in range(90)], container_options=FASTSTART)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 6000] = np.random.default_rng(1).bytes(6000)
    path.write_bytes(content)
    frames, source = read(path)
    assert times(frames)[-1] == pytest.approx(89 / 30)
    assert 60 <= len(frames) < 90
    assert source.partial
    assert source.error is not None and "left out" in source.error


def test_refuses_an_mp4_cut_before_its_index(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", [noise(seed=n) for n in range(20)])
    path.write_bytes(path.read_bytes()[:-4000])
    with pytest.raises(MediaError, match=r"clip\.mp4: .*cut or damaged"):
        open_video(str(path))


@pytest.mark.parametrize("name", ["sound.m4a", "sound.mp4", "sound.wav"])
def test_refuses_a_video_without_a_video_track(tmp_path: Path, name: str) -> None:
    with pytest.raises(MediaError, match=r"has no video track \(found audio\)"):
        open_video(str(write_sound(tmp_path / name)))


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{clip}\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("name", ["text.mp4", "text.txt", "text.m3u8", "text.ffconcat", "text.srt"])
@pytest.mark.parametrize("text", ["hello, these are words\n" * 50, PLAYLIST, "ffconcat version 1.0\nfile {clip}\n"])
def test_refuses_text_and_never_follows_it(tmp_path: Path, name: str, text: str) -> None:
    clip = write_video(tmp_path / "clip.ts", [corners()] * 5)
    path = tmp_path / name
    path.write_text(text.format(clip=clip))
    with pytest.raises(MediaError, match="no picture or video"):
        open_video(str(path))


def test_refuses_a_missing_an_empty_and_a_random_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        open_video(str(tmp_path / "gone.mp4"))
    path = tmp_path / "empty.mp4"
    path.touch()
    with pytest.raises(MediaError, match="is empty"):
        open_video(str(path))
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(MediaError, match="no picture or video"):
        open_video(str(path))


def test_refuses_a_video_of_which_no_frame_can_be_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "broken.mp4", [noise(seed=n) for n in range(5)], container_options=FASTSTART)
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)
    with pytest.raises(MediaError, match="no frame of its h264 video"):
        open_video(str(path))


def test_stopping_early_closes_cleanly(tmp_path: Path) -> None:
    with open_video(str(write_video(tmp_path / "clip.mp4", [corners()] * 60)), threads=2) as source:
        assert next(source.frames(0)).frame_index == 0
        assert source.frames_decoded == 1


@pytest.mark.parametrize("suffix", ["mp4", "avi"])
def test_thread_counts_give_the_same_pictures(tmp_path: Path, suffix: str) -> None:
    path = write_video(tmp_path / f"clip.{suffix}", [noise(seed=n) for n in range(20)])
    one, two = read(path, threads=1)[0], read(path, threads=2)[0]
    assert times(one) == times(two)
    assert all(np.array_equal(a.image, b.image) for a, b in zip(one, two, strict=True))


MEMORY = """
import sys
from edge.media.videos import open_video
from tests.media.own_media import peak_mib
with open_video(sys.argv[1], threads=1) as source:
    for frame in source.frames(0.0):
        if frame.frame_index == 100:
            before = peak_mib()
print(frame.frame_index, round(peak_mib() - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_memory_is_flat_over_many_frames(tmp_path: Path) -> None:
    path = write_video(tmp_path / "long.mp4", [corners(160, 120)] * 3000, codec="mpeg4")
    child = subprocess.run([sys.executable, "-c", MEMORY, path], capture_output=True, text=True, check=True, timeout=60)
    frames, mib = map(int, child.stdout.split())
    assert frames == 2999
    assert mib <= 8, f"{mib} MiB more after 2,900 frames of 0.06 MiB each"


def test_a_real_clip_is_read_whole(shared: Path) -> None:
    path = shared / "data" / "videos" / "bottle-detection.mp4"
    frames, source = read(path, every_s=0.5, threads=2)
    with av.open(str(path)) as container:
        stamps = [float(packet.pts * packet.time_base) for packet in container.demux(video=0) if packet.pts is not None]
    assert source.resolution_wh == (640, 360)
    assert source.duration_s == pytest.approx(39.85, abs=0.01)
    assert (source.frames_decoded, source.partial, source.error) == (1189, False, None)
    assert len(frames) == 80
    assert set(np.round(times(frames), 5)) <= set(np.round(np.array(stamps) - min(stamps), 5))
    assert min(frame.image.std() for frame in frames) > 10
