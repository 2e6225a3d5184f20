"""The live path, run through FFmpeg's synthetic input device, and what is said when there is no camera."""

from __future__ import annotations

import time
from itertools import islice

import pytest

from edge.errors import MediaError
from edge.media.cameras import Device, open_camera, platform_device

PATTERN = Device("lavfi", "testsrc=size=320x240:rate=30")


def test_an_endless_stream_is_read_until_the_caller_stops() -> None:
    with open_camera("camera:0", PATTERN) as source:
        assert (source.kind, source.resolution_wh, source.duration_s) == ("video", (320, 240), None)
        frames = list(islice(source.frames(0.5), 4))
        assert [frame.timestamp_s for frame in frames] == pytest.approx([0, 0.5, 1.0, 1.5])
        assert (source.frames_decoded, source.partial, source.error) == (46, False, None)
    assert frames[0].image.shape == (240, 320, 3)
    assert frames[0].image.std() > 20


def test_a_camera_that_ends_is_no_error() -> None:
    with open_camera("camera:0", Device("lavfi", "testsrc=size=64x48:rate=10:duration=1")) as source:
        assert len(list(source.frames(0))) == 10
        assert source.error is None


def test_times_count_from_the_first_frame() -> None:
    late = Device("lavfi", "testsrc=size=64x48:rate=10:duration=1,setpts=PTS+1000/TB")
    with open_camera("camera:0", late) as source:
        assert [frame.timestamp_s for frame in source.frames(0.3)] == pytest.approx([0, 0.3, 0.6, 0.9])


def test_each_session_has_its_own_content_id() -> None:
    with open_camera("camera:0", PATTERN) as first:
        time.sleep(0.001)
        with open_camera("camera:0", PATTERN) as second:
            assert first.content_id != second.content_id


@pytest.mark.parametrize(
    ("path", "device", "sentence"),
    [
        ("camera:97", Device("v4l2", "/dev/video97"), "camera:97: there is no such camera"),
        ("camera:0", Device("no-such-format", "0"), "camera:0: the camera cannot be opened"),
        ("camera:0", Device("lavfi", "nonsense=1"), "camera:0: "),
        ("camera:0", Device("lavfi", "anullsrc=r=8000,atrim=duration=1"), "no video track"),
        ("camera:", None, "names no camera"),
    ],
)
def test_refuses_a_camera_that_is_not_there(path: str, device: Device | None, sentence: str) -> None:
    with pytest.raises(MediaError, match=sentence):
        open_camera(path, device)


def test_each_platform_has_its_interface() -> None:
    assert platform_device("2", "linux") == Device("v4l2", "/dev/video2")
    assert platform_device("/dev/video4", "linux") == Device("v4l2", "/dev/video4")
    assert platform_device("0", "darwin") == Device("avfoundation", "0:none")
    assert platform_device("USB Camera", "win32") == Device("dshow", "video=USB Camera")
    with pytest.raises(MediaError, match="not known on plan9"):
        platform_device("0", "plan9")
