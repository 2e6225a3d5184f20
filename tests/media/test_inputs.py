"""What a user names on the command line, and the identity of what is found."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.errors import MediaError
from edge.media.content import MIB, content_id
from edge.media.sources import expand_inputs, open_source
from tests.media.own_media import corners, encoded, write_sound, write_video


def touched(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return [str(folder / name) for name in names]


def test_nothing_expands_to_nothing() -> None:
    assert expand_inputs([]) == []


def test_a_folder_is_its_media_sorted_and_deep(tmp_path: Path) -> None:
    wanted = touched(tmp_path, "B.JPG", "a.png", "c.mp4", "deep/er/d.webp")
    touched(tmp_path, "notes.txt", ".hidden.jpg", ".cache/x.jpg", "deep/._d.webp", "no_suffix")
    assert expand_inputs([str(tmp_path)]) == sorted(wanted)


def test_an_input_named_twice_is_done_once(tmp_path: Path) -> None:
    first, second = touched(tmp_path, "a.jpg", "b.jpg")
    assert expand_inputs([second, str(tmp_path), first]) == [second, first]


def test_a_missing_file_stays_to_be_said_when_opened(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.jpg")
    assert expand_inputs([gone]) == [gone]
    with pytest.raises(MediaError, match="no such file"):
        open_source(gone)


def test_refuses_an_empty_folder(tmp_path: Path) -> None:
    touched(tmp_path, "notes.txt")
    with pytest.raises(MediaError, match="holds no pictures and no videos"):
        expand_inputs([str(tmp_path)])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything may be read here")
def test_refuses_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    touched(tmp_path, "closed/a.jpg", "b.jpg")
    (tmp_path / "closed").chmod(0)
    try:
        with pytest.raises(MediaError, match="cannot be listed"):
            expand_inputs([str(tmp_path)])
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_bare_index_is_a_camera_unless_a_file_has_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert expand_inputs(["0", "camera:2"]) == ["camera:0", "camera:2"]
    touched(tmp_path, "0")
    assert expand_inputs(["0"]) == ["0"]


def test_opening_tells_pictures_from_videos_by_content(tmp_path: Path) -> None:
    (tmp_path / "picture.mp4").write_bytes(encoded(Image.fromarray(corners()), "PNG"))
    video = write_video(tmp_path / "clip.mp4", [corners()] * 3).rename(tmp_path / "video")
    for path, kind in ((tmp_path / "picture.mp4", "image"), (video, "video")):
        with open_source(str(path)) as source:
            assert source.kind == kind
            assert source.content_id == content_id(path)
            assert len(list(source.frames(1.0))) == 1


@pytest.mark.parametrize("name", ["words.jpg", "words.mp4", "words", "words.PNG"])
def test_refuses_text_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("just words\n" * 30)
    with pytest.raises(MediaError, match=f"{name}: is no"):
        open_source(str(tmp_path / name))


def test_refuses_sound_and_odd_paths(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no video track"):
        open_source(str(write_sound(tmp_path / "song.wav")))
    with pytest.raises(MediaError, match="not a file"):
        open_source(str(tmp_path))
    for odd in ("", "nul\0byte.jpg", "x" * 5000, "http://127.0.0.1/clip.mp4", "pipe:0"):
        with pytest.raises(MediaError):
            open_source(odd)


@pytest.mark.parametrize("length", [0, 1, MIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 5 * MIB])
def test_content_id_follows_its_written_rule(tmp_path: Path, length: int) -> None:
    content = bytes(range(251)) * (length // 251 + 1)
    content = content[:length]
    path = tmp_path / "content"
    path.write_bytes(content)
    hashed = content if length <= 2 * MIB else content[:MIB] + content[-MIB:]
    assert content_id(path) == hashlib.sha256(str(length).encode() + b"\n" + hashed).hexdigest()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_different_content_has_different_ids(tmp_path: Path, first: bytes, second: bytes) -> None:
    paths = tmp_path / "first", tmp_path / "second"
    paths[0].write_bytes(first)
    paths[1].write_bytes(second)
    assert (content_id(paths[0]) == content_id(paths[1])) == (first == second)


def test_a_picture_is_opened_without_the_video_library(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(Image.fromarray(corners()), "JPEG"))
    program = "import sys; from edge.media.sources import open_source; "
    program += "list(open_source(sys.argv[1]).frames(0)); sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", program, str(path)], check=True, timeout=60)
