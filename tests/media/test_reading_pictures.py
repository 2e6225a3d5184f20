"""Pictures in: every format and mode to RGB, everything damaged to one sentence, memory in bounds."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from edge.errors import MediaError
from edge.media.pictures import FULL_SIZE_PIXELS, LARGEST_PIXELS, PictureSource, read_picture
from tests.media.own_media import GREEN, RED, WHITE, corners, encoded, noise

FORMATS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "BMP": {},
    "GIF": {},
    "WEBP": {"lossless": True},
}


def written(folder: Path, content: bytes, name: str = "picture.jpg") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("file_format", FORMATS)
def test_content_decides_not_the_suffix(tmp_path: Path, file_format: str) -> None:
    path = written(tmp_path, encoded(Image.fromarray(corners()), file_format, **FORMATS[file_format]), "photo.dat")
    with PictureSource(path) as source:
        assert (source.kind, source.resolution_wh, source.duration_s) == ("image", (64, 48), None)
        (frame,) = source.frames(0.5)
        assert (source.frames_decoded, source.partial, source.error) == (1, False, None)
    assert (frame.frame_index, frame.timestamp_s, frame.image.dtype) == (0, 0.0, np.uint8)
    assert np.abs(frame.image.astype(int) - corners()).max() <= 12


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_single_pixel_is_a_picture(tmp_path: Path, file_format: str) -> None:
    path = written(tmp_path, encoded(Image.new("RGB", (1, 1), RED), file_format, **FORMATS[file_format]))
    assert read_picture(path).shape == (1, 1, 3)
    assert np.abs(read_picture(path)[0, 0].astype(int) - RED).max() <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_exif_orientation_is_applied(tmp_path: Path, file_format: str, orientation: int) -> None:
    shown = corners(64, 48)
    undo = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]
    from PIL import ImageOps

    picture = Image.fromarray(shown)
    picture.getexif()[0x0112] = undo
    stored = ImageOps.exif_transpose(picture)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = written(tmp_path, encoded(stored, file_format, exif=exif, **FORMATS[file_format]))
    assert PictureSource(path).resolution_wh == (64, 48)
    assert np.abs(read_picture(path).astype(int) - shown).max() <= 12


def test_16_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    path = written(tmp_path, encoded(Image.fromarray(ramp), "PNG"))
    expected = np.repeat((ramp[..., None] / 257).round(), 3, axis=2)
    assert np.abs(read_picture(path) - expected).max() <= 1


def test_16_bit_colour_is_scaled(tmp_path: Path) -> None:
    rows = b"".join(b"\0" + np.full((4, 3), value, ">u2").tobytes() for value in (0, 0x4000, 0x8000, 0xFFFF))
    path = written(tmp_path, _png(4, 4, rows, depth=16))
    assert np.abs(read_picture(path)[:, 0, 0].astype(int) - [0, 64, 128, 255]).max() <= 1


def test_transparent_parts_lie_on_white(tmp_path: Path) -> None:
    rgba = np.dstack([corners(), np.full((48, 64), 255, np.uint8)])
    rgba[:24] = (0, 0, 0, 0)
    rgba[24:, :32] = (0, 0, 0, 128)
    image = read_picture(written(tmp_path, encoded(Image.fromarray(rgba), "PNG")))
    assert tuple(image[0, 0]) == (255, 255, 255)
    assert np.abs(image[47, 0].astype(int) - 127).max() <= 1
    assert tuple(image[47, 63]) == WHITE


def test_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([*RED, *GREEN])
    palette.putpixel((0, 0), 0)
    for file_format in ("PNG", "GIF"):
        image = read_picture(written(tmp_path, encoded(palette, file_format, transparency=0)))
        assert tuple(image[0, 0]) == (255, 255, 255)
        assert tuple(image[3, 3]) == GREEN


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P", "RGBA"])
def test_other_png_modes_keep_their_light(tmp_path: Path, mode: str) -> None:
    source = Image.fromarray(np.where(corners() > 100, 255, 0).astype(np.uint8)).convert("L").convert(mode)
    expected = np.asarray(source.convert("RGB"))
    np.testing.assert_array_equal(read_picture(written(tmp_path, encoded(source, "PNG"))), expected)


def test_cmyk_is_not_inverted(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(Image.fromarray(corners()).convert("CMYK"), "JPEG", quality=95))
    assert np.abs(read_picture(path)[[0, 0], [0, 63]].astype(int) - [RED, GREEN]).max() <= 12


def test_an_animation_is_its_first_picture(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (8, 8), RED), Image.new("RGB", (8, 8), GREEN)
    for file_format in ("GIF", "PNG", "WEBP"):
        animation = encoded(first, file_format, save_all=True, append_images=[second])
        with PictureSource(written(tmp_path, animation)) as source:
            frames = list(source.frames(0))
        assert len(frames) == 1
        assert np.abs(frames[0].image[4, 4].astype(int) - RED).max() <= 6


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.5, 0.9])
def test_refuses_a_picture_cut_in_the_middle(tmp_path: Path, file_format: str, part: float) -> None:
    content = encoded(Image.fromarray(noise(200, 150)), file_format, **FORMATS[file_format])
    path = written(tmp_path, content[: max(24, int(len(content) * part))])
    with pytest.raises(MediaError, match=r"picture\.jpg: .*(damaged or cut|declares)"):
        read_picture(path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"not a picture at all, just words\n" * 20, "not a picture"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC or AVIF"),
        (b"II*\0" + b"\0" * 40, "TIFF"),
        (b"\xff\xd8\xff", "damaged or cut"),
        (b"\x89PNG\r\n\x1a\n", "damaged or cut"),
        (b"BM", "damaged or cut"),
    ],
)
def test_refuses_what_is_no_picture(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(MediaError, match=sentence):
        read_picture(written(tmp_path, content))


def test_refuses_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no such file"):
        read_picture(str(tmp_path / "gone.jpg"))
    with pytest.raises(MediaError, match="not a file"):
        read_picture(str(tmp_path))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file_format=st.sampled_from(sorted(FORMATS)), data=st.data())
def test_damaged_bytes_never_escape_as_another_error(tmp_path: Path, file_format: str, data: st.DataObject) -> None:
    content = bytearray(encoded(Image.fromarray(corners(24, 16)), file_format, **FORMATS[file_format]))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = read_picture(written(tmp_path, bytes(content)))
    except MediaError as e:
        assert "\n" not in str(e)
    else:
        assert image.ndim == 3 and image.shape[2] == 3 and image.dtype == np.uint8


@pytest.mark.parametrize("side", [30_000, 2_000_000])
def test_refuses_a_decompression_bomb_by_its_header(tmp_path: Path, side: int) -> None:
    path = written(tmp_path, _png(side, side, b"\0" * 1000), "bomb.png")
    with pytest.raises(MediaError, match=r"bomb\.png: .*megapixels"):
        PictureSource(path)


def test_a_large_picture_is_read_smaller_and_says_its_size(tmp_path: Path) -> None:
    picture = Image.fromarray(corners(1000, 750)).resize((5001, 3999), Image.Resampling.NEAREST)
    for file_format in ("JPEG", "PNG", "WEBP"):
        options = {"JPEG": {}, "PNG": {"compress_level": 1}, "WEBP": {"quality": 10, "method": 0}}[file_format]
        path = written(tmp_path, encoded(picture, file_format, **options))
        assert PictureSource(path).resolution_wh == (5001, 3999)
        image = read_picture(path)
        assert image.shape == (2000, 2501, 3)
        assert np.abs(image[[0, 0], [0, 2500]].astype(int) - [RED, GREEN]).max() <= 14


PEAK = """
import sys
from edge.media.pictures import PictureSource
from tests.media.own_media import peak_mib
source = PictureSource(sys.argv[1])
before = peak_mib()
(frame,) = source.frames(0)
print(source.resolution_wh[0], frame.image.shape[1], round(peak_mib() - before))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("file_format", "options", "most_mib"),
    [("JPEG", {}, 110), ("JPEG", {"progressive": True}, 260), ("PNG", {"compress_level": 1}, 290)],
)
def test_50_megapixels_stay_within_memory(
    tmp_path: Path, file_format: str, options: dict[str, Any], most_mib: int
) -> None:
    picture = Image.fromarray(noise(512, 384)).resize((8192, 6144), Image.Resampling.BILINEAR)
    path = written(tmp_path, encoded(picture, file_format, **options))
    del picture
    child = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True, timeout=120)
    shown, read, mib = map(int, child.stdout.split())
    assert (shown, read) == (8192, 4096)
    assert mib <= most_mib, f"{file_format} took {mib} MiB"


def test_limits_hold_together() -> None:
    assert all(limit > FULL_SIZE_PIXELS for limit in LARGEST_PIXELS.values())


def _png(width: int, height: int, rows: bytes, depth: int = 8) -> bytes:
    """Return an RGB PNG that declares any size, by the chunk layout of the PNG specification."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, 2, 0, 0, 0])
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
